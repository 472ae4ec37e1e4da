import { endOfVerbatim } from './scan.ts'

/** A part of the text that is an expression by itself: what stands in brackets, or between two commas there. */
export interface Segment {
  readonly from: number
  readonly to: number
}

/** Shorter ones are not worth a parse of their own. */
const LENGTH_MIN = 40
const WORD = /[A-Za-z]+/y

interface Group {
  /** Where its parts begin. */
  readonly starts: number[]
  /** Has what makes its parts something else than expressions: a range, a name with a colon, a condition on several lists. */
  isOther: boolean
}

/** Inner ones first. */
export function segmentsOf(text: string): readonly Segment[] {
  const segments: Segment[] = []
  const groups: Group[] = []
  for (let at = 0; at < text.length; at++) {
    const end = endOfVerbatim(text, at)
    if (end !== at) {
      at = end
      continue
    }
    const character = text[at] as string
    const group = groups[groups.length - 1]
    if ('([{'.includes(character)) groups.push({ starts: [at + 1], isOther: character === '{' })
    else if (')]}'.includes(character)) {
      if (group !== undefined) segments.push(...partsOf(text, group, at))
      groups.pop()
    } else if (group !== undefined) {
      if (character === ',') group.starts.push(at + 1)
      else if (character === ':' || text.startsWith('..', at)) group.isOther = true
      else at = endOfWord(text, at, group)
    }
  }
  return segments
}

function endOfWord(text: string, at: number, group: Group): number {
  WORD.lastIndex = at
  const [word] = WORD.exec(text) ?? []
  if (word === undefined) return at
  if (word === 'some' || word === 'every' || word === 'for' || word === 'function') group.isOther = true
  return at + word.length - 1
}

function partsOf(text: string, { starts, isOther }: Group, end: number): Segment[] {
  if (isOther) return []
  return starts
    .map((from, n) => ({ from, to: starts[n + 1] === undefined ? end : (starts[n + 1] as number) - 1 }))
    .filter(({ from, to }) => to - from >= LENGTH_MIN && !/^\s*[<>=!]/.test(text.slice(from, to)))
}
