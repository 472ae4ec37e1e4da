import { Map as ImmutableMap } from 'immutable'
import { type ElementId, ordinalOf } from '../../../events/ids.ts'
import type { TypeDefinition } from '../../../events/type-definition.ts'
import { nameRules } from '../../names/engine-1.ts'
import type { ContractState } from '../state.ts'
import { ChildTree } from './child-tree.ts'
import {
  type Entries,
  type Entry,
  type Field,
  type List,
  type Own,
  type OwnChildren,
  type OwnStanding,
  type StoredBlock,
  type StoredElement,
  weightOf,
} from './element.ts'
import { noTypes, withType } from './types.ts'

/** A document as plain JSON: all that it is but for what follows from the rest. Its record hash says whether it is the same. */
export interface DocumentSnapshot extends Omit<ContractState, 'document' | 'types'> {
  /** In the order in which they were defined. */
  readonly types: readonly TypeDefinition[]
  readonly document: BlockSnapshot
}

interface BlockSnapshot extends Omit<StoredBlock, 'children' | 'skeletons' | 'weight'>, Slots<ElementSnapshot> {}

interface ListSnapshot extends Omit<List, 'prototype' | 'entries'> {
  readonly prototype: BlockSnapshot | Field
  readonly entries: EntriesSnapshot
}
interface EntriesSnapshot extends Omit<Entries, 'tree' | 'count'>, Slots<EntrySnapshot> {}
interface EntrySnapshot extends Omit<Entry, 'own'> {
  readonly own: OwnSnapshot | null
}
interface OwnChildrenSnapshot extends Omit<OwnChildren, 'tree'>, Slots<OwnSnapshot> {}

type ElementSnapshot = BlockSnapshot | ListSnapshot | Field
type OwnSnapshot = OwnStanding | OwnChildrenSnapshot | EntriesSnapshot

interface Slots<Snapshot> {
  /** How many ordinals were ever given out. */
  readonly slots: number
  /** Those that are there, each with its ordinal at the end of its id. */
  readonly children: readonly Snapshot[]
}

/** Elements between two steps: what one of them takes is far below a millisecond. */
const ELEMENTS_A_STEP = 256

/** In steps. */
export function* snapshotOfDocument(state: ContractState): Generator<void, DocumentSnapshot> {
  return { ...state, types: [...state.types.defined], document: yield* snapshotOfBlock(state.document) }
}

/** The inverse, in steps. Requires what `snapshotOfDocument` made, or a caller that compares the record hash. */
export function* documentFrom(snapshot: DocumentSnapshot): Generator<void, ContractState> {
  const types = snapshot.types.reduce(withType, noTypes)
  return { ...snapshot, types, document: yield* blockFrom(snapshot.document) }
}

function* snapshotOfBlock({
  children,
  skeletons: _skeletons,
  weight: _weight,
  ...block
}: StoredBlock): Generator<void, BlockSnapshot> {
  return { ...block, ...(yield* slotsOf(children, snapshotOfElement)) }
}

function snapshotOfElement(element: StoredElement): Now<ElementSnapshot> {
  if (element.kind === 'field') return element
  return element.kind === 'block' ? snapshotOfBlock(element) : snapshotOfList(element)
}

function* snapshotOfList({ prototype, entries, ...list }: List): Generator<void, ListSnapshot> {
  const entryOf = prototype.kind === 'field' ? prototype : yield* snapshotOfBlock(prototype)
  return { ...list, prototype: entryOf, entries: yield* snapshotOfEntries(entries) }
}

function* snapshotOfEntries({ tree, count: _count, ...entries }: Entries): Generator<void, EntriesSnapshot> {
  return { ...entries, ...(yield* slotsOf(tree, snapshotOfEntry)) }
}

function snapshotOfEntry(entry: Entry): Now<EntrySnapshot> {
  const { own } = entry
  return own === null || own.kind === 'standing' ? { ...entry, own } : withOwn(entry, own)
}

function* withOwn(entry: Entry, own: Own): Generator<void, EntrySnapshot> {
  return { ...entry, own: yield* settled(snapshotOfOwn(own)) }
}

