import { Temporal } from 'temporal-polyfill/implementation'
import type { ReasonCode } from '../reasons.ts'
import { DateTime, epochSeconds, formatDateTime, Months, TimeSpan } from './calendar.ts'
import { isNumber } from './numbers.ts'
import { BlockValue, isDate, kindOf, Money, Nothing, Opaque, Range, type Value } from './values.ts'

/** Whether two values are equal, as FEEL's `=` has it; a code where they are different things. */
export function equal(one: Value, other: Value): boolean | ReasonCode {
  if (one instanceof Nothing || other instanceof Nothing) return one instanceof Nothing && other instanceof Nothing
  if (typeof one === 'string' || typeof one === 'boolean') {
    return typeof one === typeof other ? one === other : 'kinds_differ'
  }
  const order = ordered(one, other)
  if (typeof order === 'number') return order === 0
  if (order !== 'kinds_differ') return order
  if (Array.isArray(one) && Array.isArray(other)) return areListsEqual(one, other)
  if (one instanceof Range && other instanceof Range) return areRangesEqual(one, other)
  if (one instanceof BlockValue && other instanceof BlockValue) return one.id === other.id
  if (one instanceof Opaque && other instanceof Opaque && one.kind === other.kind) return one.text === other.text
  return 'kinds_differ'
}

/** Depth is bounded by the levels of the expression, and by what a document can nest. */
function areListsEqual(one: readonly Value[], other: readonly Value[]): boolean {
  const pairs: [readonly Value[], readonly Value[]][] = [[one, other]]
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [left, right] = pair
    if (left.length !== right.length) return false
    for (const [n, item] of left.entries()) {
      const counterpart = right[n] as Value
      if (Array.isArray(item) && Array.isArray(counterpart)) pairs.push([item, counterpart])
      else if (equal(item, counterpart) !== true) return false
    }
  }
  return true
}

function areRangesEqual(one: Range, other: Range): boolean {
  return (
    one.operator === other.operator &&
    one.isLowIn === other.isLowIn &&
    one.isHighIn === other.isHighIn &&
    equal(one.low, other.low) === true &&
    equal(one.high, other.high) === true
  )
}

/** Below zero, zero, above it; a code where there is no order between them. Null has none. */
export function ordered(one: Value, other: Value): number | ReasonCode {
  if (isNumber(one)) return isNumber(other) ? one.comparedTo(other) : differing(one, other)
  if (typeof one === 'string') return typeof other === 'string' ? orderOfTexts(one, other) : differing(one, other)
  if (one instanceof Money && other instanceof Money) {
    return one.currency === other.currency ? one.amount.comparedTo(other.amount) : 'currencies_differ'
  }
  if (isDate(one) && isDate(other)) return Temporal.PlainDate.compare(one, other)
  if (one instanceof DateTime && other instanceof DateTime) {
    if ((one.offset === undefined) !== (other.offset === undefined)) return 'offsets_differ'
    return epochSeconds(one) - epochSeconds(other)
  }
  if (one instanceof Months && other instanceof Months) return one.count - other.count
  if (one instanceof TimeSpan && other instanceof TimeSpan) {
    return one.nanoseconds < other.nanoseconds ? -1 : one.nanoseconds > other.nanoseconds ? 1 : 0
  }
  return differing(one, other)
}

function differing(one: Value, other: Value): ReasonCode {
  return one instanceof Nothing || other instanceof Nothing ? 'operand_null' : 'kinds_differ'
}

/** By code points: UTF-16 units would put emoji before some letters. */
export function orderOfTexts(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let n = 0; n < length; n++) {
    const [left, right] = [one.charCodeAt(n), other.charCodeAt(n)]
    if (left !== right) return fixedUp(left) - fixedUp(right)
  }
  return one.length - other.length
}

/** Moves surrogates behind the other units, where the code points that they stand for belong. */
function fixedUp(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

/** Whether FEEL's `is` holds: the same kind of thing, and the same of it. */
export function isSame(one: Value, other: Value): boolean {
  if (one instanceof DateTime && other instanceof DateTime) return formatDateTime(one) === formatDateTime(other)
  return kindOf(one) === kindOf(other) && equal(one, other) === true
}

/** `value in range`. */
export function isInRange(value: Value, range: Range): boolean | ReasonCode {
  if (range.operator === '=' || range.operator === '!=') {
    const isEqual = equal(value, range.low)
    return typeof isEqual === 'boolean' ? isEqual === (range.operator === '=') : isEqual
  }
  if (value instanceof Nothing) return 'operand_null'
  const isAbove = range.operator?.startsWith('<') || isBeyond(value, range.low, 1, range.isLowIn)
  const isBelow = range.operator?.startsWith('>') || isBeyond(value, range.high, -1, range.isHighIn)
  if (typeof isAbove === 'string') return isAbove
  return typeof isBelow === 'string' ? isBelow : isAbove && isBelow
}

function isBeyond(value: Value, end: Value, side: 1 | -1, isEndIn: boolean): boolean | ReasonCode {
  const order = ordered(value, end)
  return typeof order === 'number' ? order * side > 0 || (order === 0 && isEndIn) : order
}

/** `value in test`, where a test is a value, a range, or a list of either. */
export function satisfies(value: Value, test: Value): boolean | ReasonCode {
  if (test instanceof Range && !(value instanceof Range)) return isInRange(value, test)
  if (!Array.isArray(test)) return equal(value, test)
  if (Array.isArray(value) && equal(value, test) === true) return true
  let unknown: ReasonCode | undefined
  for (const item of test as readonly Value[]) {
    const isIn = item instanceof Range && !(value instanceof Range) ? isInRange(value, item) : equal(value, item)
    if (isIn === true) return true
    if (typeof isIn === 'string' && item instanceof Range) unknown = isIn
  }
  return unknown ?? false
}

/** Steps that comparing with a value takes. */
export function weightOf(value: Value): number {
  if (!Array.isArray(value)) return 1
  let weight = 0
  const rest: Value[] = [value]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    weight++
    if (Array.isArray(next)) for (const item of next as readonly Value[]) rest.push(item)
  }
  return weight
}
