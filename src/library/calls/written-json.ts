import { JSON_DEPTH_MAX } from '../../events/limits.ts'
import { refusedUnasked } from './problem-error.ts'

/** Of ECMAScript 2025; the types do not know of it. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown }

/**
 * JSON that says what the value is, or nothing. A `bigint` is an integer with all its digits. What JSON would pass over or change
 * (undefined, a function, a date, NaN) is refused, and so is a number that is no safe integer: a double is not the decimal that
 * somebody has written, which is a string of its digits. Throws ProblemError `write_unfit`.
 */
export function writtenJson(value: unknown): string {
  return JSON.stringify(exact(value, []))
}

function exact(value: unknown, way: readonly string[]): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'bigint':
      return rawJSON(String(value))
    case 'number':
      if (Number.isSafeInteger(value)) return value
      throw unfit('a number that is no safe integer is written as a string of its digits, or as a bigint', way)
    case 'object':
      return value === null ? null : exactlyIn(value, way)
    default:
      throw unfit(`${typeof value} is no value`, way)
  }
}

function exactlyIn(value: object, way: readonly string[]): unknown {
  // What stands in itself has no end.
  if (way.length >= JSON_DEPTH_MAX) throw unfit(`it is nested more than ${JSON_DEPTH_MAX} deep`, [])
  // A hole in an array would be null.
  if (Array.isArray(value)) return Array.from(value, (item, place) => exact(item, [...way, String(place)]))
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw unfit(`${value.constructor.name} is no value`, way)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, exact(member, [...way, name])]))
}

function unfit(message: string, way: readonly string[]) {
  return refusedUnasked('write_unfit', message, { path: way.map(encodeURIComponent).join('/') })
}
