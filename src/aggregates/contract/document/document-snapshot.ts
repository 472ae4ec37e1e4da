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

export function snapshotOfDocument(state: ContractState): DocumentSnapshot {
  return { ...state, types: [...state.types.defined], document: snapshotOfBlock(state.document) }
}

/** The inverse. Requires what `snapshotOfDocument` made, or a caller that compares the record hash. */
export function documentFrom(snapshot: DocumentSnapshot): ContractState {
  const types = snapshot.types.reduce(withType, noTypes)
  return { ...snapshot, types, document: blockFrom(snapshot.document) }
}

function snapshotOfBlock({ children, skeletons: _skeletons, weight: _weight, ...block }: StoredBlock): BlockSnapshot {
  return { ...block, ...slotsOf(children, snapshotOfElement) }
}

function snapshotOfElement(element: StoredElement): ElementSnapshot {
  if (element.kind === 'field') return element
  if (element.kind === 'block') return snapshotOfBlock(element)
  const { prototype, entries, ...list } = element
  const entryOf = prototype.kind === 'field' ? prototype : snapshotOfBlock(prototype)
  return { ...list, prototype: entryOf, entries: snapshotOfEntries(entries) }
}

function snapshotOfEntries({ tree, count: _count, ...entries }: Entries): EntriesSnapshot {
  const snapshotOfEntry = ({ own, ...entry }: Entry) => ({ ...entry, own: own && snapshotOfOwn(own) })
  return { ...entries, ...slotsOf(tree, snapshotOfEntry) }
}

function snapshotOfOwn(own: Own): OwnSnapshot {
  if (own.kind === 'standing') return own
  if (own.kind === 'entries') return snapshotOfEntries(own)
  const { tree, ...children } = own
  return { ...children, ...slotsOf(tree, snapshotOfOwn) }
}

function elementFrom(snapshot: ElementSnapshot): StoredElement {
  if (snapshot.kind === 'field') return snapshot
  if (snapshot.kind === 'block') return blockFrom(snapshot)
  const { prototype, entries, ...list } = snapshot
  const entryOf = prototype.kind === 'field' ? prototype : blockFrom(prototype)
  return { ...list, prototype: entryOf, entries: entriesFrom(entries) }
}

function blockFrom({ slots, children, ...block }: BlockSnapshot): StoredBlock {
  const elements = children.map(elementFrom)
  return {
    ...block,
    children: treeFrom(slots, elements),
    skeletons: ImmutableMap(elements.map(({ id, name }) => [nameRules.skeleton(name), ordinalOf(id)])),
    weight: elements.reduce((sum, element) => sum + weightOf(element), 1),
  }
}

function entriesFrom({ slots, children, ...entries }: EntriesSnapshot): Entries {
  const there = children.map(({ own, ...entry }): Entry => ({ ...entry, own: own && ownFrom(own) }))
  return { ...entries, tree: treeFrom(slots, there), count: there.length }
}

function ownFrom(snapshot: OwnSnapshot): Own {
  if (snapshot.kind === 'standing') return snapshot
  if (snapshot.kind === 'entries') return entriesFrom(snapshot)
  const { slots, children, ...own } = snapshot
  return { ...own, tree: treeFrom(slots, children.map(ownFrom)) }
}

function slotsOf<Stored, Snapshot>(tree: ChildTree<Stored>, snapshotOf: (stored: Stored) => Snapshot): Slots<Snapshot> {
  return { slots: tree.slots, children: [...tree].map(snapshotOf) }
}

function treeFrom<Stored extends { readonly id: ElementId }>(
  slots: number,
  stored: readonly Stored[],
): ChildTree<Stored> {
  let tree: ChildTree<Stored> = ChildTree.empty
  for (const one of stored) tree = tree.put(ordinalOf(one.id), one)
  return slots > tree.slots ? tree.put(slots - 1, undefined) : tree
}
