import type { Hash } from '../../../crypto/hash.ts'
import { type ElementId, parentIdOf } from '../../../events/ids.ts'
import { isWithin } from '../../rules/schema.ts'
import { type ContractState, find } from '../state.ts'
import { isActive } from './activity.ts'
import type { CompiledRule, Read } from './compiled-rule.ts'
import { instancesOf } from './rule-schema.ts'
import { isPublishable, rulesInForce } from './rules-in-force.ts'

/** The fields that an expression reads, in the order of its nodes, lists by their ordinals (design §5a *Inputs*). `block`: where it is evaluated. */
export function inputsOf(
  { block: schemaBlock, lists, reads }: CompiledRule,
  block: ElementId,
  state: ContractState,
): Read[] {
  return reads.flatMap(({ id: schemaId, isOfList }) => {
    const isOwn = !isOfList && lists.length > 0 && isWithin(schemaId, schemaBlock)
    const ids = instancesOf(state, schemaId, isOwn ? { under: block, of: schemaBlock } : undefined)
    const fields = ids.filter((id) => find(state, id)?.kind === 'field')
    return fields.map((id) => ({ id, isOfList }))
  })
}

/** The seals of the values that a rule has computed a field from. `state`: right before the event that says so. */
export function inputSealsOf(state: ContractState, rule: number, field: ElementId): Hash[] {
  const rules = rulesInForce(state)
  const assigning = isPublishable(rules) ? rules.rules.find(({ terms }) => terms.id === rule) : undefined
  if (assigning === undefined) return []
  return inputsOf(assigning, parentIdOf(field), state).flatMap(({ id }) => {
    const input = find(state, id)
    return input?.kind === 'field' && input.agreed !== null && isActive(state, id) ? [input.agreed.seal] : []
  })
}
