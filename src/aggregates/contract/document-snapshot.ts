import { Map as ImmutableMap } from 'immutable'
import { nameRules } from '../names/engine-1.ts'
import { ChildTree } from './child-tree.ts'
import { type Block, type ContractState, type Element, type Field, ordinalOf } from './state.ts'

/** A document as plain JSON: all that it is but for what follows from the rest. Its record hash says whether it is the same. */
export interface DocumentSnapshot extends Omit<ContractState, 'document'> {
  readonly document: BlockSnapshot
}

interface BlockSnapshot extends Omit<Block, 'children' | 'skeletons'> {
  /** How many children were ever given out an ordinal. */
  readonly slots: number
  /** Those that are there, by their ordinals. */
  readonly children: readonly (BlockSnapshot | Field)[]
}

export function snapshotOfDocument(state: ContractState): DocumentSnapshot {
  return { ...state, document: snapshotOfBlock(state.document) }
}

function snapshotOfBlock({ children, skeletons: _skeletons, ...block }: Block): BlockSnapshot {
  const there = [...children].map((child) => (child.kind === 'field' ? child : snapshotOfBlock(child)))
  return { ...block, slots: children.slots, children: there }
}

/** The inverse. Requires what `snapshotOfDocument` made, or a caller that compares the record hash. */
export function documentFrom(snapshot: DocumentSnapshot): ContractState {
  return { ...snapshot, document: blockFrom(snapshot.document) }
}

function blockFrom({ slots, children, ...block }: BlockSnapshot): Block {
  const elements = new Map<number, Element>()
  const skeletons: [string, number][] = []
  for (const child of children) {
    const ordinal = ordinalOf(child.id)
    elements.set(ordinal, child.kind === 'field' ? child : blockFrom(child))
    skeletons.push([nameRules.skeleton(child.name), ordinal])
  }
  let tree: ChildTree<Element> = ChildTree.empty
  for (let ordinal = 0; ordinal < slots; ordinal++) tree = tree.append(elements.get(ordinal))
  return { ...block, children: tree, skeletons: ImmutableMap(skeletons) }
}
