import type { Decimal } from 'decimal.js'
import type { Arithmetic } from '../ast.ts'
import type { ReasonCode } from '../reasons.ts'
import {
  between,
  DateTime,
  dateShiftedByMonths,
  divided,
  Months,
  magnitudeOf,
  midnight,
  monthsOf,
  scaled,
  shifted,
  shiftedByMonths,
  TimeSpan,
  timeSpanOf,
} from './calendar.ts'
import { isNumber, positiveZero, power } from './numbers.ts'
import { isDate, Money, Nothing, nothing, type Value } from './values.ts'

/** A binary operation of FEEL. What has no value is null, with the reason. */
export function calculate(operator: Arithmetic, left: Value, right: Value): Value {
  if (isNumber(left) && isNumber(right)) return ofNumbers(operator, left, right)
  if (left instanceof Nothing) return left.reason === undefined ? nothing('operand_null') : left
  if (right instanceof Nothing) return right.reason === undefined ? nothing('operand_null') : right
  const result = ofOthers(operator, left, right)
  return typeof result === 'object' && 'code' in result ? nothing(result.code) : result
}

function ofNumbers(operator: Arithmetic, left: Decimal, right: Decimal): Value {
  switch (operator) {
    case '+':
      return inRange(left.plus(right))
    case '-':
      return inRange(left.minus(right))
    case '*':
      return inRange(left.times(right), left.isZero() || right.isZero())
    case '/':
      return right.isZero() ? nothing('division_by_zero') : inRange(left.div(right), left.isZero())
    default: {
      if (left.isZero() && right.isNegative() && !right.isZero()) return nothing('division_by_zero')
      const raised = power(left, right)
      return raised === undefined ? nothing('power_unfit') : raised === 'range' ? nothing('number_range') : raised
    }
  }
}

/** `mayBeZero`: a zero that is exact, not what was too small to be a number. */
function inRange(number: Decimal, mayBeZero = true): Value {
  if (!number.isFinite() || (!mayBeZero && number.isZero())) return nothing('number_range')
  return positiveZero(number)
}

interface Failure {
  readonly code: ReasonCode
}
const failure = (code: ReasonCode): Failure => ({ code })

function ofOthers(operator: Arithmetic, left: Value, right: Value): Value | Failure {
  switch (operator) {
    case '+':
      return sum(left, right)
    case '-':
      return difference(left, right)
    case '*':
      return product(left, right)
    case '/':
      return quotient(left, right)
    default:
      return failure('kinds_differ')
  }
}

function orFailure<T extends Value>(result: T | ReasonCode): T | Failure {
  return typeof result === 'string' ? failure(result as ReasonCode) : result
}

function sum(left: Value, right: Value): Value | Failure {
  if (typeof left === 'string' && typeof right === 'string') return left + right
  if (left instanceof Months && right instanceof Months) return orFailure(monthsOf(left.count + right.count))
  if (left instanceof TimeSpan && right instanceof TimeSpan) {
    return orFailure(timeSpanOf(left.nanoseconds + right.nanoseconds))
  }
  if (left instanceof Money && right instanceof Money) return ofAmounts('+', left, right)
  if (isDuration(left)) return moved(right, left, 1)
  return isDuration(right) ? moved(left, right, 1) : failure('kinds_differ')
}

function difference(left: Value, right: Value): Value | Failure {
  if (left instanceof Months && right instanceof Months) return orFailure(monthsOf(left.count - right.count))
  if (left instanceof TimeSpan && right instanceof TimeSpan) {
    return orFailure(timeSpanOf(left.nanoseconds - right.nanoseconds))
  }
  if (left instanceof Money && right instanceof Money) return ofAmounts('-', left, right)
  if (isDuration(right)) return moved(left, right, -1)
  // A date is midnight UTC where it meets a date and time, and midnight where it meets a date.
  const isMixed = isDate(left) !== isDate(right)
  const [from, to] = [right, left].map((value) => (isDate(value) ? midnight(value, isMixed ? 0 : undefined) : value))
  if (!(from instanceof DateTime) || !(to instanceof DateTime)) return failure('kinds_differ')
  return between(to, from) ?? failure('offsets_differ')
}

function product(left: Value, right: Value): Value | Failure {
  if (isNumber(right)) {
    if (isDuration(left)) return orFailure(scaled(left, right))
    if (left instanceof Money) return ofAmount('*', left, right)
  }
  if (isNumber(left) && (isDuration(right) || right instanceof Money)) return product(right, left)
  return failure('kinds_differ')
}

function quotient(left: Value, right: Value): Value | Failure {
  if (isNumber(right)) {
    if (isDuration(left)) return right.isZero() ? failure('division_by_zero') : orFailure(divided(left, right))
    return left instanceof Money ? ofAmount('/', left, right) : failure('kinds_differ')
  }
  if (left instanceof Money && right instanceof Money) {
    return left.currency === right.currency ? ofNumbers('/', left.amount, right.amount) : failure('currencies_differ')
  }
  if (isDuration(left) && isDuration(right) && left instanceof Months === right instanceof Months) {
    return ofNumbers('/', magnitudeOf(left), magnitudeOf(right))
  }
  return failure('kinds_differ')
}

function ofAmounts(operator: '+' | '-', left: Money, right: Money): Value | Failure {
  if (left.currency !== right.currency) return failure('currencies_differ')
  return ofAmount(operator, left, right.amount)
}

function ofAmount(operator: '+' | '-' | '*' | '/', { amount, currency }: Money, number: Decimal): Value {
  const result = ofNumbers(operator, amount, number)
  return isNumber(result) ? new Money(result, currency) : result
}

function isDuration(value: Value): value is Months | TimeSpan {
  return value instanceof Months || value instanceof TimeSpan
}

function moved(day: Value, duration: Months | TimeSpan, sign: 1 | -1): Value | Failure {
  if (isDate(day)) {
    if (duration instanceof Months) return orFailure(dateShiftedByMonths(day, sign * duration.count))
    const end = shifted(midnight(day, undefined), BigInt(sign) * duration.nanoseconds)
    return typeof end === 'string' ? failure(end) : end.plain.toPlainDate()
  }
  if (!(day instanceof DateTime)) return failure('kinds_differ')
  if (duration instanceof Months) return orFailure(shiftedByMonths(day, sign * duration.count))
  return orFailure(shifted(day, BigInt(sign) * duration.nanoseconds))
}

export function negated(value: Value): Value {
  if (isNumber(value)) return positiveZero(value.neg())
  if (value instanceof Money) return new Money(positiveZero(value.amount.neg()), value.currency)
  if (value instanceof Months) return new Months(value.count === 0 ? 0 : -value.count)
  if (value instanceof TimeSpan) return new TimeSpan(-value.nanoseconds)
  if (value instanceof Nothing) return value.reason === undefined ? nothing('operand_null') : value
  return nothing('kinds_differ')
}
