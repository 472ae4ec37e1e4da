import { childAt, type Element } from '../../aggregates/contract/document/element.ts'
import { builtInOf, definitionOf } from '../../aggregates/contract/document/types.ts'
import { malformedAt } from '../../aggregates/contract/parse-command.ts'
import { type ContractState, find, membersOf } from '../../aggregates/contract/state.ts'
import type { Command } from '../../events/commands.ts'
import type { FieldType } from '../../events/field-type.ts'
import { type ElementId, parentIdOf } from '../../events/ids.ts'
import { KEYED_ENTRIES_MAX } from '../../events/limits.ts'
import type { VoidReason } from '../../events/outcome.ts'
import type { Constraint } from '../../events/type-definition.ts'
import type { ExceededLimit } from '../../runtime/errors.ts'
import { AgreedView } from '../agreed-view.ts'
import { pathTo } from '../path.ts'

/** What a void request was about, for whoever mends it: the leaf of the ledger has ids only. */
export interface VoidDetails {
  /** Of the element that the command is about, as it is, or would be, named. */
  readonly path?: string
  /** The type of the field; or which member of a command, as a JSON pointer, has to be what. */
  readonly expected?: string
  /** A value of the type, as JSON has it. */
  readonly example?: Example
  /** What the field takes: of a choice, or the parties that it can name. */
  readonly options?: readonly string[]
  /** The only one that it takes. */
  readonly currency?: string
  /** Of the type that the contract defines. */
  readonly constraint?: Constraint
  /** Of the contract; `max` where it is pinned there, or at the list. */
  readonly limit?: ExceededLimit
  /** Of what a table said: the row. */
  readonly cell?: { readonly row: number; readonly column?: string }
}

type Example = NonNullable<unknown>

/** As in *Each type in each form* of docs/api.md. Of the others say `options` more, or docs/api.md. */
const EXAMPLES: Partial<Record<FieldType['type'], Example>> = {
  boolean: true,
  contract: '<uid>',
  date: '2027-01-31',
  'date-time': '2027-01-31T12:00:00Z',
  decimal: '12.50',
  duration: 'P1Y6M',
  integer: 13,
  money: { amount: '100.00', currency: 'USD' },
}

/** `document`: the one that the request was judged on, or one close to it. */
export function voidDetails(
  { code, command: place, with: others = [] }: VoidReason,
  commands: readonly { readonly type: string }[],
  document: ContractState,
): VoidDetails {
  const command = commands[place] as Command | undefined
  if (command === undefined) return {}
  const at = placeOf(command, commands as readonly Command[], document)
  const isKey = code === 'key_taken' && others[0] !== undefined
  const names = isKey ? takenKeyAt(others[0] as ElementId, commands as readonly Command[], document) : at?.names
  return {
    ...(names !== undefined && { path: pathTo(names) }),
    ...(code === 'value_wrong_type' && at?.field !== undefined && expectedOf(at.field, document)),
    ...(code === 'command_malformed' && malformed(command)),
    ...(code === 'limit_exceeded' &&
      others[0] !== undefined && { limit: limitNamed(others[0], at, command, document) }),
  }
}

function expectedOf(type: FieldType, document: ContractState): VoidDetails {
  const builtIn = builtInOf(type, document.types)
  const definition = type.type === 'custom' ? definitionOf(document.types, type.definition) : undefined
  return {
    expected: builtIn.type,
    ...exampleOf(builtIn),
    ...(builtIn.type === 'choice' && { options: builtIn.options }),
    ...(builtIn.type === 'party' && { options: membersOf(document).map(({ card }) => card.handle) }),
    ...(builtIn.type === 'money' && builtIn.currency !== undefined && { currency: builtIn.currency }),
    ...(definition?.constraint !== undefined && { constraint: definition.constraint }),
  }
}

function exampleOf(type: FieldType): VoidDetails {
  if (type.type === 'money' && type.currency !== undefined)
    return { example: { amount: '100.00', currency: type.currency } }
  const example = EXAMPLES[type.type]
  return example === undefined ? {} : { example }
}

