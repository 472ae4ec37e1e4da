import type { Fault } from '../fault.ts'
import { expressionLimits } from '../limits.ts'

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
    const code = text.charCodeAt(at)
    if (isOpening(code)) level++
    else if (isClosing(code)) level = Math.max(0, level - 1)
    else at = endOfVerbatim(text, at)
    // Intervals may open with `]` and close with `[`: they count as brackets like any other.
    if (level > levelsMax) {
      const message = `brackets stand in each other more than ${levelsMax} levels deep`
      return { code: 'expression_too_deep', message, from: at, to: at + 1 }
    }
  }
  return undefined
}

const [QUOTE, BACKQUOTE, BACKSLASH, SLASH, ASTERISK] = [0x22, 0x60, 0x5c, 0x2f, 0x2a]

/** `(`, `[` or `{`. */
export function isOpening(code: number): boolean {
  return code === 0x28 || code === 0x5b || code === 0x7b
}

export function isClosing(code: number): boolean {
  return code === 0x29 || code === 0x5d || code === 0x7d
}

/** The last place of the text, name or comment that begins here; here itself where none does. */
export function endOfVerbatim(text: string, at: number): number {
  const opens = text.charCodeAt(at)
  if (opens === QUOTE || opens === BACKQUOTE) {
    for (let end = at + 1; end < text.length; end++) {
      const code = text.charCodeAt(end)
      if (code === BACKSLASH && opens === QUOTE) end++
      else if (code === opens) return end
    }
    return text.length
  }
  if (opens !== SLASH) return at
  const next = text.charCodeAt(at + 1)
  if (next !== SLASH && next !== ASTERISK) return at
  const end = text.indexOf(next === SLASH ? '\n' : '*/', at + 2)
  return end === -1 ? text.length : next === SLASH ? end : end + 1
}
