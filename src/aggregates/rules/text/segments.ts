import { endOfVerbatim, isClosing, isOpening } from './scan.ts'

/** A part of the text that is an expression by itself: what stands in brackets, or between two commas there. */
export interface Segment {
  readonly from: number
  readonly to: number
}

/** Shorter ones are not worth a parse of their own. */
const LENGTH_MIN = 40
const WORD = /[A-Za-z]+/y
const [BRACE, COMMA, COLON, DOT] = [0x7b, 0x2c, 0x3a, 0x2e]

function isLetter(code: number): boolean {
  return (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a
}

interface Group {
  /** Where its parts begin. */
  readonly starts: number[]
  /** Has what makes its parts something else than expressions: a range, a name with a colon. */
  isOther: boolean
  /** Has a condition on the items of lists: between commas there may be one of the lists alone. */
  isQuantified: boolean
}

/** Inner ones first. */
export function segmentsOf(text: string): readonly Segment[] {
  const segments: Segment[] = []
  if (text.length < LENGTH_MIN) return segments
  const groups: Group[] = []
  for (let at = 0; at < text.length; at++) {
    const end = endOfVerbatim(text, at)
    if (end !== at) {
      at = end
      continue
    }
    const code = text.charCodeAt(at)
    const group = groups[groups.length - 1]
    if (isOpening(code)) groups.push({ starts: [at + 1], isOther: code === BRACE, isQuantified: false })
    else if (isClosing(code)) {
      if (group !== undefined) segments.push(...partsOf(text, group, at))
      groups.pop()
    } else if (group !== undefined) {
      if (code === COMMA) group.starts.push(at + 1)
      else if (code === COLON || (code === DOT && text.charCodeAt(at + 1) === DOT)) group.isOther = true
      else if (isLetter(code)) at = endOfWord(text, at, group)
    }
  }
  return segments
}

function endOfWord(text: string, at: number, group: Group): number {
  WORD.lastIndex = at
  const [word = ''] = WORD.exec(text) ?? []
  if (word === 'some' || word === 'every' || word === 'for' || word === 'function') group.isQuantified = true
  return at + word.length - 1
}

function partsOf(text: string, { starts, isOther, isQuantified }: Group, end: number): Segment[] {
  if (isOther || (isQuantified && starts.length > 1) || end - (starts[0] as number) < LENGTH_MIN) return []
  return starts
    .map((from, n) => ({ from, to: starts[n + 1] === undefined ? end : (starts[n + 1] as number) - 1 }))
    .filter(({ from, to }) => to - from >= LENGTH_MIN && !/^\s*[<>=!]/.test(text.slice(from, to)))
}