/** The key that this request writes, of the list in which another entry has it; where it writes several, the list. */
function takenKeyAt(
  entry: ElementId,
  commands: readonly Command[],
  document: ContractState,
): readonly string[] | undefined {
  const list = placeNamed(parentIdOf(entry), commands, document)
  if (list?.element?.kind !== 'list') return undefined
  const key = childAt(list.element.prototype, 0)?.name
  const isKey = ({ names }: Place) => names.length === list.names.length + 2 && names.at(-1) === key
  const written = commands.flatMap((command) => {
    const at = command.type === 'ProposeValue' ? placeOf(command, commands, document) : undefined
    return at !== undefined && isKey(at) && list.names.every((name, place) => at.names[place] === name) ? [at] : []
  })
  return written.length === 1 ? written[0]?.names : list.names
}

function malformed(command: Command): VoidDetails {
  const fault = malformedAt(command)
  return fault === undefined ? {} : { expected: `${fault.instancePath} ${fault.message}`.trim() }
}

function limitNamed(name: string, at: Place | undefined, command: Command, { limits }: ContractState): ExceededLimit {
  const pinned = Object.entries(limits).find(([limit]) => limit === name)?.[1]
  const max = name === 'entriesMax' && at?.element?.kind === 'list' ? at.element.entriesMax : pinned
  if (max === undefined) return { name }
  const isKeyed = name === 'entriesPerList' && command.type === 'AddList' && command.key !== undefined
  return { name, max: isKeyed ? Math.min(max, KEYED_ENTRIES_MAX) : max }
}

interface Place {
  readonly names: readonly string[]
  /** Of what is there already; of what stands in a new entry its prototype. */
  readonly element?: Element
  readonly field?: FieldType
}

/** Where what a command is about stands, or would. Undefined: it is about no element that is there. */
function placeOf(command: Command, commands: readonly Command[], document: ContractState): Place | undefined {
  const within = (ref: string, name: string, field?: FieldType): Place | undefined => {
    const parent = placeNamed(ref, commands, document)
    return parent && { names: [...parent.names, name], ...(field && { field }) }
  }
  switch (command.type) {
    case 'AddBlock':
    case 'AddList':
      return within(command.parent, command.name ?? '0')
    case 'AddField':
      return within(command.parent, command.name ?? '0', command.field)
    case 'AddEntry':
      return placeNamed(command.list, commands, document)
    case 'ArrangeChildren':
      return placeNamed(command.block, commands, document)
    case 'DraftRule':
      return placeNamed(command.at, commands, document)
    case 'ImportTemplate':
      return within(command.at, command.name)
    case 'RenameElement':
    case 'RemoveElement':
    case 'GrantElement':
    case 'SetAudience':
    case 'UpgradeTemplate':
      return placeNamed(command.element, commands, document)
    case 'ProposeValue':
    case 'EmptyField':
    case 'WithdrawProposal':
    case 'RevealValue':
      return placeNamed(command.field, commands, document)
    case 'CastVote':
      return 'field' in command ? placeNamed(command.field, commands, document) : undefined
    default:
      return undefined
  }
}

/** Of an element by its id, or, as `#2.1`, of what a command before adds. */
function placeNamed(ref: string, commands: readonly Command[], document: ContractState): Place | undefined {
  if (!ref.startsWith('#')) {
    const element = find(document, ref as ElementId)
    const names = element && AgreedView.namesOf(document, element.id)
    return names && { names, element, ...(element.kind === 'field' && { field: element.field }) }
  }
  const [place = '', ...way] = ref.slice(1).split('.')
  const adding = commands[Number(place)]
  if (adding === undefined || Number(place) >= commands.length) return undefined
  if (adding.type !== 'AddEntry') return way.length > 0 ? undefined : placeOf(adding, commands, document)
  const list = placeNamed(adding.list, commands, document)
  if (list?.element?.kind !== 'list') return undefined
  const { entries, prototype } = list.element
  const before = commands.slice(0, Number(place)).filter((one) => one.type === 'AddEntry' && one.list === adding.list)
  const names = [...list.names, String(entries.tree.slots + before.length)]
  let element: Element | undefined = prototype as Element
  for (const ordinal of way) {
    const id: ElementId = `${element.id}.${ordinal}` as ElementId
    element = find(document, id)
    if (element === undefined) return { names }
    names.push(element.name)
  }
  return { names, element, ...(element.kind === 'field' && { field: element.field }) }
}
