import type Database from 'better-sqlite3'
import { isValidSignature } from '../../crypto/ed25519.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { Handle, Uid } from '../../events/ids.ts'
import { leafHash } from '../../merkle/hashing.ts'
import { MerkleLog } from '../../merkle/merkle-log.ts'
import { checkpointBody, cosignatureBytes, originOf } from '../../merkle/note.ts'
import type { EventStore } from '../../store/port.ts'
import { contractStream } from '../../store/streams.ts'

/** A member's newest note: what it has cosigned, if it is valid (C2SP; docs/protocol.md). */
export interface MemberCosignature {
  readonly party: number
  readonly handle: Handle
  readonly size: number
  readonly root: Hash
  /** Unix seconds, the party's own claim. */
  readonly time: number
  readonly signature: string
  /** The public key that it must be signed with. */
  readonly key: string
  /** The signature is good, and the root that of this ledger at that size. */
  readonly isValid: boolean
}

/** How far a contract has been signed for. */
export interface Audited {
  /** Of the entries in the read model. */
  readonly root: Hash
  readonly cosignatures: readonly MemberCosignature[]
  /** How many entries all members have cosigned: these have reached tier 4, the others tier 3 (design §2). */
  readonly cosignedSize: number
}

interface NoteRow extends Omit<MemberCosignature, 'isValid'> {
  readonly standing: string
}

/** Notes are claims: they are compared with the ledger and verified here, where it is asked for. Reads the ledger whole (decision 0100). */
export async function auditContract(database: Database.Database, events: EventStore, contract: Uid): Promise<Audited> {
  const { id, size } = database
    .prepare<[Uid], { id: number; size: number }>('SELECT id, size FROM Contract WHERE uid = ?')
    .get(contract) ?? { id: 0, size: 0 }
  let log = MerkleLog.empty
  for await (const { data } of events.read(contractStream(contract), { limit: size })) log = log.append(leafHash(data))
  const rows = database
    .prepare<[number], NoteRow>(
      `SELECT Party.id AS party, Party.handle, standing, note_size AS size, note_root AS root,
              note_time AS time, note_signature AS signature, coalesce(note_key, Party.signing_key) AS key
       FROM Market JOIN Party USING (id) JOIN Feed ON Feed.contract = Market.contract AND Feed.handle = Party.handle
       WHERE Market.contract = ? AND note_size IS NOT NULL ORDER BY Party.id`,
    )
    .all(id)
  const cosignatures = rows.map(
    ({ standing: _, ...note }): MemberCosignature => ({ ...note, isValid: isValid(note, contract, log) }),
  )
  const members = database
    .prepare<[number], number>("SELECT party FROM Market WHERE contract = ? AND standing = 'member'")
    .pluck()
    .all(id)
  const cosigned = members.map(
    (member) => cosignatures.find(({ party, isValid }) => party === member && isValid)?.size ?? 0,
  )
  return { root: log.root(), cosignatures, cosignedSize: Math.min(size, ...cosigned) }
}

function isValid({ key, time, signature, ...head }: Omit<NoteRow, 'standing'>, contract: Uid, log: MerkleLog): boolean {
  if (head.size > log.size || log.rootAt(head.size) !== head.root) return false
  return isValidSignature(key, cosignatureBytes(checkpointBody(originOf(contract), head), time), signature)
}
