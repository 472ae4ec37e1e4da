import type { Hash } from '../crypto/hash.ts'
import type { Handle, Seq, Uid } from '../events/ids.ts'

/** One stored event as the auditor is given it. */
export interface StoredLine {
  readonly type: string
  readonly data: string
  readonly revision: number
}

/** A seal, and which statement of its party's feed names it. */
export interface SealedAt {
  readonly seq: Seq
  readonly seal: Hash
}

/** One party's store, read-only and at one moment. Whoever opens it hands it in: the auditor knows no store. */
export interface AuditSource {
  readonly contract: Uid
  readonly founder: Handle
  /** The feed of one party as stored, from the first event on. */
  feed(party: Handle): AsyncIterable<StoredLine>
  /** The settled ledger as stored. */
  ledger(): AsyncIterable<StoredLine>
  /** The proofs against members as stored. */
  evidence(): AsyncIterable<StoredLine>
  /** Opened seals (canonical JSON) of a party's statements, as far as they are there. */
  payloads(party: Handle, sealed: readonly SealedAt[]): Promise<ReadonlyMap<Hash, string>>
}
