import type { Hash } from '../../crypto/hash.ts'
import type { Handle, Seq, Uid } from '../../events/ids.ts'
import type { SignedStatement } from '../../events/statement-codec.ts'
import { ContractDamaged } from './journal.ts'

/**
 * What the store has beyond what is held, since a crash has left out what it covers: it waits until that has come, and is not
 * stored again then. Decision 0138.
 */
export class StoredAhead {
  readonly #contract: Uid
  #hashes: ReadonlyMap<string, Hash> = new Map()

  constructor(contract: Uid, ahead: readonly SignedStatement[]) {
    this.#contract = contract
    this.reset(ahead)
  }

  /** The store has been read again. */
  reset(ahead: readonly SignedStatement[]): void {
    this.#hashes = new Map(ahead.map(({ hash, statement: { party, seq } }) => [placeOf(party, seq), hash]))
  }

  /** Throws ContractDamaged where another statement stands in its place: its author has signed both. */
  has({ hash, statement: { party, seq } }: SignedStatement): boolean {
    const stored = this.#hashes.get(placeOf(party, seq))
    if (stored === undefined) return false
    if (stored === hash) return true
    const message = `the store has another statement of ${party} at ${seq} than everybody else`
    throw new ContractDamaged('contract_damaged', message, { contract: this.#contract, party, seq })
  }
}

function placeOf(party: Handle, seq: Seq): string {
  return `${party} ${seq}`
}
