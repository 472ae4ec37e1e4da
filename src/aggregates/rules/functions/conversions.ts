import type { Decimal } from 'decimal.js'
import { currencies } from '../../currencies/engine-1.ts'
import type { ReasonCode } from '../reasons.ts'
import { parseRange } from '../text/range-text.ts'
import { ANY, BOOLEAN, DATE, DATE_TIME, DURATION, MONTHS, type RuleType, TIME_SPAN } from '../types.ts'
import { DateTime, dateOf, midnight, parseDate, parseDateTime, parseDuration } from '../values/calendar.ts'
import { isSame } from '../values/compare.ts'
import { formatValue } from '../values/format-value.ts'
import { isNumber, parseNumber } from '../values/numbers.ts'
import { isDate, Money, NOTHING, Nothing, nothing, type Value } from '../values/values.ts'
import { dayOf } from './days.ts'
import { boolean, type FunctionTable, nullable, number, ofReason, optional, required, text } from './function-spec.ts'
import { chargeText } from './text.ts'

const GROUPING = [' ', ',', '.']
const DECIMAL = [',', '.']

function numberOf(from: string, grouping: Value | undefined, decimal: Value | undefined): Value {
  const [group, point] = [grouping, decimal].map((mark) => (typeof mark === 'string' ? mark : undefined))
  if (group !== undefined && (!GROUPING.includes(group) || group === (point ?? '.'))) return nothing('argument_unfit')
  if (point !== undefined && !DECIMAL.includes(point)) return nothing('argument_unfit')
  const ungrouped = group === undefined ? from : from.replaceAll(group, '')
  return ofReason(parseNumber(point === undefined ? ungrouped : ungrouped.replace(point, '.')), 'text_unfit')
}

/** Also by name, but for the middle one, so three signatures would say no more. */
function integerIn(value: Value | undefined): number {
  return (value as Decimal).isInteger() ? (value as Decimal).toNumber() : Number.NaN
}

export function dateFrom(from: Value): Value {
  if (typeof from === 'string') return ofReason(parseDate(from))
  return isDate(from) || from instanceof DateTime ? dayOf(from) : nothing('argument_unfit')
}

function durationType([from]: readonly RuleType[]): RuleType {
  const literals = from?.kind === 'text' ? from.literals : undefined
  const kinds = new Set(literals?.map((literal) => (/^-?P[\dYM]*$/.test(literal) ? 'months' : 'time')))
  if (kinds.size !== 1) return DURATION
  return kinds.has('months') ? MONTHS : TIME_SPAN
}

export const conversionFunctions: FunctionTable = {
  date: [
    { parameters: [required('from', 'any')], result: () => DATE, call: ([from]) => dateFrom(from as Value) },
    {
      parameters: [required('year', 'number'), required('month', 'number'), required('day', 'number')],
      result: () => DATE,
      call: (parts) => {
        const [year, month, day] = parts.map(integerIn) as [number, number, number]
        return Number.isNaN(year + month + day) ? nothing('date_unfit') : ofReason(dateOf(year, month, day))
      },
    },
  ],
  'date and time': [
    {
      parameters: [required('from', 'any')],
      result: () => DATE_TIME,
      call: ([from]) => {
        if (typeof from === 'string') return ofReason(parseDateTime(from))
        if (isDate(from as Value)) return midnight(dayOf(from), 0)
        return from instanceof DateTime ? from : nothing('argument_unfit')
      },
    },
  ],
  duration: [
    {
      parameters: [required('from', 'text')],
      result: durationType,
      call: ([from]) => ofReason(parseDuration(from as string)),
    },
  ],
  number: [
    {
      parameters: [
        required('from', 'text'),
        optional('grouping separator', 'text'),
        optional('decimal separator', 'text'),
      ],
      result: number,
      call: ([from, grouping, decimal], charge) => numberOf(chargeText(from as string, charge), grouping, decimal),
    },
  ],
  string: [
    {
      parameters: [required('from', 'any')],
      result: text,
      call: ([from], charge) => (from instanceof Nothing ? NOTHING : chargeText(formatValue(from as Value), charge)),
    },
  ],
  range: [
    {
      parameters: [required('from', 'text')],
      result: () => ({ kind: 'range', of: ANY }),
      call: ([from], charge) => {
        const range = parseRange(chargeText(from as string, charge))
        return typeof range === 'string' ? nothing(range as ReasonCode) : range
      },
    },
  ],
  not: [
    {
      parameters: [nullable('negand', 'boolean')],
      result: boolean,
      call: ([negand]) => (typeof negand === 'boolean' ? !negand : (negand as Value)),
    },
  ],
  is: [
    {
      parameters: [optional('value1', 'any'), optional('value2', 'any')],
      result: () => BOOLEAN,
      call: ([one, other]) => isSame(one as Value, other as Value),
    },
  ],
  money: [
    {
      parameters: [required('amount', 'number'), required('currency', 'text')],
      result: ([, currency]) => moneyType(currency),
      call: ([amount, currency]) =>
        isNumber(amount) && typeof currency === 'string' && currencies.decimalsOf(currency) !== undefined
          ? new Money(amount, currency)
          : nothing('currency_unknown'),
    },
  ],
}

function moneyType(currency: RuleType | undefined): RuleType {
  const [only, ...others] = currency?.kind === 'text' ? (currency.literals ?? []) : []
  return only === undefined || others.length > 0 ? { kind: 'money' } : { kind: 'money', currency: only }
}
