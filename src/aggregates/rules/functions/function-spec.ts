import type { ReasonCode } from '../reasons.ts'
import { BOOLEAN, isOpen, isTextual, NUMBER, type RuleType, TEXT } from '../types.ts'
import { DateTime, Months, TimeSpan } from '../values/calendar.ts'
import { isNumber } from '../values/numbers.ts'
import { isDate, Money, Nothing, nothing, Range, type Value } from '../values/values.ts'

/** What a parameter takes. `magnitude`: a number, an amount of money or a duration; `ordered`: what `<` has a meaning for. */
export type ParameterKind =
  | 'any'
  | 'text'
  | 'number'
  | 'amount'
  | 'magnitude'
  | 'boolean'
  | 'day'
  | 'range'
  | 'list'
  | 'texts'
  | 'numbers'
  | 'magnitudes'
  | 'booleans'

export interface Parameter {
  readonly name: string
  readonly kind: ParameterKind
  /** Can be left out, and can be null. */
  readonly isOptional?: true
  readonly isNullable?: true
}

/** Counts steps for what a function goes through; ends the evaluation where the budget ends. */
export type Charge = (steps: number) => void

export interface FunctionSpec {
  readonly parameters: readonly Parameter[]
  /** The last parameter takes any number of arguments; given one by one, they are the list that it asks for. */
  readonly isVariadic?: true
  /** `types` has those of the arguments; a list's parameter has its items' type in it. */
  result(types: readonly RuleType[]): RuleType
  /** Requires arguments of the parameters' kinds; NOTHING stands for each that was left out. `requestTime`: NOTHING outside of a request. */
  call(values: readonly Value[], charge: Charge, requestTime: Value): Value
}

export type FunctionTable = { readonly [name: string]: readonly FunctionSpec[] }

export const text = () => TEXT
export const number = () => NUMBER
export const boolean = () => BOOLEAN

export function required(name: string, kind: ParameterKind): Parameter {
  return { name, kind }
}

export function optional(name: string, kind: ParameterKind): Parameter {
  return { name, kind, isOptional: true, isNullable: true }
}

export function nullable(name: string, kind: ParameterKind): Parameter {
  return { name, kind, isNullable: true }
}

export function ofReason<T extends Value>(
  result: T | ReasonCode | undefined,
  otherwise: ReasonCode = 'number_range',
): Value {
  if (result === undefined) return nothing(otherwise)
  return typeof result === 'string' ? nothing(result as ReasonCode) : result
}

/** As a person would say what the parameter takes. */
export const kindNames: { readonly [kind in ParameterKind]: string } = {
  any: 'anything',
  text: 'text',
  number: 'number',
  amount: 'number or money',
  magnitude: 'number, money or duration',
  boolean: 'boolean',
  day: 'date, or date and time',
  range: 'range',
  list: 'list',
  texts: 'list of text',
  numbers: 'list of number',
  magnitudes: 'list of number, money or duration',
  booleans: 'list of boolean',
}

const itemKinds: { readonly [kind in ParameterKind]?: ParameterKind } = {
  list: 'any',
  texts: 'text',
  numbers: 'number',
  magnitudes: 'magnitude',
  booleans: 'boolean',
}

export function takesList(kind: ParameterKind): boolean {
  return itemKinds[kind] !== undefined
}

/** Whether an argument of the type can be given. */
export function takes(kind: ParameterKind, type: RuleType): boolean {
  if (isOpen(type) || kind === 'any') return true
  const items = itemKinds[kind]
  if (items !== undefined) return items === 'any' || takes(items, type.kind === 'list' ? type.of : type)
  if (type.kind === 'list') return takes(kind, type.of)
  switch (kind) {
    case 'text':
      return isTextual(type)
    case 'number':
    case 'boolean':
    case 'range':
      return type.kind === kind
    case 'amount':
      return type.kind === 'number' || type.kind === 'money'
    case 'magnitude':
      return type.kind === 'number' || type.kind === 'money' || type.kind === 'duration'
    default:
      return type.kind === 'date' || type.kind === 'date-time'
  }
}

/** The argument as the function gets it: a list of one for its item and the other way round, as FEEL has it; or why not. */
export function argumentFor({ kind, isNullable }: Parameter, value: Value): Value {
  if (value instanceof Nothing) return isNullable ? value : value.reason === undefined ? nothing('operand_null') : value
  if (kind === 'any') return value
  if (takesList(kind)) return Array.isArray(value) ? value : [value]
  const item = Array.isArray(value) && value.length === 1 ? (value[0] as Value) : value
  return isOfKind(kind, item) ? item : nothing('argument_unfit')
}

export function isOfKind(kind: ParameterKind, value: Value): boolean {
  switch (kind) {
    case 'text':
      return typeof value === 'string'
    case 'boolean':
      return typeof value === 'boolean'
    case 'number':
      return isNumber(value)
    case 'amount':
      return isNumber(value) || value instanceof Money
    case 'magnitude':
      return isNumber(value) || value instanceof Money || value instanceof Months || value instanceof TimeSpan
    case 'day':
      return isDate(value) || value instanceof DateTime
    case 'range':
      return value instanceof Range
    default:
      return true
  }
}
