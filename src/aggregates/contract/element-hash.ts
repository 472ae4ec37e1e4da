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

function contentOf(element: Element): object {
  const { id, name, namedBy, owner, kind } = element
  const named = { id, name, namedBy, owner, kind }
  switch (element.kind) {
    case 'block': {
      const { list, children } = element
      return { ...named, list, children: { size: children.slots, root: hashFromBytes(children.root()) } }
    }
    case 'field':
      return { ...named, field: element.field, proposals: element.proposals }
    default:
      return unreachable(element)
  }
}
