import { nameRules } from '../../names/engine-1.ts'

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

/**
 * What nobody sees, or what turns the direction of writing, is written as an escape, so that whoever votes reads what is judged: all
 * that no name may have either. A text stays on its line.
 */
export function textLiteral(text: string): string {
  let literal = ''
  for (const character of text) {
    if (character === '"' || character === '\\') literal += `\\${character}`
    else if (character === '\n') literal += '\\n'
    else literal += nameRules.isRefused(character) ? escapeOf(character.codePointAt(0) as number) : character
  }
  return `"${literal}"`
}

function escapeOf(codePoint: number): string {
  const digits = codePoint.toString(16)
  return codePoint <= 0xffff ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(6, '0')}`
}
