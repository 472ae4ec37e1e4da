import { find } from '../../aggregates/contract/state.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import { ancestorsOf, type ElementId } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import type { Request } from '../../events/statement.ts'
import { AgreedView } from '../agreed-view.ts'

const additions: ReadonlySet<string> = new Set(['AddBlock', 'AddEntry', 'AddField', 'AddList'])

/** Whether it asks for elements that are not there. */
export function asksToAdd(request: Request): boolean {
  return 'commands' in request && request.commands.some(({ type }) => additions.has(type))
}

/** The names on the way to the one element that it has added, beside what stands in that. */
export function createdIn({ events }: LedgerEntry, { state }: LiveContract): string[] | undefined {
  const added = new Set(events.flatMap(addedBy))
  const outermost = [...added].filter((id) => ![...ancestorsOf(id)].some((way) => way !== id && added.has(way)))
  const [only] = outermost
  if (outermost.length !== 1 || only === undefined || find(state.settling.agreed, only) === undefined) return undefined
  return AgreedView.namesOf(state.settling.agreed, only)
}

function addedBy(event: ContractEvent): ElementId[] {
  switch (event.type) {
    case 'BlockAdded':
    case 'EntryAdded':
    case 'FieldAdded':
    case 'ListAdded':
      return [event.element]
    default:
      return []
  }
}
