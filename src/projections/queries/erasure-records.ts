import type Database from 'better-sqlite3'
import type { Hash } from '../../crypto/hash.ts'
import type { Handle, LedgerIndex, Uid } from '../../events/ids.ts'
import type { RecordedAbout } from './recorded-about.ts'

export interface RecordedErasureVote extends RecordedAbout {
  readonly erasure: Hash
  readonly by: Handle
  readonly castAt: LedgerIndex
}

/** Reads from a read model who has voted for the erasures that are open, and what each has said. */
export class ErasureRecords {
  readonly #votes

  constructor(database: Database.Database) {
    this.#votes = database.prepare<[Uid], RecordedErasureVote>(
      `SELECT Erasure.name AS erasure, handle AS "by", cast_at AS castAt, about, about_in AS aboutIn
       FROM ErasureVote JOIN Erasure ON Erasure.id = ErasureVote.erasure
       JOIN HeldContract ON HeldContract.id = ErasureVote.contract JOIN Party ON Party.id = ErasureVote.party
       WHERE uid = ? AND Erasure.ended_at IS NULL ORDER BY Erasure.id, cast_at`,
    )
  }

  /** In the order of the ledger: of an erasure the first is of who has asked for it. Those with them that count no more. */
  open(contract: Uid): readonly RecordedErasureVote[] {
    return this.#votes.all(contract)
  }
}
