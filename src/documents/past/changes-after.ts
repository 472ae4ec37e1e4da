import type { ContractState } from '../../aggregates/contract/state.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import { settledFrom } from '../../contracts/replica/find-settled.ts'
import type { LedgerIndex, Uid } from '../../events/ids.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { Store } from '../../store/port.ts'
import type { Documents } from '../documents.ts'
import { requireReached } from './reached.ts'
import { STATEMENTS_AT_ONCE, StatementTimes } from './statement-times.ts'
import { type ToldChange, toldChanges } from './told-changes.ts'

export interface ShownChanges {
  readonly changes: readonly ToldChange[]
  /** What to ask with the next time: all up to this entry, with it, has been looked at; −1 where there is none. */
  readonly after: LedgerIndex
  /** There is more to be had at once. */
  readonly more: boolean
}

/** How many entries are looked at for one answer. */
const ENTRIES_MAX = 1_000

/** What has changed at and below an element from an entry on, those of an entry together. Throws NoSuchContract, NoSuchEntry. */
export async function changesAfter(
  subject: { readonly contract: Uid; readonly names: readonly string[] },
  from: number,
  limit: number,
  ports: {
    readonly contracts: Contracts
    readonly documents: Pick<Documents, 'past'>
    readonly store: Store
    readonly turns: Turns
  },
): Promise<ShownChanges> {
  const {
    contracts,
    documents: { past },
    store,
    turns,
  } = ports
  const { contract } = subject
  const changes: ToldChange[] = []
  return contracts.use(contract, async (live) => {
    const size = live.state.settling.settled
    await requireReached(from, size, contract, store.events)
    let next = from
    let before: ContractState | undefined
    const telling = { contracts, store, turns, times: new StatementTimes(store.events, contract, STATEMENTS_AT_ONCE) }
    if (from < size) {
      for await (const entry of settledFrom(store.events, contract, from)) {
        if (next === size || next - from === ENTRIES_MAX || changes.length >= limit) break
        before ??= await past.ofSize(live, entry.index)
        const after: ContractState = past.next(live, entry, before)
        changes.push(...(await toldChanges(entry, subject, { before, after }, telling)))
        before = after
        next++
        if (turns.isOver) await turns.next()
      }
    }
    if (before !== undefined) past.remember(contract, { document: before, size: next })
    return { changes, after: next - 1, more: next < size }
  })
}
