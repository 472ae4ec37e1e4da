import { parser } from '@bpmn-io/lezer-feel'
import { endOfVerbatim } from './scan.ts'

// Names of the document are no part of it: with them, what a rule means would depend on what else is called how, and a
// contract of 10,000 fields would parse ten rules a second.
const feel = parser.configure({ dialect: 'camunda', top: 'Expression' })

/** The nodes of a text in the order in which they begin, without comments. */
export interface SyntaxTree {
  readonly names: readonly string[]
  readonly from: readonly number[]
  readonly to: readonly number[]
  /** Places of the children of each. */
  readonly children: readonly (readonly number[])[]
  /** Where it stops being an expression. */
  readonly error: { readonly from: number; readonly to: number } | undefined
}

const NONE: readonly number[] = []
/** Functions whose names are keywords, or have `and` in them. */
const KEYWORD_CALL = /(?<!\w)(?:years\s+and\s+months\s+duration|date\s+and\s+time|date|time|duration)(?=\s*\()/y

/**
 * The text with such names as plain ones of the same length. The parser follows every reading of them at once, and in a long
 * expression gives up the right one; nothing but their length matters, for names are read from the text itself.
 */
function withPlainCalls(text: string): string {
  let plain = ''
  let done = 0
  for (let at = 0; at < text.length; at++) {
    const end = endOfVerbatim(text, at)
    KEYWORD_CALL.lastIndex = at
    const [name] = (end === at && KEYWORD_CALL.exec(text)) || []
    if (name === undefined) at = end
    else {
      plain += `${text.slice(done, at)}${'_'.repeat(name.length)}`
      done = at + name.length
      at = done - 1
    }
  }
  return plain + text.slice(done)
}

/** Requires a text that scan.ts has passed. */
export function syntaxTreeOf(text: string): SyntaxTree {
  const names: string[] = []
  const from: number[] = []
  const to: number[] = []
  const children: number[][] = []
  const path: number[] = []
  let error: SyntaxTree['error']
  const cursor = feel.parse(withPlainCalls(text)).cursor()
  for (;;) {
    const { name, type } = cursor
    if (type.isError) error ??= { from: cursor.from, to: cursor.to }
    const place = names.length
    if (name !== 'LineComment' && name !== 'BlockComment') {
      const above = path[path.length - 1]
      if (above !== undefined) (children[above] as number[]).push(place)
      names.push(name)
      from.push(cursor.from)
      to.push(cursor.to)
      children.push([])
      if (cursor.firstChild()) {
        path.push(place)
        continue
      }
    }
    while (!cursor.nextSibling()) {
      if (!cursor.parent()) return { names, from, to, children, error }
      path.pop()
    }
  }
}

export function childrenOf(tree: SyntaxTree, place: number): readonly number[] {
  return tree.children[place] ?? NONE
}
