import { find } from '../../aggregates/contract/state.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import { ancestorsOf, type ElementId } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import type { Request } from '../../events/statement.ts'
import { AgreedView } from '../agreed-view.ts'

const additions: ReadonlySet<string> = new Set(['AddBlock', 'AddEntry', 'AddField', 'AddList'])

/** What is named by a number that is given to it when it is drafted or added. */
export interface Drafted {
  readonly rule?: number
  readonly ruleSet?: number
}

/** Whether it drafts a rule, or adds a rule set, and does nothing else. */
export function asksToDraft(request: Request): boolean {
  const [only, ...others] = 'commands' in request ? request.commands : []
  return others.length === 0 && (only?.type === 'DraftRule' || only?.type === 'AddRuleSet')
}

/** The number that it has been given. */
export function draftedIn({ events }: LedgerEntry): Drafted {
  for (const event of events) {
    if (event.type === 'RuleDrafted') return { rule: event.rule }
    if (event.type === 'RuleSetAdded') return { ruleSet: event.ruleSet }
  }
  return {}
}

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
