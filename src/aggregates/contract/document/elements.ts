import type { CommandOf } from '../../../events/commands.ts'
import { type ElementId, type Handle, ordinalOf, ordinalsOf, parentIdOf, ROOT } from '../../../events/ids.ts'
import { nameRules } from '../../names/engine-1.ts'
import type { CommandOutcome, DecideContext } from '../decider.ts'
import type { Resolved } from '../parse-command.ts'
import { Rejection } from '../rejection.ts'
import { type ContractState, find, memberOf } from '../state.ts'
import { ownerOutside } from '../values/audience.ts'
import { typeProblem } from './define-type.ts'
import { type Block, childAt, childLike, type Element, instancesOf, type List } from './element.ts'

export function addBlock(command: Resolved<'AddBlock'>, state: ContractState, context: DecideContext): CommandOutcome {
  const place = placeFor(command, state, context)
  if (place instanceof Rejection) return place
  return [{ ...place, type: 'BlockAdded' }]
}

export function addField(command: Resolved<'AddField'>, state: ContractState, context: DecideContext): CommandOutcome {
  const place = placeFor(command, state, context)
  if (place instanceof Rejection) return place
  const { element, name, owner } = place
  return typeProblem(command.field, state) ?? [{ element, field: command.field, name, owner, type: 'FieldAdded' }]
}

export function renameElement(
  { element: id, name }: CommandOf<'RenameElement'>,
  state: ContractState,
  context: DecideContext,
): CommandOutcome {
  const place = changeable(id, state, context)
  if (place instanceof Rejection) return place
  const { element, parent } = place
  if (parent.kind === 'list') return new Rejection('entry_fixed', [parent.prototype.id])
  return nameProblem(name, parent, state, element.id) ?? [{ element: id, name, type: 'ElementRenamed' }]
}

/**
 * What is not there any more is left out of the order, and what was added meanwhile comes behind it: neither makes it void, since
 * whoever arranges could not know of it.
 */
export function arrangeChildren(
  { block: id, order }: Resolved<'ArrangeChildren'>,
  state: ContractState,
  { author }: DecideContext,
): CommandOutcome {
  const block = find(state, id)
  if (block === undefined) return new Rejection('no_such_element', [id])
  if (block.kind !== 'block') return new Rejection('not_a_block', [id])
  if (block.instance !== undefined) return new Rejection('entry_fixed', [block.instance.prototype.id])
  if (!mayChange(block, author)) return notOwner(block)
  const named = new Set<number>()
  for (const ordinal of order) {
    if (ordinal >= block.children.slots || named.has(ordinal)) return new Rejection('order_unfit', [String(ordinal)])
    named.add(ordinal)
  }
  const there = order.filter((ordinal) => block.children.get(ordinal) !== undefined)
  return [{ block: id, order: there, type: 'ChildrenArranged' }]
}

/** With all that stands under it, whoever owns that. */
export function removeElement(
  { element: id }: CommandOf<'RemoveElement'>,
  state: ContractState,
  context: DecideContext,
): CommandOutcome {
  const place = changeable(id, state, context)
  if (place instanceof Rejection) return place
  return isKey(place.element, state) ? new Rejection('prototype_fixed') : [{ element: id, type: 'ElementRemoved' }]
}

/** What is shared belongs to nobody, so nobody can give it away. What stands under the element keeps its owners. */
export function grantElement(
  { element: id, to }: CommandOf<'GrantElement'>,
  state: ContractState,
  { author }: DecideContext,
): CommandOutcome {
  const element = find(state, id)
  if (element === undefined) return new Rejection('no_such_element', [id])
  if (element.instance !== undefined) return new Rejection('entry_fixed', [element.instance.prototype.id])
  if (element.owner !== author) return new Rejection('not_owner', element.owner === null ? [] : [element.owner])
  if (to !== null && memberOf(state, to) === undefined) return new Rejection('owner_unfit', [to])
  return ownerOutside(to, id, state) ?? [{ element: id, to, type: 'ElementGranted' }]
}

/** Where a new element comes to stand, what it is called there, and whose it is. */
interface Place {
  readonly element: ElementId
  readonly name: string
  readonly owner: Handle | null
}

