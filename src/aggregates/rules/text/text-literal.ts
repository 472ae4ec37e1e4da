const ESCAPES: { readonly [letter: string]: string } = { n: '\n', r: '\r', t: '\t', '"': '"', "'": "'", '\\': '\\' }
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{6})|([nrt"'\\]))/g

/** What stands between the quotation marks, with FEEL's escapes taken for what they mean. Undefined: half of a character, or none. */
export function unescaped(text: string): string | undefined {
  const plain = text.replace(ESCAPE, (_, unit?: string, point?: string, letter?: string) => {
    if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16))
    if (point === undefined) return ESCAPES[letter as string] as string
    const codePoint = Number.parseInt(point, 16)
    return codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : '\ud800'
  })
  return plain.isWellFormed() ? plain : undefined
}

/** Controls are written as escapes: a text stays on its line. */
export function textLiteral(text: string): string {
  let literal = ''
  for (const character of text) {
    const code = character.charCodeAt(0)
    if (character === '"' || character === '\\') literal += `\\${character}`
    else if (character === '\n') literal += '\\n'
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029) {
      literal += `\\u${code.toString(16).padStart(4, '0')}`
    } else literal += character
  }
  return `"${literal}"`
}
