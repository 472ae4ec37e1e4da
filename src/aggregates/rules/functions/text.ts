import type { Decimal } from 'decimal.js'
import { lowerCase, upperCase } from '../values/letter-case.ts'
import { Num } from '../values/numbers.ts'
import { Nothing, nothing, type Value } from '../values/values.ts'
import {
  boolean,
  type Charge,
  type FunctionSpec,
  type FunctionTable,
  number,
  optional,
  required,
  text,
} from './function-spec.ts'

/** UTF-16 units of a text that one step goes through. */
const UNITS_PER_STEP = 64

export function chargeText(value: string, charge: Charge): string {
  charge(Math.ceil(value.length / UNITS_PER_STEP))
  return value
}

/** By code points: from a position, counted from 1 or, where negative, from the end. */
function substring(value: string, start: Decimal, length: Decimal | undefined): Value {
  const characters = [...value]
  const from = start.trunc().toNumber()
  if (from === 0 || Math.abs(from) > characters.length) return from === 0 ? nothing('position_outside') : ''
  const first = from > 0 ? from - 1 : characters.length + from
  if (length === undefined) return characters.slice(first).join('')
  const count = length.trunc().toNumber()
  return count < 1 ? nothing('argument_unfit') : characters.slice(first, first + count).join('')
}

function ofOne(name: string, call: (value: string) => Value, result = text): readonly FunctionSpec[] {
  return [
    {
      parameters: [required(name, 'text')],
      result,
      call: ([value], charge) => call(chargeText(value as string, charge)),
    },
  ]
}

function ofTwo<T extends Value>(
  call: (value: string, match: string) => T,
  result: FunctionSpec['result'],
): readonly FunctionSpec[] {
  return [
    {
      parameters: [required('string', 'text'), required('match', 'text')],
      result,
      call: ([value, match], charge) => call(chargeText(value as string, charge), match as string),
    },
  ]
}

function join(items: readonly Value[], delimiter: string, charge: Charge): Value {
  const parts: string[] = []
  for (const item of items) {
    charge(1)
    if (item instanceof Nothing) continue
    if (typeof item !== 'string') return nothing('argument_unfit')
    parts.push(item)
    // Before there is such a text.
    charge(Math.ceil((item.length + delimiter.length) / UNITS_PER_STEP))
  }
  return parts.join(delimiter)
}

export const textFunctions: FunctionTable = {
  substring: [
    {
      parameters: [required('string', 'text'), required('start position', 'number'), optional('length', 'number')],
      result: text,
      call: ([value, start, length], charge) =>
        substring(
          chargeText(value as string, charge),
          start as Decimal,
          length instanceof Nothing ? undefined : (length as Decimal),
        ),
    },
  ],
  'string length': ofOne('string', (value) => new Num([...value].length), number),
  'upper case': ofOne('string', upperCase),
  'lower case': ofOne('string', lowerCase),
  'substring before': ofTwo((value, match) => {
    const at = value.indexOf(match)
    return at === -1 ? '' : value.slice(0, at)
  }, text),
  'substring after': ofTwo((value, match) => {
    const at = value.indexOf(match)
    return at === -1 ? '' : value.slice(at + match.length)
  }, text),
  contains: ofTwo((value, match) => value.includes(match), boolean),
  'starts with': ofTwo((value, match) => value.startsWith(match), boolean),
  'ends with': ofTwo((value, match) => value.endsWith(match), boolean),
  'string join': [
    {
      parameters: [required('list', 'texts'), optional('delimiter', 'text')],
      result: text,
      call: ([items, delimiter], charge) =>
        join(items as readonly Value[], delimiter instanceof Nothing ? '' : (delimiter as string), charge),
    },
  ],
}
