import { Decimal } from 'decimal.js'
import { ANY, type RuleType } from '../types.ts'
import { negated } from '../values/arithmetic.ts'
import { Months, TimeSpan } from '../values/calendar.ts'
import { modulo, moduloSteps, rounded, squareRoot } from '../values/numbers.ts'
import { Money, NOTHING, nothing, type Value } from '../values/values.ts'
import { boolean, type FunctionSpec, type FunctionTable, number, ofReason, required } from './function-spec.ts'

const SCALE_MIN = -6111
const SCALE_MAX = 6176

const sameAsFirst = ([first]: readonly RuleType[]): RuleType => first ?? ANY

/** Rounds a number, or an amount in its currency, to a number of digits behind the point; decimals of the scale itself do not count. */
function rounding(mode: Decimal.Rounding, scale: 'required' | 'optional'): readonly FunctionSpec[] {
  const round = ([value, digits]: readonly Value[]): Value => {
    const places = digits === NOTHING ? 0 : (digits as Decimal).trunc().toNumber()
    if (places < SCALE_MIN || places > SCALE_MAX) return nothing('scale_unfit')
    if (value instanceof Money) {
      const amount = rounded(value.amount, places, mode)
      return amount === undefined ? nothing('number_range') : new Money(amount, value.currency)
    }
    return ofReason(rounded(value as Decimal, places, mode))
  }
  const n = required('n', 'amount')
  const two: FunctionSpec = { parameters: [n, required('scale', 'number')], result: sameAsFirst, call: round }
  if (scale === 'required') return [two]
  return [{ parameters: [n], result: sameAsFirst, call: ([value]) => round([value as Value, NOTHING]) }, two]
}

function isMultipleOfTwo(value: Value | undefined): boolean | undefined {
  const number = value as Decimal
  return number.isInteger() ? number.mod(2).isZero() : undefined
}

function parity(isEven: boolean): readonly FunctionSpec[] {
  return [
    {
      parameters: [required('number', 'number')],
      result: boolean,
      call: ([value]) => {
        const isDouble = isMultipleOfTwo(value)
        return isDouble === undefined ? nothing('argument_unfit') : isDouble === isEven
      },
    },
  ]
}

function magnitude(value: Value): Value {
  const isNegative =
    value instanceof Money
      ? value.amount.isNegative()
      : value instanceof Months
        ? value.count < 0
        : value instanceof TimeSpan
          ? value.nanoseconds < 0n
          : (value as Decimal).isNegative()
  return isNegative ? negated(value) : value
}

export const numericFunctions: FunctionTable = {
  decimal: rounding(Decimal.ROUND_HALF_EVEN, 'required'),
  floor: rounding(Decimal.ROUND_FLOOR, 'optional'),
  ceiling: rounding(Decimal.ROUND_CEIL, 'optional'),
  'round up': rounding(Decimal.ROUND_UP, 'required'),
  'round down': rounding(Decimal.ROUND_DOWN, 'required'),
  'round half up': rounding(Decimal.ROUND_HALF_UP, 'required'),
  'round half down': rounding(Decimal.ROUND_HALF_DOWN, 'required'),
  abs: [
    { parameters: [required('n', 'magnitude')], result: sameAsFirst, call: ([value]) => magnitude(value as Value) },
  ],
  modulo: [
    {
      parameters: [required('dividend', 'number'), required('divisor', 'number')],
      result: number,
      call: ([dividend, divisor], charge) => {
        if ((divisor as Decimal).isZero()) return nothing('division_by_zero')
        charge(moduloSteps(dividend as Decimal, divisor as Decimal))
        return ofReason(modulo(dividend as Decimal, divisor as Decimal))
      },
    },
  ],
  sqrt: [
    {
      parameters: [required('number', 'number')],
      result: number,
      call: ([value]) => ((value as Decimal).isNegative() ? nothing('argument_unfit') : squareRoot(value as Decimal)),
    },
  ],
  even: parity(true),
  odd: parity(false),
}
