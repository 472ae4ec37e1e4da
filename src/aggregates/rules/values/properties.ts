import { ANY, BOOLEAN, isOpen, NUMBER, type RuleType, TEXT, TIME_SPAN } from '../types.ts'
import { DateTime, durationParts, Months, TimeSpan } from './calendar.ts'
import { Num } from './numbers.ts'
import { Money, NOTHING, Nothing, nothing, Range, type Value } from './values.ts'

const DAY = { year: NUMBER, month: NUMBER, day: NUMBER, weekday: NUMBER }
const CLOCK = { hour: NUMBER, minute: NUMBER, second: NUMBER, 'time offset': TIME_SPAN }
const MONTHS = { years: NUMBER, months: NUMBER }
const SPAN = { days: NUMBER, hours: NUMBER, minutes: NUMBER, seconds: NUMBER }
const ENDS = { start: ANY, end: ANY, 'start included': BOOLEAN, 'end included': BOOLEAN }
const MONEY = { amount: NUMBER, currency: TEXT }
type Properties = { readonly [name: string]: RuleType }

const all: Properties = { ...DAY, ...CLOCK, ...MONTHS, ...SPAN, ...ENDS, ...MONEY }

export const propertyNames: readonly string[] = Object.keys(all)

export function propertiesOf(type: RuleType): Properties {
  switch (type.kind) {
    case 'any':
    case 'null':
      return all
    case 'date':
      return DAY
    case 'date-time':
      return { ...DAY, ...CLOCK }
    case 'duration':
      return type.unit === undefined ? { ...MONTHS, ...SPAN } : type.unit === 'months' ? MONTHS : SPAN
    case 'range':
      return { ...ENDS, start: type.of, end: type.of }
    case 'money':
      return MONEY
    default:
      return {}
  }
}

/** Undefined: values of the type have no such property. */
export function propertyType(name: string, type: RuleType): RuleType | undefined {
  const properties = propertiesOf(type)
  const found = Object.hasOwn(properties, name) ? properties[name] : undefined
  return isOpen(type) && found !== undefined ? ANY : found
}

export function propertyOf(value: Value, name: string): Value {
  if (value instanceof Nothing) return value.reason === undefined ? nothing('operand_null') : value
  return partOf(value, name) ?? nothing('property_missing')
}

function partOf(value: Value, name: string): Value | undefined {
  if (value instanceof Money) return name === 'amount' ? value.amount : name === 'currency' ? value.currency : undefined
  if (value instanceof Range) return endOf(value, name)
  if (value instanceof Months || value instanceof TimeSpan) {
    const parts = durationParts(value) as { readonly [part: string]: number }
    return name in { ...MONTHS, ...SPAN } && parts[name] !== undefined ? new Num(parts[name]) : undefined
  }
  if (value instanceof DateTime && name in CLOCK) {
    if (name !== 'time offset') return new Num(value.plain[name as 'hour'])
    return value.offset === undefined ? NOTHING : new TimeSpan(BigInt(value.offset) * 60_000_000_000n)
  }
  const day = value instanceof DateTime ? value.plain : value
  if (typeof day !== 'object' || !('dayOfWeek' in day) || !(name in DAY)) return undefined
  return new Num(name === 'weekday' ? day.dayOfWeek : day[name as 'year'])
}

function endOf(range: Range, name: string): Value | undefined {
  switch (name) {
    case 'start':
      return range.low
    case 'end':
      return range.high
    case 'start included':
      return range.isLowIn
    default:
      return name === 'end included' ? range.isHighIn : undefined
  }
}
