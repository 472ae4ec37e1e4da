import type { CommandOf } from '../../events/commands.ts'
import { type ElementId, type Handle, ROOT } from '../../events/ids.ts'
import { type DecideContext, type Decision, Rejection } from './decision.ts'
import { type Block, type ContractState, childNamed, type Element, find, memberOf, ordinalsOf, parentIdOf } from './state.ts'

/** The `parent` of these commands is resolved already: `#n` stands for what command n of the same request added. */
export function addBlock(
  command: CommandOf<'AddBlock'> & { readonly parent: ElementId },
  state: ContractState,
  context: DecideContext,
): Decision {
  const place = placeFor(command, state, context)
  if (place instanceof Rejection) return place
  return [{ type: 'BlockAdded', ...place, list: command.list ?? false }]
}

export function addField(
  command: CommandOf<'AddField'> & { readonly parent: ElementId },
  state: ContractState,
  context: DecideContext,
): Decision {
  const place = placeFor(command, state, context)
  if (place instanceof Rejection) return place
  return [{ type: 'FieldAdded', ...place, field: command.field }]
}

export function renameElement(command: CommandOf<'RenameElement'>, state: ContractState, context: DecideContext): Decision {
  const target = changeable(command.element, state, context)
  if (target instanceof Rejection) return target
  const { parent, element } = target
  if (parent.list) return new Rejection('name_unfit')
  const unfit = nameProblem(command.name, parent, state)
  if (unfit !== undefined) return unfit
  return [{ type: 'ElementRenamed', element: element.id, name: command.name }]
}

export function removeElement(command: CommandOf<'RemoveElement'>, state: ContractState, context: DecideContext): Decision {
  const target = changeable(command.element, state, context)
  if (target instanceof Rejection) return target
  return [{ type: 'ElementRemoved', element: target.element.id }]
}

/** What is shared belongs to nobody, so nobody can give it away. */
export function grantElement(command: CommandOf<'GrantElement'>, state: ContractState, context: DecideContext): Decision {
  const element = find(state, command.element)
  if (element === undefined) return new Rejection('no_such_element', [command.element])
  if (element.owner !== context.author) return new Rejection('not_owner', element.owner === null ? [] : [element.owner])
  if (command.to !== null && memberOf(state, command.to) === undefined) return new Rejection('owner_unfit', [command.to])
  return [{ type: 'ElementGranted', element: element.id, to: command.to }]
}

interface Place {
  readonly element: ElementId
  readonly name: string
  readonly owner: Handle | null
}

function placeFor(
  command: { readonly parent: ElementId; readonly name?: string; readonly owner?: Handle | null },
  state: ContractState,
  { author }: DecideContext,
): Place | Rejection {
  const parent = find(state, command.parent)
  if (parent === undefined) return new Rejection('no_such_element', [command.parent])
  if (parent.kind !== 'block') return new Rejection('not_a_block', [command.parent])
  if (!mayChange(parent, author)) return new Rejection('not_owner', [parent.owner as Handle])
  if (parent.list !== (command.name === undefined)) return new Rejection('name_unfit')
  const name = command.name ?? String(parent.children.slots + 1)
  const unfit = nameProblem(name, parent, state)
  if (unfit !== undefined) return unfit
  if (ordinalsOf(parent.id).length >= state.limits.treeDepth) return new Rejection('limit_exceeded', ['treeDepth'])
  const owner = command.owner === undefined ? parent.owner : command.owner
  if (command.owner !== undefined && owner !== null && owner !== author) return new Rejection('owner_unfit', [owner])
  return { element: `${parent.id}.${parent.children.slots}` as ElementId, name, owner }
}

function nameProblem(name: string, parent: Block, state: ContractState): Rejection | undefined {
  if (name.length > state.limits.nameCharacters) return new Rejection('limit_exceeded', ['nameCharacters'])
  const holder = childNamed(parent, name)
  return holder === undefined ? undefined : new Rejection('name_taken', [holder.id])
}

/** Renamed or removed by whoever may change the block that it stands in, or owns the element itself. */
function changeable(
  id: ElementId,
  state: ContractState,
  { author }: DecideContext,
): { readonly parent: Block; readonly element: Element } | Rejection {
  const element = id === ROOT ? undefined : find(state, id)
  if (element === undefined) return new Rejection('no_such_element', [id])
  const parent = find(state, parentIdOf(id)) as Block
  if (mayChange(parent, author) || element.owner === author) return { parent, element }
  return new Rejection('not_owner', [parent.owner as Handle])
}

function mayChange(block: Block, author: Handle): boolean {
  return block.owner === null || block.owner === author
}
