import type { ElementId } from '../../../events/ids.ts'
import { childrenOf, type Element } from '../document/element.ts'
import { type ContractState, find } from '../state.ts'
import { isActive } from './activity.ts'
import { instancesOf } from './rule-schema.ts'

/** The first active field at or under an element of the schema, in the order of the document, that has no agreed value. */
export function firstEmptyUnder(state: ContractState, schemaId: ElementId): ElementId | undefined {
  for (const id of instancesOf(state, schemaId)) {
    const element = find(state, id)
    const empty = element && firstEmptyIn(state, element)
    if (empty !== undefined) return empty
  }
  return undefined
}

function firstEmptyIn(state: ContractState, element: Element): ElementId | undefined {
  if (!isActive(state, element.id)) return undefined
  if (element.kind === 'field') return element.agreed === null ? element.id : undefined
  for (const child of childrenOf(element)) {
    const empty = firstEmptyIn(state, child)
    if (empty !== undefined) return empty
  }
  return undefined
}
