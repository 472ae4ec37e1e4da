import { type ContractState, initialState } from '../../aggregates/contract/state.ts'
import { settledEntries } from '../../contracts/replica/find-settled.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import type { LedgerIndex } from '../../events/ids.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { EventStore } from '../../store/port.ts'

/** The settled ledger has no entry of that index. Evidence: `index`, `size`. */
export class NoSuchEntry extends ConcordataError {}

/** More entries than are gone through while somebody waits; an export has any point in time. Evidence: `index`, `indexMax`. */
export class HistoryTooLong extends ConcordataError {}

export const REPLAYED_MAX = 250_000

/**
 * The documents after two settled entries, which share what is equal in both. Made from the events, up to the later of the two: no
 * more than `REPLAYED_MAX`. Throws NoSuchEntry, HistoryTooLong, ContractDamaged.
 */
export async function documentsAfter(
  live: LiveContract,
  [from, to]: readonly [LedgerIndex, LedgerIndex],
  events: EventStore,
  turns: Turns | undefined,
): Promise<readonly [ContractState, ContractState]> {
  const { contract, state } = live
  const { engines } = state.ledger
  const size = state.settling.settled
  const last = Math.max(from, to)
  if (last >= size) {
    throw new NoSuchEntry('no_such_entry', `the settled ledger has ${size} entries`, { index: last, size })
  }
  if (last >= REPLAYED_MAX) {
    const message = `documents are shown up to entry ${REPLAYED_MAX - 1}`
    throw new HistoryTooLong('history_too_long', message, { index: last, indexMax: REPLAYED_MAX - 1 })
  }
  let current = initialState(contract)
  const found = new Map<LedgerIndex, ContractState>()
  for await (const entry of settledEntries(events, contract, last + 1)) {
    current = engines.evolve(current, entry.events, entry)
    if (entry.index === from || entry.index === to) found.set(entry.index, current)
    if (turns?.isOver === true) await turns.next()
  }
  return [found.get(from) ?? current, found.get(to) ?? current]
}