function snapshotOfOwn(own: Own): Now<OwnSnapshot> {
  if (own.kind === 'standing') return own
  return own.kind === 'entries' ? snapshotOfEntries(own) : snapshotOfChildren(own)
}

function* snapshotOfChildren({ tree, ...children }: OwnChildren): Generator<void, OwnChildrenSnapshot> {
  return { ...children, ...(yield* slotsOf(tree, snapshotOfOwn)) }
}

function elementFrom(snapshot: ElementSnapshot): Now<StoredElement> {
  if (snapshot.kind === 'field') return snapshot
  return snapshot.kind === 'block' ? blockFrom(snapshot) : listFrom(snapshot)
}

function* listFrom({ prototype, entries, ...list }: ListSnapshot): Generator<void, List> {
  const entryOf = prototype.kind === 'field' ? prototype : yield* blockFrom(prototype)
  return { ...list, prototype: entryOf, entries: yield* entriesFrom(entries) }
}

function* blockFrom({ slots, children, ...block }: BlockSnapshot): Generator<void, StoredBlock> {
  const elements = yield* each(children, elementFrom)
  const skeletons = ImmutableMap<string, number>().asMutable()
  let weight = 1
  for (const [place, element] of elements.entries()) {
    if (place % ELEMENTS_A_STEP === ELEMENTS_A_STEP - 1) yield
    skeletons.set(nameRules.skeleton(element.name), ordinalOf(element.id))
    weight += weightOf(element)
  }
  return { ...block, children: yield* treeFrom(slots, elements), skeletons: skeletons.asImmutable(), weight }
}

function* entriesFrom({ slots, children, ...entries }: EntriesSnapshot): Generator<void, Entries> {
  const there = yield* each(children, entryFrom)
  return { ...entries, tree: yield* treeFrom(slots, there), count: there.length }
}

function entryFrom(entry: EntrySnapshot): Now<Entry> {
  const { own } = entry
  return own === null || own.kind === 'standing' ? { ...entry, own } : entryWith(entry, own)
}

function* entryWith(entry: EntrySnapshot, own: OwnSnapshot): Generator<void, Entry> {
  return { ...entry, own: yield* settled(ownFrom(own)) }
}

function ownFrom(snapshot: OwnSnapshot): Now<Own> {
  if (snapshot.kind === 'standing') return snapshot
  return snapshot.kind === 'entries' ? entriesFrom(snapshot) : childrenFrom(snapshot)
}

function* childrenFrom({ slots, children, ...own }: OwnChildrenSnapshot): Generator<void, OwnChildren> {
  return { ...own, tree: yield* treeFrom(slots, yield* each(children, ownFrom)) }
}

function* slotsOf<Stored, Snapshot extends object>(
  tree: ChildTree<Stored>,
  snapshotOf: (stored: Stored) => Now<Snapshot>,
): Generator<void, Slots<Snapshot>> {
  return { slots: tree.slots, children: yield* each(tree, snapshotOf) }
}

function* treeFrom<Stored extends { readonly id: ElementId }>(
  slots: number,
  stored: readonly Stored[],
): Generator<void, ChildTree<Stored>> {
  let tree: ChildTree<Stored> = ChildTree.empty
  for (const [place, one] of stored.entries()) {
    if (place % ELEMENTS_A_STEP === ELEMENTS_A_STEP - 1) yield
    tree = tree.put(ordinalOf(one.id), one)
  }
  return slots > tree.slots ? tree.put(slots - 1, undefined) : tree
}

/** What is small is there at once: a step for each of it would cost more than it. */
type Now<Made extends object> = Made | Generator<void, Made>

function isInSteps<Made extends object>(made: Now<Made>): made is Generator<void, Made> {
  return typeof (made as { readonly next?: unknown }).next === 'function'
}

function* settled<Made extends object>(made: Now<Made>): Generator<void, Made> {
  return isInSteps(made) ? yield* made : made
}

function* each<Stored, Made extends object>(
  all: Iterable<Stored>,
  make: (stored: Stored) => Now<Made>,
): Generator<void, Made[]> {
  const made: Made[] = []
  for (const one of all) {
    if (made.length % ELEMENTS_A_STEP === ELEMENTS_A_STEP - 1) yield
    const next = make(one)
    made.push(isInSteps(next) ? yield* next : next)
  }
  return made
}
