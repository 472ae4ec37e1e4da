import { Map as ImmutableMap } from 'immutable'
import type { Hash } from '../../../crypto/hash.ts'
import type { FieldType } from '../../../events/field-type.ts'
import { type ElementId, type Handle, ordinalOf } from '../../../events/ids.ts'
import { nameRules } from '../../names/engine-1.ts'
import { nothing, type Standing } from '../values/standing.ts'
import { ChildTree } from './child-tree.ts'

interface Named {
  readonly id: ElementId
  /** In the block that it stands in no other one has this name, or one that can be taken for it. */
  readonly name: string
  /** Key of the request that gave it the name; null for the root, which has none: it is there from the first. */
  readonly namedBy: string | null
  /** Alone changes the structure under it; null: shared. */
  readonly owner: Handle | null
  /** Of an entry, and of what stands in one: what it is made of. Left out by all others. */
  readonly instance?: Instance
}

/** What an entry, or an element in one, is made of (decision 0111). */
interface Instance {
  /** Says all about it but its values and entries, and that of all entries. */
  readonly prototype: StoredElement
  /** Undefined as long as nobody has put anything there. */
  readonly own: Own | undefined
}

/** The children of a block, by their ordinals. */
interface Children {
  /** How many were given out. */
  readonly slots: number
  /** Undefined where a child was removed, or never was. */
  get(ordinal: number): Element | undefined
  [Symbol.iterator](): Iterator<Element>
}

export interface Block extends Named {
  readonly kind: 'block'
  /** The next child gets the ordinal `children.slots`; that of a removed one is never given again. */
  readonly children: Children
  /** Ordinals of the children that are there, by the skeletons of their names. Follows from them, so no hash is taken over it. */
  readonly skeletons: ImmutableMap<string, number>
  /** The ordinals of children that come first, in that order; the others come behind, by their ordinals. Null: all of them do. */
  readonly order: readonly number[] | null
  /** How many elements it, and what is below, can come to: lists with all the entries that they may have. Follows, likewise. */
  readonly weight: number
}

/** A block that stands in the document itself, or in a prototype: not in an entry. */
export interface StoredBlock extends Block {
  readonly children: ChildTree<StoredElement>
}

/** Its children are its prototype, which has the ordinal 0, and its entries, from 1 on. */
export interface List extends Named {
  readonly kind: 'list'
  /** What every entry is made of: a field, or a block with all below it. It has no values, and lists in it no entries. */
  readonly prototype: StoredBlock | Field
  /** Child 0 of the prototype tells entries apart: no two of them have the same value there. */
  readonly keyed: boolean
  readonly entriesMax: number
  readonly entries: Entries
}

export interface Field extends Named, Standing {
  readonly kind: 'field'
  readonly field: FieldType
}

export type Element = Block | List | Field
export type StoredElement = StoredBlock | List | Field

/** The entries of a list. */
export interface Entries {
  readonly kind: 'entries'
  /** Of the list. */
  readonly id: ElementId
  /** Slot 0 is nobody's. The number of a removed entry is never given again. */
  readonly tree: ChildTree<Entry>
  /** How many are there. */
  readonly count: number
}

export interface Entry {
  readonly kind: 'entry'
  readonly id: ElementId
  /** Key of the request that added it. */
  readonly addedBy: string
  /** Null as long as nobody has put anything there. */
  readonly own: Own | null
}

/** What an entry, or an element in one, has of its own: as little as was put there, its structure being that of the prototype. */
export type Own = OwnStanding | OwnChildren | Entries

export interface OwnStanding extends Standing {
  readonly kind: 'standing'
  readonly id: ElementId
}

/** By the ordinals of the prototype. What stood at one that was removed there stays here, and is nothing any more. */
export interface OwnChildren {
  readonly kind: 'children'
  readonly id: ElementId
  readonly tree: ChildTree<Own>
}

export function emptyBlock(about: Omit<Named, 'instance'>): StoredBlock {
  return { kind: 'block', ...about, children: ChildTree.empty, order: null, skeletons: ImmutableMap(), weight: 1 }
}

/** A list as it is added. `entry`: the type of its entries, where they are fields. */
export function emptyList(
  { id, ...about }: Omit<Named, 'instance'>,
  {
    entry,
    entriesMax,
    key,
  }: {
    readonly entry: 'block' | FieldType
    readonly entriesMax: number
    readonly key: { readonly name: string; readonly field: FieldType } | null
  },
): List {
  const first = { ...about, id: `${id}.0` as ElementId, name: '0' }
  const block = emptyBlock(first)
  const keyField = key && ({ ...about, ...nothing, kind: 'field', id: `${id}.0.0` as ElementId, ...key } as const)
  const entryBlock = keyField === null ? block : withChildIn(block, keyField)
  const prototype = entry === 'block' ? entryBlock : ({ ...first, ...nothing, kind: 'field', field: entry } as const)
  return { kind: 'list', id, ...about, entries: noEntries(id), entriesMax, keyed: key !== null, prototype }
}

/** With one element more in a slot of its own: the next one, or, where a template leaves some out, one behind that. */
export function withChildIn(parent: StoredBlock, child: StoredElement): StoredBlock {
  const ordinal = ordinalOf(child.id)
  return {
    ...parent,
    skeletons: parent.skeletons.set(nameRules.skeleton(child.name), ordinal),
    children: parent.children.put(ordinal, child),
    weight: parent.weight + weightOf(child),
  }
}

export function noEntries(list: ElementId): Entries {
  return { kind: 'entries', id: list, tree: ChildTree.empty.put(0, undefined) as ChildTree<Entry>, count: 0 }
}

