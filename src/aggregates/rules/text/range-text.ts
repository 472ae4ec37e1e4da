import type { ReasonCode } from '../reasons.ts'
import { parseDate, parseDateTime, parseDuration } from '../values/calendar.ts'
import { ordered } from '../values/compare.ts'
import { parseNumber } from '../values/numbers.ts'
import { Range, type Value } from '../values/values.ts'
import { unescaped } from './text-literal.ts'

const STRING = '"(?:[^"\\\\]|\\\\.)*"'
const END = `[ \\t\\n\\r]*(-?(?:\\d+(?:\\.\\d+)?|\\.\\d+)|@${STRING}|${STRING}|(?:date and time|date|duration)\\([ \\t\\n\\r]*${STRING}[ \\t\\n\\r]*\\))[ \\t\\n\\r]*`
const RANGE = new RegExp(`^[ \\t\\n\\r]*([[(\\]])${END}\\.\\.${END}([\\])[])[ \\t\\n\\r]*$`, 'su')
const CONSTRUCTED = /^(date and time|date|duration)\([ \t\n\r]*(.*?)[ \t\n\r]*\)$/s

/** What `range` reads: two constants between brackets, the lower one first. */
export function parseRange(text: string): Range | ReasonCode {
  const match = RANGE.exec(text)
  if (match === null) return 'text_unfit'
  const [low, high] = [match[2], match[3]].map((end) => parseEnd(end as string)) as [
    Value | undefined,
    Value | undefined,
  ]
  if (low === undefined || high === undefined) return 'text_unfit'
  const order = ordered(low, high)
  if (typeof order !== 'number') return order
  return order > 0 ? 'text_unfit' : new Range(low, high, match[1] === '[', match[4] === ']')
}

function parseEnd(text: string): Value | undefined {
  if (text.startsWith('"')) return unescaped(text.slice(1, -1))
  if (text.startsWith('@')) return constantAt(unescaped(text.slice(2, -1)) ?? '')
  const call = CONSTRUCTED.exec(text)
  if (call === null) return parseNumber(text)
  const written = unescaped((call[2] as string).slice(1, -1)) ?? ''
  const parse = { 'date and time': parseDateTime, date: parseDate, duration: parseDuration }[call[1] as 'date']
  const value: Value | ReasonCode = parse(written)
  return typeof value === 'string' ? undefined : value
}

/** What stands behind `@`. Undefined: none of the things that can. */
export function constantAt(text: string): Exclude<Value, string> | undefined {
  for (const parse of [parseDate, parseDateTime, parseDuration]) {
    const value: Value | ReasonCode = parse(text)
    if (typeof value !== 'string') return value
  }
  return undefined
}
