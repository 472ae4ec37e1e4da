import { type Hash, hashFromBytes, hashJson } from '../../../crypto/hash.ts'
import { unreachable } from '../../../runtime/assert.ts'
import type { Element, Entry, Own, StoredElement } from './element.ts'

/** What is stored, with a hash of its own. */
export type Hashed = StoredElement | Entry | Own

const kept = new WeakMap<object, Hash>()

/** Over an element's own state and its children's hashes. Of what stands in an entry: over that of its prototype, and what it has of its own. */
export function elementHash(element: Element): Hash {
  return hashOf(element, () => viewedContentOf(element))
}

/** Over what is stored. Kept: it is immutable. */
export function storedHash(stored: Hashed): Hash {
  return hashOf(stored, () => contentOf(stored))
}

/** The same of it and all below it, in steps: what is asked for afterwards is known. */
export function* hashing(stored: Hashed): Generator<void, void> {
  if (kept.has(stored)) return
  switch (stored.kind) {
    case 'block':
      yield* stored.children.hashing(storedHash, hashing)
      break
    case 'list':
      yield* hashing(stored.prototype)
      yield* hashing(stored.entries)
      break
    case 'entries':
      yield* stored.tree.hashing(storedHash, hashing)
      break
    case 'children':
      yield* stored.tree.hashing(storedHash, hashing)
      break
    case 'entry':
      if (stored.own !== null) yield* hashing(stored.own)
      break
    case 'field':
    case 'standing':
      storedHash(stored)
      return
    default:
      return unreachable(stored)
  }
  storedHash(stored)
  yield
}

function hashOf(subject: object, content: () => object): Hash {
  const known = kept.get(subject)
  if (known !== undefined) return known
  const hash = hashJson('element', content())
  kept.set(subject, hash)
  return hash
}

/** So that a change in a block costs the same however long its order is. */
function orderHash(order: readonly number[]): Hash {
  return hashOf(order, () => ({ kind: 'order', order }))
}

/** What is in no record hash: of an entry that is made when it is looked at. */
function viewedContentOf(element: Element): object {
  if (element.instance === undefined) return contentOf(element as StoredElement)
  const { id, namedBy, instance } = element
  const own = instance.own === undefined ? null : storedHash(instance.own)
  return { id, kind: 'instance', namedBy, own, prototype: storedHash(instance.prototype) }
}

/** What the hash is taken over. Members in canonical order, here and in all that the state is made of: writing them costs least. */
export function contentOf(stored: Hashed): object {
  const { id, kind } = stored
  switch (stored.kind) {
    case 'block': {
      const { name, namedBy, order, owner } = stored
      const children = { root: hashFromBytes(stored.children.root(storedHash)), size: stored.children.slots }
      return { children, id, kind, name, namedBy, order: order && orderHash(order), owner }
    }
    case 'list': {
      const { entriesMax, keyed, name, namedBy, owner } = stored
      const prototype = storedHash(stored.prototype)
      return { entries: storedHash(stored.entries), entriesMax, id, keyed, kind, name, namedBy, owner, prototype }
    }
    case 'field': {
      const { agreed, candidates, field, name, namedBy, owner } = stored
      return { agreed, candidates, field, id, kind, name, namedBy, owner }
    }
    case 'entries': {
      const { count, tree } = stored
      return { count, entries: { root: hashFromBytes(tree.root(storedHash)), size: tree.slots }, id, kind }
    }
    case 'entry': {
      const { addedBy, own } = stored
      return { addedBy, id, kind, own: own === null ? null : storedHash(own) }
    }
    case 'standing': {
      const { agreed, candidates } = stored
      return { agreed, candidates, id, kind }
    }
    case 'children': {
      const { tree } = stored
      return { children: { root: hashFromBytes(tree.root(storedHash)), size: tree.slots }, id, kind }
    }
    default:
      return unreachable(stored)
  }
}
