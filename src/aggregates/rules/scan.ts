import type { Fault } from './fault.ts'
import { expressionLimits } from './limits.ts'

/**
 * Whether a text is short and flat enough to be parsed: linear in its length, and before anything else looks at it. Brackets in
 * texts, names in back-quotes and comments are none. Attacker-controlled: `text`.
 */
export function scanFault(text: string): Fault | undefined {
  const { textLengthMax, levelsMax } = expressionLimits
  if (text.length > textLengthMax) {
    const message = `an expression has at most ${textLengthMax} characters; this one has ${text.length}`
    return { code: 'expression_too_long', message, from: textLengthMax, to: text.length }
  }
  let level = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string
    if ('([{'.includes(character)) level++
    else if (')]}'.includes(character)) level = Math.max(0, level - 1)
    else at = endOfVerbatim(text, at)
    // Intervals may open with `]` and close with `[`: they count as brackets like any other.
    if (level > levelsMax) {
      const message = `brackets stand in each other more than ${levelsMax} levels deep`
      return { code: 'expression_too_deep', message, from: at, to: at + 1 }
    }
  }
  return undefined
}

/** The last place of the text, name or comment that begins here; here itself where none does. */
export function endOfVerbatim(text: string, at: number): number {
  const opens = text[at] as string
  if (opens === '"' || opens === '`') {
    for (let end = at + 1; end < text.length; end++) {
      if (text[end] === '\\' && opens === '"') end++
      else if (text[end] === opens) return end
    }
    return text.length
  }
  const pair = text.slice(at, at + 2)
  if (pair !== '//' && pair !== '/*') return at
  const end = text.indexOf(pair === '//' ? '\n' : '*/', at + 2)
  return end === -1 ? text.length : pair === '//' ? end : end + 1
}
