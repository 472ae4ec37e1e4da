import { parser } from '@bpmn-io/lezer-feel'
import { ContextTracker } from '@lezer/lr'
import { endOfVerbatim } from './scan.ts'
import { segmentsOf } from './segments.ts'

/** The words of a name that have been read: what the tokenizers ask, where they would ask for the names of a document. */
class Words {
  static readonly none = new Words([])
  readonly tokens: readonly string[]
  constructor(tokens: readonly string[]) {
    this.tokens = tokens
  }

  contextCache(): typeof NO_NAMES {
    return NO_NAMES
  }
}
const NO_NAMES = { keys: new Set<string>(), prefixes: new Set<string>() }

const WORDS = termsNamed('Identifier')
const NAMES = termsNamed('VariableName', 'PathName', 'Name')

function termsNamed(...names: readonly string[]): ReadonlySet<number> {
  return new Set(parser.nodeSet.types.filter(({ name }) => names.includes(name)).map(({ id }) => id))
}

// Names of the document are no part of it: with them, what a rule means would depend on what else is called how, and a
// contract of 10,000 fields would parse ten rules a second. The tracker of lezer-feel follows the values of variables as well.
const feel = parser.configure({
  dialect: 'camunda',
  top: 'Expression',
  contextTracker: new ContextTracker<Words>({
    start: Words.none,
    reduce(words, term) {
      if (WORDS.has(term)) return new Words([...words.tokens, ''])
      return NAMES.has(term) && words.tokens.length > 0 ? Words.none : words
    },
  }),
})

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
  if (!/(?:date|time|duration)\s*\(/.test(text)) return text
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

/** Nodes as they are appended. */
interface Growing {
  readonly names: string[]
  readonly from: number[]
  readonly to: number[]
  readonly children: number[][]
  error: SyntaxTree['error']
}

/**
 * Requires a text that scan.ts has passed. What stands in brackets is parsed by itself, and a name of the same length stands for it
 * outside: whether a bracket opens an interval the parser knows only at its end, and of too many readings that have become long it
 * keeps the wrong ones.
 */
export function syntaxTreeOf(text: string): SyntaxTree {
  let plain = withPlainCalls(text)
  const parts = new Map<number, Growing>()
  for (const { from, to } of segmentsOf(plain)) {
    const part = treeOf(plain.slice(from, to), from, parts)
    // It may be a comment alone; and what is wrong is said once, of the whole.
    if (part.error !== undefined) continue
    parts.set(from, part)
    plain = `${plain.slice(0, from)}${'_'.repeat(to - from)}${plain.slice(to)}`
  }
  return treeOf(plain, 0, parts)
}

/** `offset`: where the text stands in the whole. */
function treeOf(text: string, offset: number, parts: ReadonlyMap<number, Growing>): Growing {
  const tree: Growing = { names: [], from: [], to: [], children: [], error: undefined }
  const path: number[] = []
  const cursor = feel.parse(text).cursor()
  for (;;) {
    const [name, from, to] = [cursor.name, cursor.from + offset, cursor.to + offset]
    if (cursor.type.isError) tree.error ??= { from, to }
    const part = name === 'VariableName' ? parts.get(from) : undefined
    if (part !== undefined) append(tree, part, path.at(-1))
    else if (name !== 'LineComment' && name !== 'BlockComment') {
      const place = tree.names.length
      tree.children[path.at(-1) ?? -1]?.push(place)
      tree.names.push(name)
      tree.from.push(from)
      tree.to.push(to)
      tree.children.push([])
      if (cursor.firstChild()) {
        path.push(place)
        continue
      }
    }
    while (!cursor.nextSibling()) {
      if (!cursor.parent()) return tree
      path.pop()
    }
  }
}

function append(tree: Growing, part: Growing, above: number | undefined): void {
  const base = tree.names.length
  tree.children[above ?? -1]?.push(base)
  tree.names.push(...part.names)
  tree.from.push(...part.from)
  tree.to.push(...part.to)
  for (const children of part.children) tree.children.push(children.map((child) => child + base))
}

export function childrenOf(tree: SyntaxTree, place: number): readonly number[] {
  return tree.children[place] ?? NONE
}
