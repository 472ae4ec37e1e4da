import { settledFrom } from '../../contracts/replica/find-settled.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import type { LedgerIndex } from '../../events/ids.ts'
import type { LedgerTimes } from '../../projections/queries/ledger-times.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { Store } from '../../store/port.ts'
import { NoSuchEntry } from './past-documents.ts'
import { STATEMENTS_AT_ONCE, StatementTimes } from './statement-times.ts'

export interface PastTimesPorts {
  readonly ledgerTimes: Pick<LedgerTimes, 'known' | 'firstAfter'>
  readonly store: Store
  readonly turns: Turns
}

/** How many rows are looked at in one go. */
const PAGE = 2_000

/**
 * The last entry before the first one whose statement claims a later time, as exports have it (`export/point-in-time.ts`): so what
 * is read is a prefix of the ledger, whatever clocks go wrong behind it. `time`: as statements have it. Throws NoSuchEntry.
 */
export async function lastEntryAt(time: string, live: LiveContract, ports: PastTimesPorts): Promise<LedgerIndex> {
  const later = await firstAfter(time, live, ports)
  if (later > 0) return later - 1
  const message = 'the first entry of the ledger claims a later time'
  throw new NoSuchEntry('no_such_entry', message, { size: live.state.settling.settled })
}

async function firstAfter(
  time: string,
  { contract, state }: LiveContract,
  { ledgerTimes, store, turns }: PastTimesPorts,
): Promise<number> {
  const size = state.settling.settled
  const known = Math.min(size, ledgerTimes.known(contract))
  for (let from = 0; from < known; from += PAGE) {
    const found = ledgerTimes.firstAfter(contract, time, { from, to: Math.min(known, from + PAGE) })
    if (found !== undefined) return found
    if (turns.isOver) await turns.next()
  }
  let at = known
  const times = new StatementTimes(store.events, contract, STATEMENTS_AT_ONCE)
  for await (const entry of settledFrom(store.events, contract, known)) {
    if (at === size || (await times.of(entry)) > time) return at
    at++
  }
  return at
}
