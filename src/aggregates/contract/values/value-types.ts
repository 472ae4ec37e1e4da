import { isAttachment } from '../../../events/attachments/attachment.ts'
import type { BuiltInType, FieldType } from '../../../events/field-type.ts'
import type { Handle } from '../../../events/ids.ts'
import { isContractReference } from '../../../events/values/contract-reference.ts'
import { unreachable } from '../../../runtime/assert.ts'
import { currencies } from '../../currencies/engine-1.ts'
import { nameRules } from '../../names/engine-1.ts'
import { builtInOf, definitionOf, noTypes, type Types } from '../document/types.ts'
import { type ConstraintFault, constraintFault, decimalsIn } from './constraint.ts'

const INTEGER = /^-?(?:0|[1-9]\d*)$/
const DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/
const DATE_TIME =
  /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/
// Of years and months, or of weeks, days and times: a month has no length in days, so FEEL has no duration of both (DMN 1.5, 10.3.2.3.4).
// Nine digits a part: so every duration can be computed with.
const DURATION =
  /^-?P(?:(?=\d)(?:\d{1,9}Y)?(?:\d{1,9}M)?|(?=\d|T\d)(?:\d{1,9}W)?(?:\d{1,9}D)?(?:T(?=\d)(?:\d{1,9}H)?(?:\d{1,9}M)?(?:\d{1,9}(?:\.\d{1,9})?S)?)?)$/
/** As many digits as the rule language computes with. */
const DIGITS_MAX = 34

/** What of a value does not belong in its field. It stands in the ledger, so it says nothing of the value itself. */
export type ValueFault = 'form' | 'currency' | ConstraintFault

/**
 * Why a value, in the wire form that field-type.ts gives, does not belong in a field of this type; undefined: it does.
 * `isParty`: whom a value can name; `types`: those that the
 * contract defines. Attacker-controlled: `value`, any JSON.
 */
export function valueFault(
  type: FieldType,
  value: unknown,
  isParty: (handle: Handle) => boolean,
  types: Types = noTypes,
): ValueFault | undefined {
  const builtIn = builtInOf(type, types)
  if (!hasForm(builtIn, value, isParty)) return 'form'
  const fault = builtIn.type === 'money' ? moneyFault(value as Money, builtIn.currency) : undefined
  if (fault !== undefined || type.type !== 'custom') return fault
  const definition = definitionOf(types, type.definition)
  return definition && constraintFault(definition, value)
}

interface Money {
  readonly amount: string
  readonly currency: string
}

function hasForm(type: BuiltInType, value: unknown, isParty: (handle: Handle) => boolean): boolean {
  switch (type.type) {
    case 'text':
      return typeof value === 'string'
    case 'integer':
      return typeof value === 'number' ? Number.isSafeInteger(value) : isLargeInteger(value)
    case 'decimal':
      return isDecimal(value)
    case 'money':
      return isMoney(value)
    case 'date':
      return typeof value === 'string' && isDate(value)
    case 'date-time': {
      const match = typeof value === 'string' ? DATE_TIME.exec(value) : null
      return match !== null && isDate(match[1] as string)
    }
    case 'duration':
      return typeof value === 'string' && DURATION.test(value)
    case 'boolean':
      return typeof value === 'boolean'
    case 'choice':
      return typeof value === 'string' && type.options.includes(value)
    case 'party':
      return typeof value === 'string' && isParty(value as Handle)
    case 'contract':
      return isContractReference(value) && (typeof value === 'string' || isPath(value.path))
    case 'attachment':
      return isAttachment(value) && nameRules.elementNameFault(value.name) === undefined
    default:
      return unreachable(type)
  }
}

/** Each name on the way one of an element. */
function isPath(path: string | undefined): boolean {
  return path === undefined || path.split('/').every((name) => nameRules.elementNameFault(name) === undefined)
}

/** Digits as a string only where a JSON number would be rounded: so every integer has one spelling. */
function isLargeInteger(value: unknown): boolean {
  return typeof value === 'string' && INTEGER.test(value) && isComputable(value) && !Number.isSafeInteger(Number(value))
}

function isDecimal(value: unknown): boolean {
  return typeof value === 'string' && DECIMAL.test(value) && isComputable(value)
}

function isComputable(number: string): boolean {
  return number.replace(/[-.]/g, '').length <= DIGITS_MAX
}

function isMoney(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 2) return false
  const { amount, currency } = value as { amount?: unknown; currency?: unknown }
  return isDecimal(amount) && typeof currency === 'string'
}

/** `pinned`: the only currency that the field takes. */
function moneyFault({ amount, currency }: Money, pinned: string | undefined): ValueFault | undefined {
  const decimals = currencies.decimalsOf(currency)
  if (decimals === undefined || (pinned !== undefined && currency !== pinned)) return 'currency'
  return decimalsIn(amount) > decimals ? 'decimals' : undefined
}

function isDate(text: string): boolean {
  const match = DATE.exec(text)
  if (match === null) return false
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number]
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
}

/** Proleptic Gregorian calendar. */
function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}
