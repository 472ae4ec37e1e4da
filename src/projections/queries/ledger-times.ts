import type Database from 'better-sqlite3'
import type { LedgerIndex, Uid } from '../../events/ids.ts'
import { LOCAL_IDS } from '../row-id.ts'

/** The times that statements claim for the entries of ledgers, from a read model, which may be behind. */
export class LedgerTimes {
  readonly #size
  readonly #later

  constructor(database: Database.Database) {
    this.#size = database.prepare<[Uid], { size: number }>(
      `SELECT coalesce(max(Request.ledger_index) + 1, 0) AS size FROM HeldContract
       JOIN Request ON Request.id > HeldContract.id * ${LOCAL_IDS} AND Request.id < (HeldContract.id + 1) * ${LOCAL_IDS}
       WHERE uid = ?`,
    )
    this.#later = database.prepare<[number, number, Uid, string], { index: LedgerIndex }>(
      `SELECT Request.ledger_index AS "index" FROM HeldContract
       JOIN Request ON Request.id > HeldContract.id * ${LOCAL_IDS} + ? AND Request.id <= HeldContract.id * ${LOCAL_IDS} + ?
       WHERE uid = ? AND time > ? ORDER BY Request.id LIMIT 1`,
    )
  }

  /** Of how many entries, from the first on, it knows the times. */
  known(contract: Uid): number {
    return this.#size.get(contract)?.size ?? 0
  }

  /** The first entry of these, `to` not among them, that claims a later time. `time`: as statements have it. */
  firstAfter(
    contract: Uid,
    time: string,
    { from, to }: { readonly from: number; readonly to: number },
  ): LedgerIndex | undefined {
    return this.#later.get(from, to, contract, time)?.index
  }
}
