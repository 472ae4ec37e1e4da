import { nfc, nfd } from './normal-form.ts'
import { type CodePoints, includes, unpackCodePoints, unpackMapping } from './packed-tables.ts'

/** Packed: see `packed-tables.ts`. */
export interface NameTables {
  /** Code points that no text has which several parties read. */
  readonly refused: string
  /** Combining marks: they change what stands before them. */
  readonly marks: string
  /** UTS 39 confusables, closed: what stands for a code point stands for itself. */
  readonly confusables: string
}

/** Why a text is not one that several parties can read alike. `at` counts code points from 0. */
export type TextFault =
  | { readonly kind: 'empty' }
  | { readonly kind: 'reserved' }
  | {
      readonly kind: 'refused_character' | 'leading_mark' | 'space_at_end' | 'two_spaces' | 'not_nfc'
      readonly at: number
      readonly codePoint: number
    }

const SPACE = 0x20
/** They separate the steps of a path, escape, quote, or name a command (`#n`). */
const SYNTAX: ReadonlySet<number> = new Set([...'/~#`\\'].map((character) => character.charCodeAt(0)))
/** Steps of paths that mean something else. */
const RESERVED: ReadonlySet<string> = new Set(['.', '..', '_'])

interface Confusables {
  /** What each code point stands for, but for those that stand for themselves. */
  readonly prototypes: ReadonlyMap<string, string>
  /** The same of all of ASCII, by its codes. */
  readonly ascii: readonly string[]
}

/**
 * The rules for names, and for other texts that several parties read: which are allowed, and which can be taken for
 * each other. They belong to one engine and depend on its tables alone, and on normal forms, which are the same
 * everywhere for what the tables allow (decision 0003).
 */
export class NameRules {
  readonly #refused: CodePoints
  readonly #marks: CodePoints
  readonly #packedConfusables: string
  /** Unpacked when the first skeleton is asked for: that takes milliseconds, and most commands never need it. */
  #confusables: Confusables | undefined

  constructor({ refused, marks, confusables }: NameTables) {
    this.#refused = unpackCodePoints(refused)
    this.#marks = unpackCodePoints(marks)
    this.#packedConfusables = confusables
  }

  /** Titles, names of parties, options. The first fault, or undefined. Attacker-controlled: `text`, any string. */
  textFault(text: string): TextFault | undefined {
    return this.#fault(text, false)
  }

  /** Whether no text that several parties read has it. Requires one code point. */
  isRefused(character: string): boolean {
    return includes(this.#refused, character.codePointAt(0) as number)
  }

  /** Names of elements: a text that can be a step of a path. */
  elementNameFault(name: string): TextFault | undefined {
    return this.#fault(name, true) ?? (RESERVED.has(name) ? { kind: 'reserved' } : undefined)
  }

  /**
   * Two texts without a fault can be taken for each other if this is the same (UTS 39 §4: NFD, each code point by its
   * prototype, NFD). Nothing to show to anybody.
   */
  skeleton(text: string): string {
    this.#confusables ??= confusablesFrom(this.#packedConfusables)
    const { ascii, prototypes } = this.#confusables
    let skeleton = ''
    for (let place = 0; place < text.length; place++) {
      const prototype = ascii[text.charCodeAt(place)]
      if (prototype === undefined) return wholeSkeleton(text, prototypes)
      skeleton += prototype
    }
    return skeleton
  }

  #fault(text: string, isElementName: boolean): TextFault | undefined {
    if (text === '') return { kind: 'empty' }
    let at = 0
    let before = SPACE
    for (const character of text) {
      const codePoint = character.codePointAt(0) as number
      if (includes(this.#refused, codePoint)) return { kind: 'refused_character', at, codePoint }
      if (isElementName && SYNTAX.has(codePoint)) return { kind: 'refused_character', at, codePoint }
      if (at === 0 && includes(this.#marks, codePoint)) return { kind: 'leading_mark', at, codePoint }
      if (codePoint === SPACE && before === SPACE)
        return { kind: at === 0 ? 'space_at_end' : 'two_spaces', at, codePoint }
      before = codePoint
      at++
    }
    if (before === SPACE) return { kind: 'space_at_end', at: at - 1, codePoint: SPACE }
    const composed = nfc(text)
    return composed === text ? undefined : notComposed(text, composed)
  }
}

function notComposed(text: string, composed: string): TextFault {
  const right = [...composed]
  let at = 0
  for (const character of text) {
    if (character !== right[at]) return { kind: 'not_nfc', at, codePoint: character.codePointAt(0) as number }
    at++
  }
  return { kind: 'not_nfc', at, codePoint: (right[at] ?? '').codePointAt(0) ?? 0 }
}

function confusablesFrom(packed: string): Confusables {
  const prototypes = unpackMapping(packed)
  const ascii = Array.from({ length: 0x80 }, (_, code) => {
    const character = String.fromCharCode(code)
    return prototypes.get(character) ?? character
  })
  return { prototypes, ascii }
}

function wholeSkeleton(text: string, prototypes: ReadonlyMap<string, string>): string {
  return nfd([...nfd(text)].map((character) => prototypes.get(character) ?? character).join(''))
}
