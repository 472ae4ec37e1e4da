import type { Origin } from '../../aggregates/contract/decider.ts'
import type { Engines } from '../../aggregates/contract/engines.ts'
import { inputSealsOf } from '../../aggregates/contract/rules/computed-inputs.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import { HistoryPruned } from '../../runtime/history-pruned.ts'

/** From what rules have computed what: the entries since the first publication, the newest first. */
export interface Lineage {
  /** The document before the oldest of them. */
  readonly start: ContractState
  readonly newest: Link
}

interface Link {
  readonly entry: Pick<LedgerEntry, 'events' | keyof Origin>
  readonly before: Link | undefined
}

/**
 * The same with one more entry; undefined as long as no rules were ever in force, and for a view that has not all of it. `before`: the
 * document before it.
 */
export function withEntryIn(
  lineage: Lineage | undefined,
  { events, index, request }: Link['entry'],
  before: ContractState,
): Lineage | undefined {
  if (events.length === 0) return lineage
  const entry = { events, index, request }
  if (lineage !== undefined) return { ...lineage, newest: { before: lineage.newest, entry } }
  const isFirst = before.rules.since === 0 && events.some(({ type }) => type === 'RulesPublished')
  return isFirst ? { newest: { before: undefined, entry }, start: before } : undefined
}

/**
 * The seals of all values that rules have computed from the values under these seals, directly or through other
 * computed ones. Takes a replay of the events. `document`: of the ledger whose lineage it is. Throws HistoryPruned
 * where the view does not have all of it.
 */
export function computedFromIn(
  lineage: Lineage | undefined,
  document: ContractState,
  engines: Engines,
): (seals: ReadonlySet<Hash>) => ReadonlySet<Hash> {
  return (seals) => {
    const computed = new Set<Hash>()
    if (lineage === undefined) {
      if (document.rules.since > 0) throw new HistoryPruned('from what rules have computed')
      return computed
    }
    let state = lineage.start
    for (const { events, index, request } of entriesOf(lineage)) {
      for (const event of events) {
        if (event.type === 'ValueComputed' && event.seal !== null) {
          const inputs = inputSealsOf(state, event.rule, event.field)
          if (inputs.some((seal) => seals.has(seal) || computed.has(seal))) computed.add(event.seal)
        }
        state = engines.evolve(state, [event], { index, request })
      }
    }
    return computed
  }
}

function entriesOf({ newest }: Lineage): Link['entry'][] {
  const entries: Link['entry'][] = []
  for (let link: Link | undefined = newest; link !== undefined; link = link.before) entries.push(link.entry)
  return entries.reverse()
}
