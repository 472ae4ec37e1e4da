import type { Decimal } from 'decimal.js'
import { ANY, listOf, NUMBER, type RuleType, unite } from '../types.ts'
import { calculate } from '../values/arithmetic.ts'
import { equal, ordered, weightOf } from '../values/compare.ts'
import { isNumber, Num, ONE, squareRoot, ZERO } from '../values/numbers.ts'
import { Nothing, nothing, type Value } from '../values/values.ts'
import {
  boolean,
  type Charge,
  type FunctionSpec,
  type FunctionTable,
  isOfKind,
  nullable,
  number,
  type ParameterKind,
  required,
} from './function-spec.ts'

type List = readonly Value[]

const itemOf = (type: RuleType | undefined): RuleType => (type?.kind === 'list' ? type.of : (type ?? ANY))
const sameList = ([list]: readonly RuleType[]): RuleType => listOf(itemOf(list))
const itemOfFirst = ([list]: readonly RuleType[]): RuleType => itemOf(list)

/** Of one list, or of the arguments given one by one. */
function ofItems(
  kind: ParameterKind,
  result: FunctionSpec['result'],
  call: (items: List, charge: Charge) => Value,
): readonly FunctionSpec[] {
  return [
    {
      parameters: [required('list', kind)],
      isVariadic: true,
      result,
      call: ([items], charge) => {
        charge((items as List).length)
        return call(items as List, charge)
      },
    },
  ]
}

/** Null, and why, as soon as an item is no number, amount or duration. */
function added(items: List): Value {
  const [first, ...others] = items
  if (first === undefined) return nothing('list_empty')
  if (!isOfKind('magnitude', first)) return unfit(first)
  return others.reduce((total: Value, item) => (total instanceof Nothing ? total : calculate('+', total, item)), first)
}

function unfit(item: Value): Value {
  return item instanceof Nothing
    ? item.reason === undefined
      ? nothing('operand_null')
      : item
    : nothing('argument_unfit')
}

function extreme(items: List, side: 1 | -1): Value {
  let best: Value | undefined
  for (const item of items) {
    const order = ordered(item, best ?? item)
    if (typeof order === 'string') return order === 'operand_null' ? unfit(item) : nothing(order)
    if (best === undefined || order * side > 0) best = item
  }
  return best ?? nothing('list_empty')
}

/** All of them, or what is wrong with the first that is none. */
function numbersIn(items: List): Decimal[] | Value {
  const numbers: Decimal[] = []
  for (const item of items) {
    if (!isNumber(item)) return unfit(item)
    numbers.push(item)
  }
  return numbers.length === 0 ? nothing('list_empty') : numbers
}

function mean(items: List): Value {
  const total = added(items)
  return total instanceof Nothing ? total : calculate('/', total, new Num(items.length))
}

function median(items: List): Value {
  for (const item of items) if (!isOfKind('magnitude', item)) return unfit(item)
  let fault: Value | undefined
  const sorted = [...items].sort((one, other) => {
    const order = ordered(one, other)
    if (typeof order === 'number') return order
    fault = nothing(order)
    return 0
  })
  if (fault !== undefined) return fault
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined) return nothing('list_empty')
  if (sorted.length % 2 === 1) return upper
  return calculate('/', calculate('+', sorted[middle - 1] as Value, upper), new Num(2))
}

function deviation(items: List): Value {
  const numbers = numbersIn(items)
  if (!Array.isArray(numbers)) return numbers as Value
  if (numbers.length < 2) return nothing('list_empty')
  const average = mean(numbers)
  let squares: Value = ZERO
  for (const item of numbers) {
    const distance = calculate('-', item, average)
    squares = calculate('+', squares, calculate('*', distance, distance))
  }
  const variance = calculate('/', squares, new Num(numbers.length - 1))
  return isNumber(variance) ? squareRoot(variance) : variance
}

function mode(items: List): Value {
  if (items.length === 0) return []
  const numbers = numbersIn(items)
  if (!Array.isArray(numbers)) return numbers as Value
  const counts = new Map<string, { item: Decimal; count: number }>()
  for (const item of numbers as Decimal[]) {
    const counted = counts.get(item.toString())
    counts.set(item.toString(), { item, count: (counted?.count ?? 0) + 1 })
  }
  const most = [...counts.values()].reduce((greatest, { count }) => Math.max(greatest, count), 0)
  return [...counts.values()]
    .filter(({ count }) => count === most)
    .map(({ item }) => item)
    .sort((one, other) => one.comparedTo(other))
}

/**
 * The functions `all` and `any`: `all` ends at the first false, `any` at the first true. An item that is neither makes
 * the result null, with the reason.
 */
function connective(ending: boolean): readonly FunctionSpec[] {
  return ofItems('booleans', boolean, (items) => {
    let unknown: Value | undefined
    for (const item of items) {
      if (item === ending) return ending
      if (item !== !ending) unknown ??= unfit(item)
    }
    return unknown ?? !ending
  })
}

/** Zero-based. Undefined: there is none. */
function placeOf(position: Value | undefined, length: number): number | undefined {
  const number = (position as Decimal).trunc().toNumber()
  if (number === 0 || Math.abs(number) > length) return undefined
  return number > 0 ? number - 1 : length + number
}

function sublist(list: List, start: Value | undefined, length: Value | undefined): Value {
  const from = placeOf(start, list.length)
  if (from === undefined) return nothing('position_outside')
  if (length === undefined || length instanceof Nothing) return list.slice(from)
  const count = (length as Decimal).trunc().toNumber()
  return count < 0 || from + count > list.length ? nothing('position_outside') : list.slice(from, from + count)
}

