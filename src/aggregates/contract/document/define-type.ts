import type { CommandOf } from '../../../events/commands.ts'
import type { FieldType } from '../../../events/field-type.ts'
import { type Constraint, definitionHash, type TypeDefinition } from '../../../events/type-definition.ts'
import { currencies } from '../../currencies/engine-1.ts'
import { nameRules } from '../../names/engine-1.ts'
import type { CommandOutcome } from '../decider.ts'
import { Rejection } from '../rejection.ts'
import type { ContractState } from '../state.ts'
import { compareBounds } from '../values/constraint.ts'
import { valueFault } from '../values/value-types.ts'
import { definitionOf, typeLike } from './types.ts'

/** What of a constraint goes with which base. */
const MEMBERS: Readonly<Record<TypeDefinition['base'], readonly (keyof Constraint)[]>> = {
  text: ['lengthMin', 'lengthMax'],
  integer: ['minimum', 'maximum'],
  decimal: ['minimum', 'maximum', 'decimals'],
  money: ['minimum', 'maximum', 'currency'],
  date: ['minimum', 'maximum'],
  'date-time': [],
  duration: [],
  boolean: [],
  choice: ['options'],
  party: [],
  contract: [],
}

/** By any member: fields keep the definition that they were added with, so nobody's change under another (decision 0114). */
export function defineType(
  { name, base, constraint = {}, hints = {} }: CommandOf<'DefineType'>,
  state: ContractState,
): CommandOutcome {
  const { types, limits } = state
  if (types.defined.slots >= limits.types) return new Rejection('limit_exceeded', ['types'])
  const unfit = nameProblem(name, state)
  if (unfit !== undefined) return unfit
  const definition = { base, constraint, hints, name }
  const problem = constraintProblem(definition)
  if (problem !== undefined) return problem
  const hash = definitionHash(definition)
  const current = typeLike(types, name)
  if (current !== undefined && definitionHash(current) === hash) return new Rejection('type_unchanged', [hash])
  return [{ base, constraint, definition: hash, hints, name, type: 'TypeDefined' }]
}

/** What is wrong with the type of a field. */
export function typeProblem(type: FieldType, { types }: ContractState): Rejection | undefined {
  switch (type.type) {
    case 'choice':
      return optionProblem(type.options)
    case 'money':
      return currencyProblem(type.currency)
    case 'custom':
      return definitionOf(types, type.definition) === undefined
        ? new Rejection('type_unknown', [type.definition])
        : undefined
    default:
      return undefined
  }
}

function nameProblem(name: string, { types, limits }: ContractState): Rejection | undefined {
  if (nameRules.textFault(name) !== undefined) return new Rejection('name_unfit')
  if ([...name].length > limits.nameCharacters) return new Rejection('limit_exceeded', ['nameCharacters'])
  const like = typeLike(types, name)
  return like === undefined || like.name === name ? undefined : new Rejection('name_confusable', [definitionHash(like)])
}

function constraintProblem(definition: TypeDefinition): Rejection | undefined {
  const { base, constraint } = definition
  const members = Object.keys(constraint) as (keyof Constraint)[]
  const foreign = members.sort().find((member) => !MEMBERS[base].includes(member))
  if (foreign !== undefined) return new Rejection('constraint_unfit', [foreign])
  if (base === 'choice' && constraint.options === undefined) return new Rejection('constraint_unfit', ['options'])
  const problem = optionProblem(constraint.options ?? []) ?? currencyProblem(constraint.currency)
  return problem ?? boundProblem(definition)
}

function boundProblem({ base, constraint }: TypeDefinition): Rejection | undefined {
  const { minimum, maximum, lengthMin = 0, lengthMax = Number.POSITIVE_INFINITY, currency } = constraint
  for (const [member, bound] of Object.entries({ maximum, minimum })) {
    if (bound !== undefined && !isBound(base, bound, currency)) return new Rejection('constraint_unfit', [member])
  }
  if (minimum !== undefined && maximum !== undefined && compareBounds(base, minimum, maximum) > 0) {
    return new Rejection('constraint_unfit', ['minimum'])
  }
  return lengthMin > lengthMax ? new Rejection('constraint_unfit', ['lengthMin']) : undefined
}

/** Whether a value can be as great as that: it is one itself, but for the form of integers. */
function isBound(base: TypeDefinition['base'], bound: string, currency: string | undefined): boolean {
  const nobody = () => false
  if (base === 'integer') return /^-?(?:0|[1-9]\d{0,33})$/.test(bound)
  if (base !== 'money') return valueFault({ type: base } as FieldType, bound, nobody) === undefined
  return currency !== undefined && valueFault({ type: base }, { amount: bound, currency }, nobody) === undefined
}

/** Texts that can be told from each other (decision 0006). */
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

function currencyProblem(currency: string | undefined): Rejection | undefined {
  if (currency === undefined || currencies.decimalsOf(currency) !== undefined) return undefined
  return new Rejection('currency_unknown', [currency])
}
