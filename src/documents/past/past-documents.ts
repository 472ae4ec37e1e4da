import { type ContractState, initialState } from '../../aggregates/contract/state.ts'
import { settledFrom } from '../../contracts/replica/find-settled.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import type { LedgerIndex, Uid } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { EventStore } from '../../store/port.ts'

/** The settled ledger has no entry of that index. Evidence: `index`, `size`. */
export class NoSuchEntry extends ConcordataError {}

/** More entries than are gone through while somebody waits; an export has any point in time. Evidence: `index`, `indexMax`. */
export class HistoryTooLong extends ConcordataError {}

const REPLAYED_MAX = 250_000
/** For how many contracts documents are remembered, and how many for each; they share what is equal in them. */
const CONTRACTS_REMEMBERED_MAX = 8
const SIZES_REMEMBERED_MAX = 64
/** While a ledger is read through, one document in that number of entries is remembered. */
const REMEMBERED_EACH = 10_000

interface Remembered {
  readonly size: number
  readonly document: ContractState
}

/** Documents as they were after a number of settled entries, made from the events of these. */
export class PastDocuments {
  readonly #events: EventStore
  readonly #turns: Turns | undefined
  /** By size, of each contract; of both the latest use last. */
  readonly #remembered = new Map<Uid, Map<number, ContractState>>()

  /** `turns`: so that others have theirs while a ledger is gone through; left out: it is done at once. */
  constructor(events: EventStore, turns: Turns | undefined) {
    this.#events = events
    this.#turns = turns
  }

  /** After a settled entry. Throws NoSuchEntry, HistoryTooLong, ContractDamaged. */
  async after(live: LiveContract, index: LedgerIndex): Promise<ContractState> {
    const size = live.state.settling.settled
    if (index >= size) {
      throw new NoSuchEntry('no_such_entry', `the settled ledger has ${size} entries, from 0 on`, { index, size })
    }
    if (index >= REPLAYED_MAX && this.#nearest(live.contract, index + 1).size + REPLAYED_MAX <= index) {
      const message = `documents are shown up to entry ${REPLAYED_MAX - 1}`
      throw new HistoryTooLong('history_too_long', message, { index, indexMax: REPLAYED_MAX - 1 })
    }
    return this.ofSize(live, index + 1)
  }

  /** The document after the first entries, however many these are. Requires that they have settled. Throws ContractDamaged. */
  async ofSize(live: LiveContract, size: number): Promise<ContractState> {
    const { settled, agreed } = live.state.settling
    if (size === settled) return agreed
    const { contract } = live
    let { size: at, document } = this.#nearest(contract, size)
    if (at === size) return document
    for await (const entry of settledFrom(this.#events, contract, at)) {
      document = this.next(live, entry, document)
      if (++at === size) break
      if (at % REMEMBERED_EACH === 0) this.remember(contract, { document, size: at })
      if (this.#turns?.isOver === true) await this.#turns.next()
    }
    this.remember(contract, { document, size })
    return document
  }

  /** What an entry makes of the document before it. */
  next({ state }: LiveContract, entry: LedgerEntry, document: ContractState): ContractState {
    return state.ledger.engines.evolve(document, entry.events, entry)
  }

  /** So that what follows it is made from it. */
  remember(contract: Uid, { document, size }: Remembered): void {
    const sizes = this.#remembered.get(contract) ?? new Map<number, ContractState>()
    sizes.delete(size)
    sizes.set(size, document)
    dropOldest(sizes, SIZES_REMEMBERED_MAX)
    this.#remembered.delete(contract)
    this.#remembered.set(contract, sizes)
    dropOldest(this.#remembered, CONTRACTS_REMEMBERED_MAX)
  }

  /** The longest ledger that is remembered, and not longer. */
  #nearest(contract: Uid, size: number): Remembered {
    const sizes = [...(this.#remembered.get(contract)?.keys() ?? [])].filter((one) => one <= size)
    const nearest = Math.max(0, ...sizes)
    const document = this.#remembered.get(contract)?.get(nearest) ?? initialState(contract)
    if (nearest > 0) this.remember(contract, { document, size: nearest })
    return { document, size: nearest }
  }
}

function dropOldest<Key>(map: Map<Key, unknown>, max: number): void {
  if (map.size > max) map.delete(map.keys().next().value as Key)
}
