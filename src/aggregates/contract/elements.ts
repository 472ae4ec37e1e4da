import type { CommandOf } from '../../events/commands.ts'
import type { FieldType } from '../../events/field-type.ts'
import { type ElementId, type Handle, ROOT } from '../../events/ids.ts'
import { currencies } from '../currencies/engine-1.ts'
import { nameRules } from '../names/engine-1.ts'
import { type DecideContext, type Decision, Rejection } from './decider.ts'
import type { Resolved } from './parse-command.ts'
import {
  type Block,
  type ContractState,
  childLike,
  type Element,
  find,
  memberOf,
  ordinalsOf,
  parentIdOf,
} from './state.ts'

export function addBlock(command: Resolved<'AddBlock'>, state: ContractState, context: DecideContext): Decision {
  const place = placeFor(command, state, context)
  if (place instanceof Rejection) return place
  return [
    { element: place.element, list: command.list ?? false, name: place.name, owner: place.owner, type: 'BlockAdded' },
  ]
}

export function addField(command: Resolved<'AddField'>, state: ContractState, context: DecideContext): Decision {
  const place = placeFor(command, state, context)
  if (place instanceof Rejection) return place
  return (
    typeProblem(command.field) ?? [
      { element: place.element, field: command.field, name: place.name, owner: place.owner, type: 'FieldAdded' },
    ]
  )
}

export function renameElement(
  { element: id, name }: CommandOf<'RenameElement'>,
  state: ContractState,
  context: DecideContext,
): Decision {
  const element = changeable(id, state, context)
  if (element instanceof Rejection) return element
  const parent = parentOf(element, state)
  if (parent.list) return new Rejection('name_unfit')
  return nameProblem(name, parent, state, id) ?? [{ element: id, name, type: 'ElementRenamed' }]
}

/** With all that stands under it, whoever owns that. */
export function removeElement(
  { element: id }: CommandOf<'RemoveElement'>,
  state: ContractState,
  context: DecideContext,
): Decision {
  const element = changeable(id, state, context)
  return element instanceof Rejection ? element : [{ element: id, type: 'ElementRemoved' }]
}

/** What is shared belongs to nobody, so nobody can give it away. What stands under the element keeps its owners. */
export function grantElement(
  { element: id, to }: CommandOf<'GrantElement'>,
  state: ContractState,
  { author }: DecideContext,
): Decision {
  const element = find(state, id)
  if (element === undefined) return new Rejection('no_such_element', [id])
  if (element.owner !== author) return new Rejection('not_owner', element.owner === null ? [] : [element.owner])
  if (to !== null && memberOf(state, to) === undefined) return new Rejection('owner_unfit', [to])
  return [{ element: id, to, type: 'ElementGranted' }]
}

/** Where a new element comes to stand, what it is called there, and whose it is. */
interface Place {
  readonly element: ElementId
  readonly name: string
  readonly owner: Handle | null
}

function placeFor(
  command: Resolved<'AddBlock'> | Resolved<'AddField'>,
  state: ContractState,
  { author }: DecideContext,
): Place | Rejection {
  const parent = find(state, command.parent)
  if (parent === undefined) return new Rejection('no_such_element', [command.parent])
  if (parent.kind !== 'block') return new Rejection('not_a_block', [command.parent])
  if (!mayChange(parent, author)) return notOwner(parent)
  if (depthOf(parent) >= state.limits.treeDepth) return new Rejection('limit_exceeded', ['treeDepth'])
  if (parent.list !== (command.name === undefined)) return new Rejection('name_unfit')
  const ordinal = parent.children.slots
  const name = command.name ?? String(ordinal + 1)
  const problem = nameProblem(name, parent, state)
  if (problem !== undefined) return problem
  const owner = command.owner === undefined ? parent.owner : command.owner
  // The parent's owner can be no other: the author may change the parent, so it is the author's, or shared.
  if (owner !== null && owner !== author) return new Rejection('owner_unfit', [owner])
  return { element: `${parent.id}.${ordinal}` as ElementId, name, owner }
}

/** `renamed`: the element that is to get the name; undefined for a new one. */
function nameProblem(name: string, parent: Block, state: ContractState, renamed?: ElementId): Rejection | undefined {
  if (nameRules.elementNameFault(name) !== undefined) return new Rejection('name_unfit')
  if (codePoints(name) > state.limits.nameCharacters) return new Rejection('limit_exceeded', ['nameCharacters'])
  const holder = childLike(parent, name)
  if (holder === undefined || (holder.id === renamed && holder.name !== name)) return undefined
  const code = holder.name === name ? 'name_taken' : 'name_confusable'
  return new Rejection(code, holder.namedBy === null ? [holder.id] : [holder.id, holder.namedBy])
}

function typeProblem(type: FieldType): Rejection | undefined {
  if (type.type === 'choice') return optionProblem(type.options)
  if (type.type !== 'money' || type.currency === undefined) return undefined
  return currencies.decimalsOf(type.currency) === undefined
    ? new Rejection('currency_unknown', [type.currency])
    : undefined
}

function optionProblem(options: readonly string[]): Rejection | undefined {
  const places = new Map<string, number>()
  for (const [place, option] of options.entries()) {
    if (nameRules.textFault(option) !== undefined) return new Rejection('option_unfit', [String(place)])
    const skeleton = nameRules.skeleton(option)
    const twin = places.get(skeleton)
    if (twin !== undefined) return new Rejection('option_confusable', [String(twin), String(place)])
    places.set(skeleton, place)
  }
  return undefined
}

/** Renamed or removed by whoever may change the block that it stands in, or owns the element itself. */
function changeable(id: ElementId, state: ContractState, { author }: DecideContext): Element | Rejection {
  if (id === ROOT) return new Rejection('root_fixed')
  const element = find(state, id)
  if (element === undefined) return new Rejection('no_such_element', [id])
  const parent = parentOf(element, state)
  return mayChange(parent, author) || element.owner === author ? element : notOwner(parent)
}

function parentOf({ id }: Element, state: ContractState): Block {
  return find(state, parentIdOf(id)) as Block
}

function mayChange(block: Block, author: Handle): boolean {
  return block.owner === null || block.owner === author
}

/** Requires a block that is not shared. */
function notOwner({ owner }: Block): Rejection {
  return new Rejection('not_owner', [owner as Handle])
}

/** The root has depth 0. */
function depthOf({ id }: Element): number {
  return ordinalsOf(id).length
}

/** As JSON Schema counts the length of a text. */
function codePoints(text: string): number {
  return [...text].length
}
