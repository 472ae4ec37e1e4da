import { Compile, type Validator } from 'typebox/compile'
import { type Command, type CommandType, commandSchemas } from '../../events/commands.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { ElementId } from '../../events/ids.ts'
import type { VoidReason } from '../../events/outcome.ts'
import type { Request } from '../../events/statement.ts'
import { unreachable } from '../../runtime/assert.ts'
import { type DecideContext, type Decision, Rejection } from './decision.ts'
import { evolve } from './evolve.ts'
import { admitParty, inviteParty, openContract, resign } from './membership.ts'
import { castVote, proposeValue, withdrawProposal } from './proposals.ts'
import { type ContractState, initialState } from './state.ts'
import { addBlock, addField, grantElement, removeElement, renameElement } from './structure.ts'

const forms = Object.fromEntries(
  Object.entries(commandSchemas).map(([type, schema]) => [type, Compile(schema)]),
) as unknown as Record<CommandType, Validator>

/** They decide who has to agree to what comes after them, so nothing comes after them in their request. */
const alone: ReadonlySet<string> = new Set<CommandType>(['AdmitParty', 'Resign'])

/** What an accepted request made of the document, or why it is void. */
export type Verdict =
  | { readonly kind: 'accepted'; readonly events: readonly ContractEvent[]; readonly state: ContractState }
  | { readonly kind: 'void'; readonly reason: VoidReason }

/**
 * Decides the commands of a request one after another, each seeing what those before it did: all take effect, or none.
 * A function of its arguments alone, the same on every machine.
 */
export function decideRequest(commands: Request['commands'], state: ContractState, context: DecideContext): Verdict {
  const events: ContractEvent[] = []
  const added: (ElementId | undefined)[] = []
  let current = state
  for (const [place, envelope] of commands.entries()) {
    const command = formed(envelope, commands.length)
    if (command instanceof Rejection) return voided(command, place)
    const resolved = resolve(command, added)
    const decision = resolved instanceof Rejection ? resolved : decide(resolved, current, context, place)
    if (decision instanceof Rejection) return voided(decision, place)
    for (const event of decision) {
      current = evolve(current, event, context.index)
      events.push(event)
    }
    added.push(elementAddedBy(decision))
  }
  return { kind: 'accepted', events, state: current }
}

/** A command that is known and has its form; `place` is its place in the request. */
export function decide(command: Resolved, state: ContractState, context: DecideContext, place: number): Decision {
  if (!state.isOpen && command.type !== 'OpenContract') return new Rejection('command_malformed')
  switch (command.type) {
    case 'OpenContract':
      return openContract(command, state, context)
    case 'InviteParty':
      return inviteParty(command, state, context)
    case 'AdmitParty':
      return admitParty(command, state, context)
    case 'Resign':
      return resign(command, context)
    case 'AddBlock':
      return addBlock(command, state, context)
    case 'AddField':
      return addField(command, state, context)
    case 'RenameElement':
      return renameElement(command, state, context)
    case 'RemoveElement':
      return removeElement(command, state, context)
    case 'GrantElement':
      return grantElement(command, state, context)
    case 'ProposeValue':
      return proposeValue(command, state, context, place)
    case 'WithdrawProposal':
      return withdrawProposal(command, state, context)
    case 'CastVote':
      return castVote(command, state, context)
    default:
      return unreachable(command)
  }
}

/** A command in which no `#n` is left. */
type Resolved = { [T in CommandType]: ResolvedOf<Extract<Command, { type: T }>> }[CommandType]
type ResolvedOf<C> = C extends { parent: string }
  ? C & { parent: ElementId }
  : C extends { type: 'ProposeValue'; field: string }
    ? C & { field: ElementId }
    : C

function formed(envelope: Request['commands'][number], count: number): Command | Rejection {
  const form = Object.hasOwn(forms, envelope.type) ? forms[envelope.type as CommandType] : undefined
  if (form === undefined) return new Rejection('command_unknown')
  if (!form.Check(envelope)) return new Rejection('command_malformed')
  if (alone.has(envelope.type) && count > 1) return new Rejection('command_not_alone')
  return envelope as Command
}

function resolve(command: Command, added: readonly (ElementId | undefined)[]): Resolved | Rejection {
  if ('parent' in command) {
    const parent = resolveRef(command.parent, added)
    return parent instanceof Rejection ? parent : { ...command, parent }
  }
  if (command.type === 'ProposeValue') {
    const field = resolveRef(command.field, added)
    return field instanceof Rejection ? field : { ...command, field }
  }
  return command as Resolved
}

function resolveRef(ref: string, added: readonly (ElementId | undefined)[]): ElementId | Rejection {
  if (!ref.startsWith('#')) return ref as ElementId
  return added[Number(ref.slice(1))] ?? new Rejection('no_such_element', [ref])
}

function elementAddedBy(events: readonly ContractEvent[]): ElementId | undefined {
  const [first] = events
  return first?.type === 'BlockAdded' || first?.type === 'FieldAdded' ? first.element : undefined
}

function voided(rejection: Rejection, command: number): Verdict {
  const others = rejection.with
  return {
    kind: 'void',
    reason: { code: rejection.code, command, ...(others === undefined || others.length === 0 ? {} : { with: others }) },
  }
}

export { initialState }
