import type { ReasonCode } from '../reasons.ts'
import { ordered } from '../values/compare.ts'
import { Nothing, nothing, Range, type Value } from '../values/values.ts'
import { boolean, type FunctionSpec, type FunctionTable, required } from './function-spec.ts'

/** Where an end stands against another: a code where the two have no order. */
class NoOrder extends Error {
  readonly code: ReasonCode
  constructor(code: ReasonCode) {
    super(code)
    this.code = code
  }
}

function order(one: Value, other: Value): number {
  const result = ordered(one, other)
  if (typeof result === 'number') return result
  throw new NoOrder(result)
}

type Relation = (one: Range, other: Range) => boolean

const isPoint = (range: Range) => range.operator === '='
const asRange = (value: Value): Range => (value instanceof Range ? value : new Range(value, value, true, true, '='))

/** The one ends before the other begins: where both ends meet, at least one of them is out. */
const isBefore: Relation = (one, other) => {
  const distance = order(one.high, other.low)
  return distance < 0 || (distance === 0 && !(one.isHighIn && other.isLowIn))
}
const meets: Relation = (one, other) => order(one.high, other.low) === 0 && one.isHighIn && other.isLowIn
const beginsFirst: Relation = (one, other) => {
  const distance = order(one.low, other.low)
  return distance < 0 || (distance === 0 && one.isLowIn && !other.isLowIn)
}
const endsFirst: Relation = (one, other) => {
  const distance = order(one.high, other.high)
  return distance < 0 || (distance === 0 && !one.isHighIn && other.isHighIn)
}
const overlaps: Relation = (one, other) => !isBefore(one, other) && !isBefore(other, one)
const includes: Relation = (one, other) => !beginsFirst(other, one) && !endsFirst(one, other)
const startsAlike: Relation = (one, other) => order(one.low, other.low) === 0 && one.isLowIn === other.isLowIn
const endsAlike: Relation = (one, other) => order(one.high, other.high) === 0 && one.isHighIn === other.isHighIn
const starts: Relation = (one, other) => startsAlike(one, other) && !endsFirst(other, one)
const finishes: Relation = (one, other) => endsAlike(one, other) && !beginsFirst(one, other)

const swapped =
  (relation: Relation): Relation =>
  (one, other) =>
    relation(other, one)

/** A point stands where FEEL allows it: on any side of `before`, as the first of `during`, and so on. */
function relating(
  relation: Relation,
  names: readonly [string, string],
  points: { readonly first?: true; readonly second?: true } = {},
): readonly FunctionSpec[] {
  const [first, second] = names
  return [
    {
      parameters: [required(first, points.first ? 'any' : 'range'), required(second, points.second ? 'any' : 'range')],
      result: boolean,
      call: ([one, other]) => {
        const [left, right] = [asRange(one as Value), asRange(other as Value)]
        const ends = [left.low, left.high, right.low, right.high]
        // A test such as `> 5` has no end on one side: FEEL compares ends.
        if (ends.some((end) => end instanceof Nothing)) return nothing('operand_null')
        try {
          return relation(left, right)
        } catch (error) {
          if (error instanceof NoOrder) return nothing(error.code)
          throw error
        }
      },
    },
  ]
}

const RANGES = ['range1', 'range2'] as const
const both = { first: true, second: true } as const

/** Allen's relations, as FEEL has them. */
export const rangeFunctions: FunctionTable = {
  before: relating(isBefore, ['point1', 'point2'], both),
  after: relating(swapped(isBefore), ['point1', 'point2'], both),
  meets: relating(meets, RANGES),
  'met by': relating(swapped(meets), RANGES),
  overlaps: relating(overlaps, RANGES),
  'overlaps before': relating(
    (one, other) => beginsFirst(one, other) && overlaps(one, other) && !endsFirst(other, one),
    RANGES,
  ),
  'overlaps after': relating(
    (one, other) => beginsFirst(other, one) && overlaps(one, other) && !endsFirst(one, other),
    RANGES,
  ),
  finishes: relating(
    (one, other) => (isPoint(one) ? endsInPoint(one, other) : finishes(one, other)),
    ['point', 'range'],
    { first: true },
  ),
  'finished by': relating(
    (one, other) => (isPoint(other) ? endsInPoint(other, one) : finishes(other, one)),
    ['range', 'point'],
    { second: true },
  ),
  includes: relating(includes, ['range', 'point'], { second: true }),
  during: relating(swapped(includes), ['point', 'range'], { first: true }),
  starts: relating(
    (one, other) => (isPoint(one) ? startsInPoint(one, other) : starts(one, other)),
    ['point', 'range'],
    { first: true },
  ),
  'started by': relating(
    (one, other) => (isPoint(other) ? startsInPoint(other, one) : starts(other, one)),
    ['range', 'point'],
    { second: true },
  ),
  coincides: relating((one, other) => startsAlike(one, other) && endsAlike(one, other), ['point1', 'point2'], both),
}

function endsInPoint(point: Range, range: Range): boolean {
  return order(point.low, range.high) === 0 && range.isHighIn
}

function startsInPoint(point: Range, range: Range): boolean {
  return order(point.low, range.low) === 0 && range.isLowIn
}
