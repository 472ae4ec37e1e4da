import type { Decimal } from 'decimal.js'
// This entry never hands over to a runtime's own Temporal, so that all members compute with the same code.
import { Temporal } from 'temporal-polyfill/implementation'
import type { ElementId } from '../../../events/ids.ts'
import type { Reason, ReasonCode } from '../reasons.ts'
import { ANY, listOf, MONTHS, NULL, type RuleType, TIME_SPAN, unite } from '../types.ts'
import { DateTime, Months, TimeSpan } from './calendar.ts'
import { isNumber } from './numbers.ts'

/** FEEL's null; `reason` where an operation had no value, so that people can be told. It compares like any other null. */
export class Nothing {
  readonly reason: Reason | undefined
  constructor(reason?: Reason) {
    this.reason = reason
  }
}

export const NOTHING = new Nothing()

export function nothing(code: ReasonCode): Nothing {
  return new Nothing({ code })
}

/** With its full 34 digits: what is written into a field has the digits of its currency. */
export class Money {
  readonly amount: Decimal
  readonly currency: string
  constructor(amount: Decimal, currency: string) {
    this.amount = amount
    this.currency = currency
  }
}

/** `operator`: of a test such as `> 5`, which is another value than the range with the same members. */
export class Range {
  readonly low: Value
  readonly high: Value
  readonly isLowIn: boolean
  readonly isHighIn: boolean
  readonly operator: TestOperator | undefined
  constructor(low: Value, high: Value, isLowIn: boolean, isHighIn: boolean, operator?: TestOperator) {
    this.low = low
    this.high = high
    this.isLowIn = isLowIn
    this.isHighIn = isHighIn
    this.operator = operator
  }
}
export type TestOperator = '=' | '!=' | '<' | '<=' | '>' | '>='

/** A block of the document, or of one entry. */
export class BlockValue {
  readonly id: ElementId
  constructor(id: ElementId) {
    this.id = id
  }
}

/** What rules can only compare: an attachment, a reference to a contract. */
export class Opaque {
  readonly kind: 'reference' | 'attachment'
  readonly text: string
  constructor(kind: 'reference' | 'attachment', text: string) {
    this.kind = kind
    this.text = text
  }
}

export type Value =
  | Nothing
  | Decimal
  | string
  | boolean
  | Temporal.PlainDate
  | DateTime
  | Months
  | TimeSpan
  | Money
  | Range
  | BlockValue
  | Opaque
  | readonly Value[]

export type ValueKind =
  | 'null'
  | 'number'
  | 'text'
  | 'boolean'
  | 'date'
  | 'date-time'
  | 'months'
  | 'time'
  | 'money'
  | 'range'
  | 'block'
  | 'reference'
  | 'attachment'
  | 'list'

export function isDate(value: Value): value is Temporal.PlainDate {
  return value instanceof Temporal.PlainDate
}

export function kindOf(value: Value): ValueKind {
  if (typeof value === 'string') return 'text'
  if (typeof value === 'boolean') return 'boolean'
  if (isNumber(value)) return 'number'
  if (value instanceof Nothing) return 'null'
  if (Array.isArray(value)) return 'list'
  if (isDate(value)) return 'date'
  if (value instanceof DateTime) return 'date-time'
  if (value instanceof Months) return 'months'
  if (value instanceof TimeSpan) return 'time'
  if (value instanceof Money) return 'money'
  if (value instanceof Range) return 'range'
  if (value instanceof BlockValue) return 'block'
  return (value as Opaque).kind
}

/** What a value is to the type check. */
export function typeOfValue(value: Value): RuleType {
  switch (kindOf(value)) {
    case 'null':
      return NULL
    case 'months':
      return MONTHS
    case 'time':
      return TIME_SPAN
    case 'money':
      return { kind: 'money', currency: (value as Money).currency }
    case 'list':
      return listOf((value as readonly Value[]).map(typeOfValue).reduce(unite, NULL))
    case 'range':
      return { kind: 'range', of: unite(typeOfValue((value as Range).low), typeOfValue((value as Range).high)) }
    case 'block':
      return ANY
    default:
      return { kind: kindOf(value) as 'number' }
  }
}
