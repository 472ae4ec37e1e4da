import { ancestorsOf, type ElementId } from '../../../events/ids.ts'
import type { ContractState } from '../state.ts'
import type { Inactive, RuleTerms } from './rule-book.ts'

const sets = new WeakMap<readonly ElementId[], ReadonlySet<ElementId>>()

/** Looked up: there may be thousands, and each field that is read asks for each block around it. */
function setOf(blocks: readonly ElementId[]): ReadonlySet<ElementId> {
  const known = sets.get(blocks)
  if (known !== undefined) return known
  const set = new Set(blocks)
  sets.set(blocks, set)
  return set
}

/** Whether an element stands in no block that is switched off. */
export function isActive({ inactive: { blocks } }: ContractState, id: ElementId): boolean {
  if (blocks.length === 0) return true
  const off = setOf(blocks)
  for (const way of ancestorsOf(id)) if (off.has(way)) return false
  return true
}

/** Whether a rule in force counts now, wherever it is evaluated. A trigger is what switches others: it always counts. */
export function isRuleActive(state: ContractState, { at, ruleSet, body }: RuleTerms): boolean {
  if (body.kind === 'trigger') return true
  if (ruleSet !== null && state.inactive.ruleSets.includes(ruleSet)) return false
  return isActive(state, body.kind === 'assignment' ? body.target : at)
}

export function withBlockSwitched({ blocks, ruleSets }: Inactive, id: ElementId, active: boolean): Inactive {
  const others = blocks.filter((other) => other !== id)
  return { blocks: active ? others : [...others, id].sort(), ruleSets }
}

export function withRuleSetSwitched({ blocks, ruleSets }: Inactive, id: number, active: boolean): Inactive {
  const others = ruleSets.filter((other) => other !== id)
  return { blocks, ruleSets: active ? others : [...others, id].sort((one, other) => one - other) }
}
