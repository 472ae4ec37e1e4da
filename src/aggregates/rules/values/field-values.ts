import { canonicalJson } from '../../../crypto/canonical-json.ts'
import type { BuiltInType } from '../../../events/field-type.ts'
import {
  type ContractReference,
  contractReferenceFrom,
  contractReferenceText,
} from '../../../events/values/contract-reference.ts'
import { unreachable } from '../../../runtime/assert.ts'
import { currencies } from '../../currencies/engine-1.ts'
import type { ReasonCode } from '../reasons.ts'
import type { RuleType } from '../types.ts'
import { BOOLEAN, DATE, DATE_TIME, DURATION, NUMBER, TEXT } from '../types.ts'
import {
  DateTime,
  fieldDateTime,
  fieldDuration,
  formatDateTime,
  formatDuration,
  Months,
  parseDate,
  TimeSpan,
} from './calendar.ts'
import { isNumber, Num, parseNumber, plainNumber } from './numbers.ts'
import { isDate, Money, nothing, Opaque, type Value } from './values.ts'

const DIGITS_MAX = 34

/** What a field of the contract is to the type check. A custom type is its base. */
export function ruleTypeOf(field: BuiltInType): RuleType {
  switch (field.type) {
    case 'text':
    case 'contract':
      return TEXT
    case 'integer':
    case 'decimal':
      return NUMBER
    case 'money':
      return field.currency === undefined ? { kind: 'money' } : { kind: 'money', currency: field.currency }
    case 'date':
      return DATE
    case 'date-time':
      return DATE_TIME
    case 'duration':
      return DURATION
    case 'boolean':
      return BOOLEAN
    case 'choice':
      return { kind: 'choice', options: field.options }
    case 'party':
      return { kind: 'party' }
    case 'attachment':
      return { kind: 'attachment' }
    default:
      return unreachable(field)
  }
}

/** An agreed value, in the form that field-type.ts gives, as expressions read it. Requires one that fits the type. */
export function valueOfField(field: BuiltInType, json: unknown): Value {
  switch (field.type) {
    case 'integer':
    case 'decimal':
      return ofReason(parseNumber(String(json)))
    case 'money': {
      const { amount, currency } = json as { amount: string; currency: string }
      const number = parseNumber(amount)
      return number === undefined ? nothing('number_range') : new Money(number, currency)
    }
    case 'date':
      return ofReason(parseDate(json as string))
    case 'date-time':
      return ofReason(fieldDateTime(json as string))
    case 'duration':
      return ofReason(fieldDuration(json as string))
    case 'attachment':
      return new Opaque('attachment', canonicalJson(json))
    case 'contract':
      return contractReferenceText(json as ContractReference)
    default:
      return json as string | boolean
  }
}

function ofReason(value: Exclude<Value, string> | ReasonCode | undefined): Value {
  if (value === undefined) return nothing('number_range')
  return typeof value === 'string' ? nothing(value) : value
}

/** A computed value as it is written into a field. Undefined: it does not fit. Whether a handle is one the contract says. */
export function fieldValueOf(field: BuiltInType, value: Value): unknown {
  switch (field.type) {
    case 'text':
    case 'party':
      return typeof value === 'string' ? value : undefined
    case 'contract':
      return typeof value === 'string' ? contractReferenceFrom(value) : undefined
    case 'choice':
      return typeof value === 'string' && field.options.includes(value) ? value : undefined
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'integer': {
      if (!isNumber(value) || !value.isInteger()) return undefined
      const digits = writtenNumber(plainNumber(value))
      return digits !== undefined && Number.isSafeInteger(Number(digits)) ? Number(digits) : digits
    }
    case 'decimal':
      return isNumber(value) ? writtenNumber(plainNumber(value)) : undefined
    case 'money':
      return value instanceof Money ? writtenMoney(value, field.currency) : undefined
    case 'date':
      return isDate(value) ? value.toString() : undefined
    case 'date-time':
      return value instanceof DateTime && value.offset !== undefined ? formatDateTime(value) : undefined
    case 'duration':
      return value instanceof Months || value instanceof TimeSpan ? writtenDuration(value) : undefined
    // Its content is kept under the seal of the value that was proposed: no computed one has any.
    case 'attachment':
      return undefined
    default:
      return unreachable(field)
  }
}

function writtenNumber(text: string): string | undefined {
  return text.replace(/[-.]/g, '').length <= DIGITS_MAX ? text : undefined
}

/** With all the decimals of its currency; more would have to be rounded, and how is for the rule to say. */
function writtenMoney({ amount, currency }: Money, pinned: string | undefined): unknown {
  const decimals = currencies.decimalsOf(currency)
  if (decimals === undefined || (pinned !== undefined && pinned !== currency)) return undefined
  if (amount.decimalPlaces() > decimals) return undefined
  const written = writtenNumber(new Num(amount).toFixed(decimals))
  return written === undefined ? undefined : { amount: written, currency }
}

/** Fields have at most nine digits a part. */
function writtenDuration(duration: Months | TimeSpan): string | undefined {
  const text = formatDuration(duration)
  return /\d{10}/.test(text) ? undefined : text
}
