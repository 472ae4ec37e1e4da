/** How much structure a JSON text may have (decision 0078). */
export interface JsonBounds {
  /** Arrays and objects within one another. */
  readonly depthMax: number
  /** Members of objects and elements of arrays, all together. */
  readonly membersMax: number
  /** Of one object or array. Left out: as all together. A parser takes microseconds for a name that it has not met yet. */
  readonly widthMax?: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const [OPENING_BRACKET, CLOSING_BRACKET] = [0x5b, 0x5d]
const [OPENING_BRACE, CLOSING_BRACE] = [0x7b, 0x7d]

/**
 * Which bound a JSON text exceeds; undefined: none. Attacker-controlled: `text`, whole; it need not be JSON. To be asked before
 * the text is parsed: a few megabytes of brackets become hundreds in memory. Time linear in the text, next to no memory.
 */
export function exceededBound(
  text: string,
  { depthMax, membersMax, widthMax = membersMax }: JsonBounds,
): keyof JsonBounds | undefined {
  let depth = 0
  let members = 0
  /** Of the arrays and objects that are open, by depth. */
  const widths = [0]
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at)
        break
      case COMMA:
        if (++members > membersMax) return 'membersMax'
        widths[depth] = (widths[depth] as number) + 1
        if ((widths[depth] as number) > widthMax) return 'widthMax'
        break
      case OPENING_BRACKET:
      case OPENING_BRACE:
        // Its first member has no comma before it.
        if (++members > membersMax) return 'membersMax'
        if (++depth > depthMax) return 'depthMax'
        widths[depth] = 1
        break
      case CLOSING_BRACKET:
      case CLOSING_BRACE:
        if (depth > 0) depth--
    }
  }
  return undefined
}

/** Where the string that begins at `start` has its closing quote, or the end of the text. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end
    while (text.charCodeAt(before - 1) === BACKSLASH) before--
    // Each escape is a pair that begins with a backslash.
    if ((end - before) % 2 === 0) return end
  }
  return text.length
}
