import type { Hash } from '../crypto/hash.ts'
import type { Handle, Seq, Uid } from '../events/ids.ts'
import { ConcordataError } from '../runtime/errors.ts'

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

/** Payloads that are kept together, as they stand: nothing left out, nothing mended. */
export interface AuditedGroup {
  /** `<handle>.<seq>` of the statement that names their seals, if they are what Concordata keeps. Two rows of one are two groups. */
  readonly group: string
  /** In the order in which they stand. A seal may stand there more than once. */
  readonly entries: readonly (readonly [seal: Hash, text: string])[]
  /** What of it cannot be read, and why. */
  readonly faults: readonly string[]
}

/**
 * One party's store, read-only and at one moment. Whoever opens it hands it in: the auditor knows no store, but that it may say
 * of itself that it is damaged.
 */
export interface AuditSource {
  readonly contract: Uid
  readonly founder: Handle
  /** Whose store it is, where that is known: of confidential values it has those that are for this party. */
  readonly self?: Handle
  /**
   * Whether what belongs together was stored at once, and all of it was read at one moment. If not, payloads may stand there whose
   * statement does not: of a write that was cut off, that lost a race, or that came after the feed was read.
   */
  readonly isAtomic: boolean
  /** The feed of one party as stored, from the first event on. */
  feed(party: Handle): AsyncIterable<StoredLine>
  /** The settled ledger as stored. */
  ledger(): AsyncIterable<StoredLine>
  /** The proofs against members as stored. */
  evidence(): AsyncIterable<StoredLine>
  /** Opened seals (canonical JSON) of a party's statements, as far as they are there. */
  payloads(party: Handle, sealed: readonly SealedAt[]): Promise<ReadonlyMap<Hash, string>>
  /** All payloads that stand there, whether anything names them or not. */
  groups(): AsyncIterable<AuditedGroup>
}

export function isStoreCorrupt(error: unknown): error is ConcordataError {
  return error instanceof ConcordataError && error.code === 'store_corrupt'
}
