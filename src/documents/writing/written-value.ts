import { fitElementName, fitText } from '../../aggregates/names/fit-text.ts'
import { nfc } from '../../aggregates/names/normal-form.ts'
import type { BuiltInType, FieldType } from '../../events/field-type.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { decimalDigits, wireInteger, writtenDigits } from '../digits.ts'
import { WrittenNumber } from '../written-number.ts'

/** A body does not say what to write, or the element cannot take it. */
export class WriteUnfit extends ConcordataError {}

/** Of a number that is unfit, in what is said of it. */
const DIGITS_SHOWN = 100

/** The type that a new field gets; undefined for an object: that is a new block. */
export function typedValue(value: unknown): { field: FieldType; value: unknown } | undefined {
  if (isObject(value)) {
    if ('$field' in value) {
      const { $field: _field, $value: _value, ...others } = value
      const [other] = Object.keys(others)
      if (other !== undefined) {
        const expected = '{"$field": {"type": …}, "$value": …}'
        throw new WriteUnfit('write_unfit', `beside $field there is only $value, not ${other}`, {
          name: other,
          expected,
        })
      }
      // Whether it is one that a contract takes is for the rules to say.
      if (!isObject(value.$field) || holdsWritten(value.$field))
        throw new WriteUnfit('write_unfit', '$field takes the type of a field: an object')
      return { field: value.$field as FieldType, value: value.$value ?? null }
    }
    if (isFile(value)) return { field: { type: 'attachment' }, value }
    if (isMoney(value)) return { field: { type: 'money' }, value }
    if (isHalfMoney(value))
      throw new WriteUnfit('write_unfit', 'money has an amount and a currency', { expected: 'money' })
    return undefined
  }
  if (typeof value === 'boolean') return { field: { type: 'boolean' }, value }
  const digits = writtenDigits(value)
  if (digits !== undefined) return { field: { type: wireInteger(digits) === undefined ? 'decimal' : 'integer' }, value }
  if (typeof value === 'string' || value === null) return { field: { type: 'text' }, value }
  throw new WriteUnfit('write_unfit', 'an array is no value; a list is added by {"$list": …}')
}

/** JSON numbers are welcome where the wire has strings: the digits are those that the client wrote. */
export function wireValue(type: BuiltInType, value: unknown): unknown {
  if (type.type === 'money' && isObject(value) && 'amount' in value) {
    return { ...value, amount: wireNumber(value.amount, 'decimal') }
  }
  if (type.type === 'attachment' && isObject(value) && 'bytes' in value) {
    return { ...value, bytes: wireNumber(value.bytes, 'integer') }
  }
  if (type.type === 'contract' && isObject(value) && 'index' in value) {
    return { ...value, index: wireNumber(value.index, 'integer') }
  }
  // As the options themselves are.
  if (type.type === 'choice' && typeof value === 'string') return nfc(value)
  return wireNumber(value, type.type)
}

function wireNumber(value: unknown, type: BuiltInType['type']): unknown {
  const digits = writtenDigits(value)
  if (digits === undefined) {
    if (holdsWritten(value)) throw new WriteUnfit('write_unfit', 'a number in there has more digits than is kept of it')
    return value
  }
  const exact = type === 'decimal' ? decimalDigits(digits) : wireInteger(digits)
  if (exact !== undefined) return exact
  throw new WriteUnfit('write_unfit', `${digits.slice(0, DIGITS_SHOWN)} is not written as a value of type ${type}`, {
    expected: type,
  })
}

/** Whether a number would be lost in a value that no field takes anyway. */
export function holdsWritten(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof WrittenNumber || Object.values(value).some(holdsWritten)
}

/** Names are NFC, however they are written: two spellings of one name are one element. Throws WriteUnfit. */
export function namedIn(members: Record<string, unknown>): [string, unknown][] {
  const named = Object.entries(members).map(([name, value]): [string, unknown] => [nfc(name), value])
  if (new Set(named.map(([name]) => name)).size === named.length) return named
  throw new WriteUnfit('write_unfit', 'the object has one name twice, in two spellings')
}

/** What stands for something else in what is written: no element is added with such a name, or a slip of the pen would be one. */
const MEANINGS = ['$field', '$value', '$list', '$block', '$sealed', '$file']

/** Of an element that is added. Throws WriteUnfit, TextUnfit. */
export function fitNewName(name: string): string {
  if (!name.startsWith('$')) return fitElementName(name)
  const message = `${name} means nothing here, and nothing is added with a name that begins with a dollar sign`
  throw new WriteUnfit('write_unfit', message, { name, options: MEANINGS })
}

/** With options that all parties can read alike. */
export function fitField(type: FieldType): FieldType {
  // Its form is for the rules to judge.
  if (type.type !== 'choice' || !Array.isArray(type.options)) return type
  const options = type.options.map((option, place) =>
    typeof option === 'string' ? fitText(`option ${place + 1}`, option) : option,
  )
  return { ...type, options }
}

/** It stands for a file that was brought before. */
function isFile(value: Record<string, unknown>): boolean {
  return Object.keys(value).length === 1 && typeof value.$file === 'string'
}

function isMoney(value: Record<string, unknown>): boolean {
  const { amount, currency } = value
  const isAmount = typeof amount === 'string' || writtenDigits(amount) !== undefined
  return Object.keys(value).length === 2 && isAmount && typeof currency === 'string'
}

/** An amount or a currency that is left empty: no two fields are meant by that. */
function isHalfMoney(value: Record<string, unknown>): boolean {
  const isMeant = Object.keys(value).length === 2 && 'amount' in value && 'currency' in value
  return isMeant && Object.values(value).some((one) => one === null || typeof one === 'boolean')
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof WrittenNumber)
}
