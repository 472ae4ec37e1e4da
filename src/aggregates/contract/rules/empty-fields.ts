import type { ElementId } from '../../../events/ids.ts'
import { childrenOf, type Element } from '../document/element.ts'
import { isErased } from '../erased-values.ts'
import { type ContractState, find } from '../state.ts'
import { isActive } from './activity.ts'
import { eachInstanceOf } from './rule-schema.ts'

/** The first active field at or under an element of the schema, in the order of the document, that has no agreed value. */
export function firstEmptyUnder(state: ContractState, schemaId: ElementId): ElementId | undefined {
  for (const id of eachInstanceOf(state, schemaId)) {
    const element = find(state, id)
    const empty = element && firstEmptyIn(state, element)
    if (empty !== undefined) return empty
  }
  return undefined
}

function firstEmptyIn(state: ContractState, element: Element): ElementId | undefined {
  // What was erased has no value, and is not counted among what is empty.
  const isErasable = state.erasures.erased.length > 0
  if ((!isErasable && !hasEmpty(element)) || !isActive(state, element.id)) return undefined
  if (element.kind === 'field') {
    const isEmpty = element.agreed === null || isErased(state, element.agreed.seal)
    return isEmpty ? element.id : undefined
  }
  for (const child of childrenOf(element)) {
    const empty = firstEmptyIn(state, child)
    if (empty !== undefined) return empty
  }
  return undefined
}

const NOTHING = {}
const kept = new WeakMap<object, WeakMap<object, boolean>>()

/**
 * Whether a field at or under it has no agreed value, active or not. Kept with what the element is made of: after a change only what
 * lies on its way to the root is looked at again.
 */
function hasEmpty(element: Element): boolean {
  if (element.kind === 'field') return element.agreed === null
  const { instance } = element
  const [whole, part] = instance === undefined ? [element, NOTHING] : [instance.prototype, instance.own ?? NOTHING]
  const known = kept.get(whole)?.get(part)
  if (known !== undefined) return known
  const found = childrenOf(element).some(hasEmpty)
  if (!kept.has(whole)) kept.set(whole, new WeakMap())
  kept.get(whole)?.set(part, found)
  return found
}
