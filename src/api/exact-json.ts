import { JSON_DEPTH_MAX } from '../events/limits.ts'
import { ConcordataError } from '../runtime/errors.ts'

/** A body, or a message, is not what it says it is, or says something twice. */
export class BodyMalformed extends ConcordataError {}

/** A JSON number that a double does not keep as it is written: `1.10`, `1e400`, `9007199254740993`. */
export class WrittenNumber {
  /** As JSON writes numbers. */
  readonly digits: string

  constructor(digits: string) {
    this.digits = digits
  }
}

/** More is no document that anybody writes, and would be built before a limit of the contract counts it. */
const MEMBERS_MAX = 100_000
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const STRING = /"(?:[^"\\]|\\.)*"/sy

/**
 * What a JSON text says: each member once, no U+0000, and numbers with the digits that stand there. One that a double keeps,
 * digit by digit, is a `number`; any other one is a WrittenNumber. Depth and count are bounded before anything is built.
 * Attacker-controlled: `text`, whole. Throws BodyMalformed.
 */
export function parseExactly(text: string): unknown {
  const { members, isRounded } = shapeOf(text)
  let value: unknown
  try {
    value = isRounded ? JSON.parse(text, asWritten) : JSON.parse(text)
  } catch (cause) {
    throw new BodyMalformed('body_malformed', 'it is not valid JSON', {}, { cause })
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

/** Of what may be no JSON at all. Throws BodyMalformed on too much of it. */
function shapeOf(text: string): Shape {
  let depth = 0
  let members = 0
  let items = 0
  let isRounded = false
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"':
        at = endOf(STRING, text, at) - 1
        break
      case '{':
      case '[':
        if (++depth > JSON_DEPTH_MAX)
          throw new BodyMalformed('body_malformed', `it is nested more than ${JSON_DEPTH_MAX} deep`)
        break
      case '}':
      case ']':
        depth--
        break
      case ':':
        members++
        break
      case ',':
        if (++items > MEMBERS_MAX) throw new BodyMalformed('body_malformed', `it has more than ${MEMBERS_MAX} members`)
        break
      case '-':
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
      case '8':
      case '9': {
        const end = endOf(NUMBER, text, at)
        const digits = text.slice(at, end)
        if (!isRounded) isRounded = String(Number(digits)) !== digits
        at = end - 1
        break
      }
    }
  }
  return { members, isRounded }
}

/** Where the token that begins there ends; the next character if it is none: the parser will say so. */
function endOf(token: RegExp, text: string, at: number): number {
  token.lastIndex = at
  return token.test(text) ? token.lastIndex : at + 1
}

/** The reviver that is given the source text (ECMAScript 2026); the types do not know of it. */
const asWritten = ((_name: string, value: unknown, { source }: { readonly source: string }) =>
  typeof value === 'number' && String(value) !== source ? new WrittenNumber(source) : value) as (
  name: string,
  value: unknown,
) => unknown

/** How many members the objects in it have, all together. Throws BodyMalformed. */
function membersIn(value: unknown): number {
  if (typeof value === 'string') assertNoNul(value)
  if (typeof value !== 'object' || value === null || value instanceof WrittenNumber) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += membersIn(item)
    return count
  }
  for (const name of Object.keys(value)) {
    assertNoNul(name)
    count += 1 + membersIn((value as Record<string, unknown>)[name])
  }
  return count
}

/** It is in no text that people write, but in all that is UTF-16 or compressed and says otherwise. */
export function assertNoNul(text: string): void {
  if (text.includes('\0')) throw new BodyMalformed('body_malformed', 'it has a character U+0000')
}
