import { WrittenNumber } from '../../documents/written-number.ts'
import { JSON_DEPTH_MAX } from '../../events/limits.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { endOfString, exceededBound, type JsonBounds } from '../../runtime/json-bounds.ts'
import { placeOfFault } from './json-fault.ts'

/** A body, or a message, is not what it says it is, or says something twice. */
export class BodyMalformed extends ConcordataError {}

/** More is no document that anybody writes, and would be built before a limit of the contract counts it. */
export const BODY_MEMBERS_MAX = 20_000
const BOUNDS: JsonBounds = { depthMax: JSON_DEPTH_MAX, membersMax: BODY_MEMBERS_MAX }
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const QUOTE = 0x22
const COLON = 0x3a
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39

/**
 * What a JSON text says: each member once, texts without U+0000, and numbers with the digits that stand there. One that a double keeps,
 * digit by digit, is a `number`; any other one is a WrittenNumber. Depth and count are bounded before anything is built.
 * Attacker-controlled: `text`, whole. Throws BodyMalformed.
 */
export function parseExactly(text: string): unknown {
  const exceeded = exceededBound(text, BOUNDS)
  if (exceeded !== undefined) {
    const [name, max, most] =
      exceeded === 'depthMax'
        ? ['depth', JSON_DEPTH_MAX, `nested more than ${JSON_DEPTH_MAX} deep`]
        : ['members', BODY_MEMBERS_MAX, `more than ${BODY_MEMBERS_MAX} members`]
    throw new BodyMalformed('body_malformed', `it has ${most}`, { limit: { name, max } })
  }
  const { members, isRounded } = shapeOf(text)
  let value: unknown
  try {
    value = isRounded ? JSON.parse(text, asWritten) : JSON.parse(text)
  } catch (cause) {
    const why = text.trim() === '' ? 'it is empty, and no JSON' : `it is not valid JSON: ${placeOfFault(text)}`
    throw new BodyMalformed('body_malformed', why, {}, { cause })
  }
  if (membersIn(value) !== members) throw new BodyMalformed('body_malformed', 'a member stands twice in one object')
  return value
}

interface Shape {
  /** Names of members that are written. */
  readonly members: number
  /** Whether there is a number that a double does not keep. */
  readonly isRounded: boolean
}

/** Of what may be no JSON at all: then it says anything. */
function shapeOf(text: string): Shape {
  let members = 0
  let isRounded = false
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === QUOTE) at = endOfString(text, at)
    else if (character === COLON) members++
    else if (character === MINUS || (character >= ZERO && character <= NINE)) {
      const digits = digitsAt(text, at)
      if (!isRounded) isRounded = String(Number(digits)) !== digits
      at += digits.length - 1
    }
  }
  return { members, isRounded }
}

/** The number that begins there, or what begins as one. */
function digitsAt(text: string, at: number): string {
  NUMBER.lastIndex = at
  return NUMBER.exec(text)?.[0] ?? text.charAt(at)
}

/** The reviver that is given the source text (ECMAScript 2026); the types do not know of it. */
const asWritten = ((_name: string, value: unknown, { source }: { readonly source: string }) =>
  typeof value === 'number' && String(value) !== source ? new WrittenNumber(source) : value) as (
  name: string,
  value: unknown,
) => unknown

/** How many members the objects in it have, all together. Throws BodyMalformed. */
function membersIn(value: unknown): number {
  if (typeof value === 'string') requireText(value)
  if (typeof value !== 'object' || value === null || value instanceof WrittenNumber) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += membersIn(item)
    return count
  }
  for (const name of Object.keys(value)) {
    requireText(name)
    count += 1 + membersIn((value as Record<string, unknown>)[name])
  }
  return count
}

/** U+0000 is in no text that people write, but in all that is UTF-16 or compressed and says otherwise; half of a surrogate pair is no text. */
export function requireText(text: string): void {
  if (text.includes('\0')) throw new BodyMalformed('body_malformed', 'it has a character U+0000')
  if (!text.isWellFormed())
    throw new BodyMalformed('body_malformed', 'it has half of a surrogate pair, which is no character')
}
