import canonicalize from 'canonicalize'
import { ConcordataError } from '../runtime/errors.ts'

/** A value has no canonical JSON: NaN, infinities, lone surrogates, cycles, undefined. */
export class NotCanonicalizable extends ConcordataError {}

/** Deeper values are left to the library: the check below is for what is common and small. */
const QUICK_DEPTH = 40

/**
 * Canonical JSON, RFC 8785 (JCS). The library `canonicalize` is the authority. JCS takes strings and numbers as
 * ECMAScript writes them, so where members are in order already `JSON.stringify` gives the same, five times faster.
 * Throws NotCanonicalizable on what JSON cannot carry unchanged (decision 0014).
 */
export function canonicalJson(value: unknown): string {
  if (isInOrder(value, QUICK_DEPTH)) return JSON.stringify(value)
  try {
    const text = canonicalize(value)
    if (text !== undefined) return text
  } catch (cause) {
    throw new NotCanonicalizable('json_not_canonicalizable', 'the value has no canonical JSON', {}, { cause })
  }
  throw new NotCanonicalizable('json_not_canonicalizable', 'undefined has no canonical JSON')
}

/** How many values of a long array are written in one step. */
const VALUES_A_STEP = 256

/** The same in steps: of an object the members, of a long array among them some values at a time. */
export function* canonicalizing(value: unknown): Generator<void, string> {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return canonicalJson(value)
  const members: string[] = []
  // In the order of UTF-16 code units, as RFC 8785 §3.2.3 has it.
  for (const name of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[name]
    if (member === undefined) continue
    const text = Array.isArray(member) ? yield* canonicalArray(member) : canonicalJson(member)
    members.push(`${canonicalJson(name)}:${text}`)
    yield
  }
  return `{${members.join(',')}}`
}

function* canonicalArray(values: readonly unknown[]): Generator<void, string> {
  const parts: string[] = []
  for (let at = 0; at < values.length; at += VALUES_A_STEP) {
    if (at > 0) yield
    parts.push(canonicalJson(values.slice(at, at + VALUES_A_STEP)).slice(1, -1))
  }
  return `[${parts.join(',')}]`
}

/** The same value with the members of all objects in canonical order: then writing it costs least. Throws NotCanonicalizable. */
export function inCanonicalOrder<Value>(value: Value): Value {
  return JSON.parse(canonicalJson(value)) as Value
}

/** An object of these members, in canonical order. */
export function orderedObject<Key extends string, Value>(
  members: Iterable<readonly [Key, Value]>,
): { readonly [key in Key]: Value } {
  const sorted = [...members].sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(sorted) as { readonly [key in Key]: Value }
}

/** Whether it is plain JSON whose members all stand in the order of their UTF-16 code units, without lone surrogates. */
function isInOrder(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed()
    case 'number':
      return Number.isFinite(value)
    case 'boolean':
      return true
    case 'object':
      if (value === null) return true
      if (depth === 0) return false
      return Array.isArray(value) ? areInOrder(value, depth) : hasOrderedMembers(value, depth)
    default:
      return false
  }
}

function areInOrder(values: readonly unknown[], depth: number): boolean {
  for (const value of values) if (!isInOrder(value, depth - 1)) return false
  return true
}

function hasOrderedMembers(object: object, depth: number): boolean {
  const prototype = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) return false
  let previous: string | undefined
  for (const key of Object.keys(object)) {
    if (previous !== undefined && previous >= key) return false
    if (key === 'toJSON' || !key.isWellFormed() || !isInOrder((object as Record<string, unknown>)[key], depth - 1))
      return false
    previous = key
  }
  return true
}

/**
 * True if `text` is exactly the canonical JSON of what it parses to. Catches what a parser silently repairs:
 * duplicate keys, rounded integers, escapes, white space, lone surrogates.
 */
export function isCanonicalJson(text: string, parsed: unknown): boolean {
  try {
    return canonicalJson(parsed) === text
  } catch {
    return false
  }
}
