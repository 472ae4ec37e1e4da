import { type ElementId, ordinalOf, ordinalsOf, parentIdOf, ROOT } from '../../../events/ids.ts'
import { nameRules } from '../../names/engine-1.ts'
import { type ContractState, find } from '../state.ts'
import { ChildTree } from './child-tree.ts'
import {
  type Element,
  type Entries,
  type Entry,
  instantiate,
  type List,
  noEntries,
  type Own,
  ownOf,
  type StoredBlock,
  type StoredElement,
  weightOf,
  withChildIn,
} from './element.ts'

/** Copies what lies on the way from the root to the element, and nothing else. Where there is no such element nothing changes. */
export function withElement(state: ContractState, id: ElementId, change: (element: Element) => Element): ContractState {
  const document = changedAt(state.document, ordinalsOf(id), change)
  return document.kind === 'block' ? { ...state, document } : state
}

/** With one element more in a block, in a slot of its own. */
export function withChild(state: ContractState, child: StoredElement): ContractState {
  return withBlock(state, parentIdOf(child.id), (parent) => withChildIn(parent, child))
}

/** Shows the children of a block in another order. */
export function withOrder(state: ContractState, id: ElementId, order: readonly number[]): ContractState {
  return withBlock(state, id, (block) => ({ ...block, order: order.length === 0 ? null : order }))
}

/** Puts another name to an element of a block, and keeps the skeletons in that up with it. */
export function withName(state: ContractState, id: ElementId, name: string, namedBy: string): ContractState {
  return withSlot(state, id, (element) => ({ ...element, name, namedBy }))
}

/** Without an element of a block, or an entry of a list. */
export function withoutElement(state: ContractState, id: ElementId): ContractState {
  if (id === ROOT || find(state, id) === undefined) return state
  const parent = parentIdOf(id)
  if (find(state, parent)?.kind !== 'list') return withSlot(state, id, () => undefined)
  return withEntries(state, parent, ({ tree, count, ...entries }) => ({
    ...entries,
    tree: tree.with(ordinalOf(id), undefined),
    count: count - 1,
  }))
}

export function withEntry(state: ContractState, id: ElementId, addedBy: string): ContractState {
  const entry: Entry = { kind: 'entry', id, addedBy, own: null }
  return withEntries(state, parentIdOf(id), ({ tree, count, ...entries }) => ({
    ...entries,
    tree: tree.append(entry),
    count: count + 1,
  }))
}

function withEntries(state: ContractState, list: ElementId, change: (entries: Entries) => Entries): ContractState {
  return withElement(state, list, (element) =>
    element.kind === 'list' ? { ...element, entries: change(element.entries) } : element,
  )
}

function withSlot(
  state: ContractState,
  id: ElementId,
  change: (element: StoredElement) => StoredElement | undefined,
): ContractState {
  const ordinal = id === ROOT ? undefined : ordinalOf(id)
  if (ordinal === undefined) return state
  return withBlock(state, parentIdOf(id), (parent) => {
    const element = parent.children.get(ordinal)
    if (element === undefined) return parent
    const changed = change(element)
    const skeletons = parent.skeletons.delete(nameRules.skeleton(element.name))
    return {
      ...parent,
      order: changed === undefined ? orderWithout(parent.order, ordinal) : parent.order,
      skeletons: changed === undefined ? skeletons : skeletons.set(nameRules.skeleton(changed.name), ordinal),
      children: parent.children.with(ordinal, changed),
      weight: parent.weight - weightOf(element) + (changed === undefined ? 0 : weightOf(changed)),
    }
  })
}

function orderWithout(order: StoredBlock['order'], ordinal: number): StoredBlock['order'] {
  if (!order?.includes(ordinal)) return order
  return order.length === 1 ? null : order.filter((other) => other !== ordinal)
}

function withBlock(state: ContractState, id: ElementId, change: (block: StoredBlock) => StoredBlock): ContractState {
  return withElement(state, id, (element) =>
    element.kind === 'block' && element.instance === undefined ? change(element as StoredBlock) : element,
  )
}

function changedAt(
  element: StoredElement,
  way: readonly number[],
  change: (element: Element) => Element,
): StoredElement {
  const [ordinal, ...rest] = way
  // What is stored stays so: nothing makes an entry of it.
  if (ordinal === undefined) return change(element) as StoredElement
  switch (element.kind) {
    case 'field':
      return element
    case 'block': {
      const child = element.children.get(ordinal)
      if (child === undefined) return element
      const changed = changedAt(child, rest, change)
      const weight = element.weight - weightOf(child) + weightOf(changed)
      return { ...element, children: element.children.with(ordinal, changed), weight }
    }
    case 'list': {
      if (ordinal > 0) return { ...element, entries: changedIn(element, element.entries, ordinal, rest, change) }
      const prototype = changedAt(element.prototype, rest, change)
      return prototype.kind === 'list' ? element : { ...element, prototype }
    }
  }
}

function changedIn(
  { prototype }: List,
  entries: Entries,
  ordinal: number,
  rest: readonly number[],
  change: (element: Element) => Element,
): Entries {
  const entry = entries.tree.get(ordinal)
  if (entry === undefined) return entries
  const own = changedOwn(prototype, entry.own ?? undefined, entry.id, rest, change)
  const changed: Entry = { ...entry, own: own ?? null }
  return { ...entries, tree: entries.tree.with(ordinal, changed) }
}

/** What is put at a place in an entry stands there, and on the way to it: nothing else of the prototype is copied. */
function changedOwn(
  prototype: StoredElement,
  own: Own | undefined,
  id: ElementId,
  way: readonly number[],
  change: (element: Element) => Element,
): Own | undefined {
  const [ordinal, ...rest] = way
  if (ordinal === undefined) return ownOf(change(instantiate(prototype, id, own)))
  if (prototype.kind === 'field') return own
  if (prototype.kind === 'list') {
    return changedIn(prototype, own?.kind === 'entries' ? own : noEntries(id), ordinal, rest, change)
  }
  const child = prototype.children.get(ordinal)
  if (child === undefined) return own
  const tree: ChildTree<Own> = own?.kind === 'children' ? own.tree : ChildTree.empty
  const changed = changedOwn(child, tree.get(ordinal), `${id}.${ordinal}` as ElementId, rest, change)
  return { kind: 'children', id, tree: tree.put(ordinal, changed) }
}