/** How many elements it, and what is below it, can come to. */
export function weightOf(element: StoredElement): number {
  if (element.kind === 'field') return 1
  return element.kind === 'block' ? element.weight : 1 + instancesOf(element) * weightOf(element.prototype)
}

/** How often a list, at most, has what is in its prototype: there, and in each entry. */
export function instancesOf({ entriesMax }: List): number {
  return 1 + entriesMax
}

/** Undefined where there is none, or it was removed. */
export function childAt(element: Element, ordinal: number): Element | undefined {
  if (element.kind === 'field') return undefined
  if (element.kind === 'block') return element.children.get(ordinal)
  if (ordinal === 0) return element.instance === undefined ? element.prototype : undefined
  const entry = element.entries.tree.get(ordinal)
  return entry && entryOf(element, entry)
}

/** Of a block its children, in their order; of a list its entries. */
export function* childrenOf(element: Block | List): Generator<Element> {
  if (element.kind === 'list') yield* entriesOf(element)
  else if (element.order === null) yield* element.children
  else yield* arranged(element, element.order)
}

function* arranged({ children }: Block, order: readonly number[]): Generator<Element> {
  const first = new Set(order)
  for (const ordinal of first) {
    const child = children.get(ordinal)
    if (child !== undefined) yield child
  }
  for (const child of children) if (!first.has(ordinalOf(child.id))) yield child
}

export function* entriesOf(list: List): Generator<Element> {
  for (const entry of list.entries.tree) yield entryOf(list, entry)
}

/** The field of the prototype that tells the entries of a list apart. */
export function keyOf({ keyed, prototype }: List): Field | undefined {
  const key = keyed && prototype.kind === 'block' ? prototype.children.get(0) : undefined
  return key?.kind === 'field' ? key : undefined
}

/** By its name; in a list by its number, 0 being the prototype. */
export function childNamed(element: Element, name: string): Element | undefined {
  if (element.kind === 'list') return /^(?:0|[1-9]\d{0,8})$/.test(name) ? childAt(element, Number(name)) : undefined
  if (element.kind === 'field') return undefined
  const child = childLike(element, name)
  return child?.name === name ? child : undefined
}

/** The child whose name is this one, or can be taken for it. */
export function childLike(block: Block, name: string): Element | undefined {
  const ordinal = block.skeletons.get(nameRules.skeleton(name))
  return ordinal === undefined ? undefined : block.children.get(ordinal)
}

/** In the order of the document, which is that of their ids. */
export function* fieldsWithCandidates(element: Element): Generator<Field> {
  if (element.kind === 'field') {
    if (element.candidates.length > 0) yield element
    return
  }
  // Nobody has put anything there.
  if (element.instance !== undefined && element.instance.own === undefined) return
  for (const child of element.kind === 'block' ? element.children : entriesOf(element))
    yield* fieldsWithCandidates(child)
}

/** The fields at which a value with one of these seals stands. */
export function* fieldsHolding(element: Element, seals: ReadonlySet<Hash>): Generator<Field> {
  if (element.kind !== 'field') {
    // Nobody has put anything there.
    if (element.instance !== undefined && element.instance.own === undefined) return
    for (const child of childrenOf(element)) yield* fieldsHolding(child, seals)
    return
  }
  const { agreed, candidates } = element
  if (agreed !== null && seals.has(agreed.seal)) yield element
  else if (candidates.some(({ seal }) => seal !== null && seals.has(seal))) yield element
}

function entryOf({ prototype }: List, { id, addedBy, own }: Entry): Element {
  return { ...instantiate(prototype, id, own ?? undefined), name: String(ordinalOf(id)), namedBy: addedBy }
}

/** The element that a prototype makes at a place in an entry, with what stands there of its own. */
export function instantiate(prototype: StoredElement, id: ElementId, own: Own | undefined): Element {
  const instance = { prototype, own }
  switch (prototype.kind) {
    case 'field':
      return { ...prototype, id, instance, ...(own?.kind === 'standing' ? standingOf(own) : nothing) }
    case 'block': {
      const children = new InstanceChildren(prototype, id, own?.kind === 'children' ? own : undefined)
      return { ...prototype, id, instance, children }
    }
    case 'list':
      return { ...prototype, id, instance, entries: own?.kind === 'entries' ? own : noEntries(id) }
  }
}

/** The inverse: what an element that an entry has is of its own. */
export function ownOf(element: Element): Own | undefined {
  if (element.kind === 'field') return { kind: 'standing', id: element.id, ...standingOf(element) }
  return element.kind === 'list' ? element.entries : element.instance?.own
}

function standingOf({ agreed, candidates }: Standing): Standing {
  return { agreed, candidates }
}

/** What the children of a block of the prototype are in an entry: made when they are looked at. */
class InstanceChildren implements Children {
  readonly #prototype: StoredBlock
  readonly #id: ElementId
  readonly #own: OwnChildren | undefined

  constructor(prototype: StoredBlock, id: ElementId, own: OwnChildren | undefined) {
    this.#prototype = prototype
    this.#id = id
    this.#own = own
  }

  get slots(): number {
    return this.#prototype.children.slots
  }

  get(ordinal: number): Element | undefined {
    const child = this.#prototype.children.get(ordinal)
    return child && this.#instanceOf(child, ordinal)
  }

  *[Symbol.iterator](): Generator<Element> {
    for (const child of this.#prototype.children) yield this.#instanceOf(child, ordinalOf(child.id))
  }

  #instanceOf(child: StoredElement, ordinal: number): Element {
    return instantiate(child, `${this.#id}.${ordinal}` as ElementId, this.#own?.tree.get(ordinal))
  }
}
