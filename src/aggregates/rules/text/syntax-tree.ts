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
const TYPES = parser.nodeSet.types
const COMMENTS = termsNamed('LineComment', 'BlockComment')
const [VARIABLE] = termsNamed('VariableName')
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
 * The syntax tree of a text. Requires a text that scan.ts has passed. What is in brackets is parsed by itself, and
 * outside a name of the same length stands for it. The reason: the parser learns only at the end of a bracket whether
 * it opens an interval, and among many long readings it keeps the wrong ones.
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
  const top = feel.parse(text)
  addNode(tree, parts, -1, top.type.id, offset, offset + top.length)
  // What is still to be gone through of the trees on the way, innermost last: a loop, however deep they stand in each other.
  const levels = [{ above: 0, next: 0, start: offset, tree: top }]
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const child = level.tree.children[level.next]
    if (child === undefined) {
      levels.pop()
      continue
    }
    const start = level.start + (level.tree.positions[level.next] as number)
    level.next++
    if ('buffer' in child) addBuffer(tree, parts, level.above, child.buffer, start)
    else if (child.type.isAnonymous) levels.push({ above: level.above, next: 0, start, tree: child })
    else {
      const place = addNode(tree, parts, level.above, child.type.id, start, start + child.length)
      if (place !== undefined) levels.push({ above: place, next: 0, start, tree: child })
    }
  }
  return tree
}

/** How many numbers the buffer has for each node: its type, where it begins and ends, and where what is below it ends in the buffer. */
const BUFFERED = 4

/** Nodes that stand together, in the order in which they begin. `start`: of their text. */
function addBuffer(
  tree: Growing,
  parts: ReadonlyMap<number, Growing>,
  above: number,
  buffer: Uint16Array,
  start: number,
): void {
  const open: { readonly end: number; readonly place: number }[] = []
  for (let at = 0; at < buffer.length; ) {
    while (open.length > 0 && (open[open.length - 1] as { end: number }).end <= at) open.pop()
    const [id, from, to, end] = [buffer[at], buffer[at + 1], buffer[at + 2], buffer[at + 3]] as Four
    const parent = open[open.length - 1]?.place ?? above
    const place = addNode(tree, parts, parent, id, start + from, start + to)
    if (place === undefined) at = end
    else {
      if (end > at + BUFFERED) open.push({ end, place })
      at += BUFFERED
    }
  }
}

type Four = readonly [number, number, number, number]

/** Its place; undefined: nothing below it belongs to the tree. */
function addNode(
  tree: Growing,
  parts: ReadonlyMap<number, Growing>,
  above: number,
  id: number,
  from: number,
  to: number,
): number | undefined {
  if (COMMENTS.has(id)) return undefined
  const part = id === VARIABLE && parts.size > 0 ? parts.get(from) : undefined
  if (part !== undefined) {
    append(tree, part, above)
    return undefined
  }
  const type = TYPES[id] as (typeof TYPES)[number]
  if (type.isError) tree.error ??= { from, to }
  const place = tree.names.length
  tree.children[above]?.push(place)
  tree.names.push(type.name)
  tree.from.push(from)
  tree.to.push(to)
  tree.children.push([])
  return place
}

function append(tree: Growing, part: Growing, above: number): void {
  const base = tree.names.length
  tree.children[above]?.push(base)
  tree.names.push(...part.names)
  tree.from.push(...part.from)
  tree.to.push(...part.to)
  for (const children of part.children) tree.children.push(children.map((child) => child + base))
}

export function childrenOf(tree: SyntaxTree, place: number): readonly number[] {
  return tree.children[place] ?? NONE
}