/** `levels`: how deep what comes with it goes, itself included; `weight`: how many elements that can come to. */
export function placeFor(
  command: Resolved<'AddBlock'> | Resolved<'AddField'> | Resolved<'AddList'>,
  state: ContractState,
  { author }: DecideContext,
  { levels, weight }: { readonly levels: number; readonly weight: number } = { levels: 1, weight: 1 },
): Place | Rejection {
  const { name } = command
  const parent = find(state, command.parent)
  if (parent === undefined) return new Rejection('no_such_element', [command.parent])
  if (parent.kind !== 'block') return new Rejection('not_a_block', [command.parent])
  if (parent.instance !== undefined) return new Rejection('entry_fixed', [parent.instance.prototype.id])
  if (!mayChange(parent, author)) return notOwner(parent)
  if (depthOf(parent) + levels > state.limits.treeDepth) return new Rejection('limit_exceeded', ['treeDepth'])
  const growth = weight * instancesAt(parent, state)
  if (state.document.weight + growth > state.limits.elements) return new Rejection('limit_exceeded', ['elements'])
  const problem = nameProblem(name, parent, state)
  if (problem !== undefined) return problem
  const owner = command.owner === undefined ? parent.owner : command.owner
  // The parent's owner can be no other: the author may change the parent, so it is the author's, or shared.
  if (owner !== null && owner !== author) return new Rejection('owner_unfit', [owner])
  const outside = ownerOutside(owner, parent.id, state)
  if (outside !== undefined) return outside
  return { element: `${parent.id}.${parent.children.slots}` as ElementId, name, owner }
}

/** How often the document can have what is added there: once, but for prototypes. */
function instancesAt({ id }: Element, state: ContractState): number {
  let element: Element | undefined = state.document
  let instances = 1
  for (const ordinal of ordinalsOf(id)) {
    if (element?.kind === 'list') instances *= instancesOf(element)
    element = element && childAt(element, ordinal)
  }
  return instances
}

/** `renamed`: the element that is to get the name; undefined for a new one (decision 0004). */
export function nameProblem(
  name: string,
  parent: Block,
  state: ContractState,
  renamed?: ElementId,
): Rejection | undefined {
  const unfit = unfitName(name, state)
  if (unfit !== undefined) return unfit
  const holder = childLike(parent, name)
  if (holder === undefined || (holder.id === renamed && holder.name !== name)) return undefined
  const code = holder.name === name ? 'name_taken' : 'name_confusable'
  return new Rejection(code, holder.namedBy === null ? [holder.id] : [holder.id, holder.namedBy])
}

/** What is wrong with a name wherever it is given. */
export function unfitName(name: string, state: ContractState): Rejection | undefined {
  if (nameRules.elementNameFault(name) !== undefined) return new Rejection('name_unfit')
  return codePoints(name) > state.limits.nameCharacters
    ? new Rejection('limit_exceeded', ['nameCharacters'])
    : undefined
}

interface Standing {
  readonly element: Element
  readonly parent: Block | List
}

/** Renamed or removed by whoever may change the block or the list that it stands in, or owns the element itself. */
function changeable(id: ElementId, state: ContractState, { author }: DecideContext): Standing | Rejection {
  if (id === ROOT) return new Rejection('root_fixed')
  const element = find(state, id)
  if (element === undefined) return new Rejection('no_such_element', [id])
  const parent = find(state, parentIdOf(id)) as Block | List
  if (parent.kind === 'list' && ordinalOf(id) === 0) return new Rejection('prototype_fixed')
  if (parent.kind === 'block' && element.instance !== undefined) {
    return new Rejection('entry_fixed', [element.instance.prototype.id])
  }
  // An entry has no owner of its own.
  const isOwn = element.owner === author && element.instance === undefined
  return mayChange(parent, author) || isOwn ? { element, parent } : notOwner(parent)
}

function isKey({ id }: Element, state: ContractState): boolean {
  const prototype = parentIdOf(id)
  if (prototype === ROOT || ordinalOf(prototype) !== 0 || ordinalOf(id) !== 0) return false
  const list = find(state, parentIdOf(prototype))
  return list?.kind === 'list' && list.keyed
}

export function mayChange(block: Block | List, author: Handle): boolean {
  return block.owner === null || block.owner === author
}

/** Requires a block or a list that is not shared. */
export function notOwner({ owner }: Block | List): Rejection {
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
