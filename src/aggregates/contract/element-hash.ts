import { type Hash, hashFromBytes, hashJson } from '../../crypto/hash.ts'
import { unreachable } from '../../runtime/assert.ts'
import type { Element } from './state.ts'

const kept = new WeakMap<Element, Hash>()

/** Over an element's own state and its children's hashes. Kept: elements are immutable. */
export function elementHash(element: Element): Hash {
  const known = kept.get(element)
  if (known !== undefined) return known
  const hash = hashJson('element', contentOf(element))
  kept.set(element, hash)
  return hash
}

/** What the hash is taken over. Members in canonical order, here and in all that the state is made of: writing them costs least. */
export function contentOf(element: Element): object {
  const { id, name, namedBy, owner, kind } = element
  switch (element.kind) {
    case 'block': {
      const { list } = element
      const children = { root: hashFromBytes(element.children.root(elementHash)), size: element.children.slots }
      return { children, id, kind, list, name, namedBy, owner }
    }
    case 'field': {
      const { agreed, candidates, field } = element
      return { agreed, candidates, field, id, kind, name, namedBy, owner }
    }
    default:
      return unreachable(element)
  }
}
