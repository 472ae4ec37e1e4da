import { Compile, type Validator } from 'typebox/compile'
import { type Command, type CommandOf, type CommandType, commandSchemas } from '../../events/commands.ts'
import type { ElementId } from '../../events/ids.ts'
import type { Request } from '../../events/statement.ts'
import { type FormError, firstError } from '../../runtime/first-error.ts'
import { Rejection } from './rejection.ts'

/** A command in which no `#n` is left: what is added is known by its id. */
export type Resolved<T extends CommandType> = CommandOf<T> & Resolution<T>
export type ResolvedCommand = { [T in CommandType]: Resolved<T> }[CommandType]
/** The member that may name what another command of the request adds. */
interface RefMembers {
  readonly AddBlock: 'parent'
  readonly AddField: 'parent'
  readonly AddList: 'parent'
  readonly AddEntry: 'list'
  readonly ArrangeChildren: 'block'
  readonly ProposeValue: 'field'
  readonly SetAudience: 'element'
  readonly ImportTemplate: 'at'
}
type Resolution<T extends CommandType> = T extends keyof RefMembers
  ? { readonly [member in RefMembers[T]]: ElementId }
  : unknown

const forms: ReadonlyMap<string, Validator> = new Map(
  Object.entries(commandSchemas).map(([type, schema]) => [type, Compile(schema) as Validator]),
)

/**
 * They decide who has to agree to what comes after them, or which engine judges it, so nothing may come after them in their
 * request; of BreakLock the holder's refusal does not count, so it must not carry anything else.
 */
const alone: ReadonlySet<string> = new Set<CommandType>([
  'AdmitParty',
  'Resign',
  'BreakLock',
  'UpgradeEngine',
  'ReopenEdit',
  'PublishRules',
  'EraseValues',
  'UpgradeTemplate',
])

/**
 * What one of the commands of a request orders. Attacker-controlled: all of it beyond the envelope.
 * `added`: what the commands before it added, by their places; undefined at those that added nothing.
 * Rejects: `command_unknown`, `command_malformed`, `command_not_alone`, `no_such_element` (a `#n` of nothing).
 */
export function commandFrom(
  envelope: Request['commands'][number],
  commandCount: number,
  added: readonly (ElementId | undefined)[],
): ResolvedCommand | Rejection {
  const form = forms.get(envelope.type)
  if (form === undefined) return new Rejection('command_unknown')
  if (!form.Check(envelope)) return new Rejection('command_malformed')
  const command = envelope as Command
  if (isAlone(command) && commandCount > 1) return new Rejection('command_not_alone')
  return resolve(command, added)
}

/** The first thing that is wrong with the form of a command; undefined: nothing is, or there is no such command. */
export function malformedAt(envelope: { readonly type: string }): FormError | undefined {
  const form = forms.get(envelope.type)
  return form === undefined || form.Check(envelope) ? undefined : firstError(form, envelope)
}

/** Whether it has its request to itself (decision 0009). What the last YES on a change set makes of the document is judged by itself, too. */
function isAlone(command: Command): boolean {
  return alone.has(command.type) || (command.type === 'CastVote' && 'request' in command)
}

function resolve(command: Command, added: readonly (ElementId | undefined)[]): ResolvedCommand | Rejection {
  switch (command.type) {
    case 'AddBlock':
    case 'AddField':
    case 'AddList': {
      const parent = resolveRef(command.parent, added)
      return parent instanceof Rejection ? parent : { ...command, parent }
    }
    case 'AddEntry': {
      const list = resolveRef(command.list, added)
      return list instanceof Rejection ? list : { ...command, list }
    }
    case 'ArrangeChildren': {
      const block = resolveRef(command.block, added)
      return block instanceof Rejection ? block : { ...command, block }
    }
    case 'ProposeValue': {
      const field = resolveRef(command.field, added)
      return field instanceof Rejection ? field : { ...command, field }
    }
    case 'SetAudience': {
      const element = resolveRef(command.element, added)
      return element instanceof Rejection ? element : { ...command, element }
    }
    case 'ImportTemplate': {
      const at = resolveRef(command.at, added)
      return at instanceof Rejection ? at : { ...command, at }
    }
    default:
      return command
  }
}

function resolveRef(ref: string, added: readonly (ElementId | undefined)[]): ElementId | Rejection {
  if (!ref.startsWith('#')) return ref as ElementId
  const [place = '', ...way] = ref.slice(1).split('.')
  const element = added[Number(place)]
  return element === undefined ? new Rejection('no_such_element', [ref]) : ([element, ...way].join('.') as ElementId)
}
