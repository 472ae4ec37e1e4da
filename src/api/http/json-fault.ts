import { unreachable } from '../../runtime/assert.ts'

/** What may stand next. */
type Next = 'value' | 'value or end' | 'name' | 'name or end' | 'colon' | 'comma or end' | 'nothing'

const LITERALS = ['true', 'false', 'null']

/**
 * `line 2, column 7`: where a text stops being JSON (RFC 8259), or its end where it ends too soon. Both count from 1, columns in UTF-16 code
 * units. Undefined: it is JSON. Of much that V8 refuses it names no place. Attacker-controlled: `text`, whole. Time linear in the text,
 * memory in how deep it is nested. Written here, since no package names the place where it stops: jsonc-parser 3 gives the beginning of
 * the string that is broken, and recurses; momoa 3 takes line ends in strings, and makes 300 MB of 2 MB of digits.
 */
export function placeOfFault(text: string): string | undefined {
  const at = new Scan(text).fault()
  if (at === undefined) return undefined
  let line = 1
  let start = 0
  for (let end = 0; end < at; end++) {
    const isEnd = text[end] === '\n' || (text[end] === '\r' && text[end + 1] !== '\n')
    if (!isEnd) continue
    line++
    start = end + 1
  }
  return `line ${line}, column ${at - start + 1}`
}

/** Goes through a text as far as it is JSON. Each `take…` says whether it has found what it takes; else `#at` is where that could not go on. */
class Scan {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Where it stops being JSON; undefined: it is. */
  fault(): number | undefined {
    /** Whether each that is open is an object, or else an array. */
    const open: boolean[] = []
    let next: Next = 'value'
    for (;;) {
      this.#skip(' \t\n\r')
      const character = this.#text[this.#at]
      if (character === undefined) return next === 'nothing' ? undefined : this.#at
      const isObject = open.at(-1)
      if (next.endsWith('or end') && character === (isObject ? '}' : ']')) {
        open.pop()
        this.#at++
        next = open.length === 0 ? 'nothing' : 'comma or end'
        continue
      }
      switch (next) {
        case 'nothing':
          return this.#at
        case 'comma or end':
          if (!this.#take(',')) return this.#at
          next = isObject ? 'name' : 'value'
          break
        case 'colon':
          if (!this.#take(':')) return this.#at
          next = 'value'
          break
        case 'name':
        case 'name or end':
          if (!this.#takeString()) return this.#at
          next = 'colon'
          break
        case 'value':
        case 'value or end':
          if (character === '{' || character === '[') {
            open.push(character === '{')
            this.#at++
            next = character === '{' ? 'name or end' : 'value or end'
          } else if (this.#takeScalar(character)) next = open.length === 0 ? 'nothing' : 'comma or end'
          else return this.#at
          break
        default:
          return unreachable(next)
      }
    }
  }

  #takeScalar(first: string): boolean {
    if (first === '"') return this.#takeString()
    const literal = LITERALS.find((one) => one.startsWith(first))
    return literal === undefined ? this.#takeNumber() : this.#take(literal)
  }

  #takeNumber(): boolean {
    this.#takeOne('-')
    if (!this.#takeOne('0') && !this.#takeDigits()) return false
    if (this.#takeOne('.') && !this.#takeDigits()) return false
    if (!this.#takeOne('eE')) return true
    this.#takeOne('+-')
    return this.#takeDigits()
  }

  #takeString(): boolean {
    if (!this.#take('"')) return false
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined || character < ' ') return false
      this.#at++
      if (character === '"') return true
      if (character === '\\' && !this.#takeEscape()) return false
    }
  }

  /** What stands behind a backslash. */
  #takeEscape(): boolean {
    if (this.#takeOne('"\\/bfnrt')) return true
    if (!this.#take('u')) return false
    for (let digit = 0; digit < 4; digit++) if (!this.#takeOne('0123456789abcdefABCDEF')) return false
    return true
  }

  #takeDigits(): boolean {
    const isThere = this.#takeOne('0123456789')
    this.#skip('0123456789')
    return isThere
  }

  /** All of these, one behind the other. */
  #take(characters: string): boolean {
    for (const character of characters) if (!this.#takeOne(character)) return false
    return true
  }

  /** One of these. */
  #takeOne(characters: string): boolean {
    const character = this.#text[this.#at]
    if (character === undefined || !characters.includes(character)) return false
    this.#at++
    return true
  }

  /** As many of these as there are. */
  #skip(characters: string): void {
    while (this.#takeOne(characters)) {}
  }
}