/** Each once, in the order of the first. */
function distinct(items: List, charge: Charge): Value {
  const kept: Value[] = []
  for (const item of items) {
    charge(weightOf(item) * (1 + kept.length))
    if (!kept.some((other) => equal(item, other) === true)) kept.push(item)
  }
  return kept
}

function flattened(items: List, charge: Charge): Value {
  const flat: Value[] = []
  const rest: Value[] = [...items].reverse()
  for (let item = rest.pop(); item !== undefined; item = rest.pop()) {
    charge(1)
    if (Array.isArray(item)) for (const inner of [...(item as List)].reverse()) rest.push(inner)
    else flat.push(item)
  }
  return flat
}

function flatItem(type: RuleType | undefined): RuleType {
  let item = itemOf(type)
  while (item.kind === 'list') item = item.of
  return item
}

const asList = (value: Value): List => (Array.isArray(value) ? (value as List) : [value])
const manyLists: FunctionSpec['result'] = (types) => listOf(types.map(itemOf).reduce(unite, { kind: 'null' }))

/** Of several lists; a thing that is none is a list of one. */
function ofLists(call: (items: List, charge: Charge) => Value): readonly FunctionSpec[] {
  return [
    {
      parameters: [required('list', 'list'), { name: 'lists', kind: 'any', isNullable: true }],
      isVariadic: true,
      result: manyLists,
      call: ([first, others], charge) => {
        const items = [first as Value, ...(others as List)].flatMap((list) => asList(list))
        charge(items.length)
        return call(items, charge)
      },
    },
  ]
}

function magnitudeOf([list]: readonly RuleType[]): RuleType {
  return itemOf(list)
}

export const listFunctions: FunctionTable = {
  count: [
    {
      parameters: [required('list', 'list')],
      result: number,
      call: ([list]) => new Num((list as List).length),
    },
  ],
  'list contains': [
    {
      parameters: [required('list', 'list'), nullable('element', 'any')],
      result: boolean,
      call: ([list, element], charge) => {
        charge(weightOf(list as List))
        return (list as List).some((item) => equal(item, element as Value) === true)
      },
    },
  ],
  'index of': [
    {
      parameters: [required('list', 'list'), nullable('match', 'any')],
      result: () => listOf(NUMBER),
      call: ([list, match], charge) => {
        charge(weightOf(list as List))
        return (list as List).flatMap((item, n) => (equal(item, match as Value) === true ? [ONE.plus(n)] : []))
      },
    },
  ],
  min: ofItems('list', itemOfFirst, (items) => extreme(items, -1)),
  max: ofItems('list', itemOfFirst, (items) => extreme(items, 1)),
  sum: ofItems('magnitudes', magnitudeOf, added),
  mean: ofItems('magnitudes', magnitudeOf, mean),
  median: ofItems('magnitudes', magnitudeOf, (items, charge) => {
    charge(items.length)
    return median(items)
  }),
  product: ofItems('numbers', number, (items) => {
    const numbers = numbersIn(items)
    if (!Array.isArray(numbers)) return numbers as Value
    return (numbers as Decimal[]).reduce((total: Value, item) => calculate('*', total, item), ONE)
  }),
  stddev: ofItems('numbers', number, deviation),
  mode: ofItems('numbers', () => listOf(NUMBER), mode),
  all: connective(false),
  any: connective(true),
  sublist: [
    {
      parameters: [
        required('list', 'list'),
        required('start position', 'number'),
        { name: 'length', kind: 'number', isOptional: true },
      ],
      result: sameList,
      call: ([list, start, length], charge) => {
        charge((list as List).length)
        return sublist(list as List, start, length)
      },
    },
  ],
  append: [
    {
      parameters: [nullable('list', 'any'), nullable('item', 'any')],
      isVariadic: true,
      result: ([list, ...items]) => listOf([itemOf(list), ...items].reduce(unite)),
      call: ([list, items], charge) => {
        if (list instanceof Nothing) return unfit(list)
        const whole = [...asList(list as Value), ...(items as List)]
        charge(whole.length)
        return whole
      },
    },
  ],
  concatenate: ofLists((items) => items),
  union: ofLists(distinct),
  'insert before': [
    {
      parameters: [required('list', 'list'), required('position', 'number'), nullable('newItem', 'any')],
      result: ([list, , item]) => listOf(unite(itemOf(list), item ?? ANY)),
      call: ([list, position, item], charge) => {
        const items = list as List
        charge(items.length)
        const place = placeOf(position, items.length)
        return place === undefined ? nothing('position_outside') : items.toSpliced(place, 0, item as Value)
      },
    },
  ],
  remove: [
    {
      parameters: [required('list', 'list'), required('position', 'number')],
      result: sameList,
      call: ([list, position], charge) => {
        const items = list as List
        charge(items.length)
        const place = placeOf(position, items.length)
        return place === undefined ? nothing('position_outside') : items.toSpliced(place, 1)
      },
    },
  ],
  reverse: [
    {
      parameters: [required('list', 'list')],
      result: sameList,
      call: ([list], charge) => {
        charge((list as List).length)
        return (list as List).toReversed()
      },
    },
  ],
  'distinct values': [
    {
      parameters: [required('list', 'list')],
      result: sameList,
      call: ([list], charge) => distinct(list as List, charge),
    },
  ],
  flatten: [
    {
      parameters: [required('list', 'list')],
      result: ([list]) => listOf(flatItem(list)),
      call: ([list], charge) => flattened(list as List, charge),
    },
  ],
}
