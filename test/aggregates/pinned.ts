import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'

/** Where every machine, under every runtime and for ever, must come to the same bytes. */
export const PURE_FOLDERS = ['src/events', 'src/merkle', 'src/aggregates', 'src/agreement']

/**
 * Unicode's stability policy makes the first safe for code points that are assigned in a pinned table. The others make a tree
 * out of a text, at one node, for people: what counts is the tree.
 */
const EXEMPT: Readonly<Record<string, readonly string[]>> = {
  'src/aggregates/names/normal-form.ts': ['normalize'],
  'src/aggregates/rules/compile.ts': ['trimEnd'],
  'src/aggregates/rules/text/drafting.ts': ['a Unicode class'],
  'src/aggregates/rules/text/segments.ts': ['a Unicode class'],
  'src/aggregates/rules/text/suggest.ts': ['a Unicode class'],
  'src/aggregates/rules/text/syntax-tree.ts': ['a Unicode class'],
}
/** A copy that is pinned, and never hands over to the runtime's. */
const PINNED_TEMPORAL = /^import (?:type )?\{ (?:type )?Temporal \} from 'temporal-polyfill\/implementation'$/m

/** What follows from tables of the runtime, which change with it, or from its clock and locale. */
const OF_THE_RUNTIME: ReadonlySet<string> = new Set([
  'Intl',
  'Date',
  'Temporal',
  'performance',
  'localeCompare',
  'normalize',
  'toLocaleDateString',
  'toLocaleLowerCase',
  'toLocaleString',
  'toLocaleTimeString',
  'toLocaleUpperCase',
  'toLowerCase',
  'toUpperCase',
  'trim',
  'trimEnd',
  'trimLeft',
  'trimRight',
  'trimStart',
])
/** ECMA-262 leaves all others to the implementation, or to chance. */
const EXACT_MATH: ReadonlySet<string> = new Set('abs ceil clz32 floor imul max min round sign trunc'.split(' '))
/** Properties of code points, white space by the runtime's table, and letters that fold into each other. */
const UNICODE_CLASS = /\\[pP]\{|\\[sS]/

export interface Finding {
  /** `file:line`, from 1. */
  readonly place: string
  readonly what: string
}

/** What in this source is not the same under every runtime. `file`: its path from the root of the repository. */
export function unpinnedIn(file: string, text: string): Finding[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const findings: Finding[] = []
  const isTemporalPinned = PINNED_TEMPORAL.test(text)
  const found = (node: ts.Node, what: string) => {
    if (EXEMPT[file]?.includes(what) || (what === 'Temporal' && isTemporalPinned)) return
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
    findings.push({ place: `${file}:${line + 1}`, what })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && OF_THE_RUNTIME.has(node.text)) found(node, node.text)
    if (ts.isElementAccessExpression(node) && isText(node.argumentExpression)) {
      if (OF_THE_RUNTIME.has(node.argumentExpression.text)) found(node, node.argumentExpression.text)
    }
    if (isMath(node)) {
      const member = memberOf(node.parent, node)
      if (member === undefined || !EXACT_MATH.has(member)) found(node, `Math.${member ?? '?'}`)
    }
    if (ts.isBinaryExpression(node) && isPower(node.operatorToken.kind) && !isExactPower(node, source)) {
      found(node, '**')
    }
    if (ts.isRegularExpressionLiteral(node)) {
      const flags = node.text.slice(node.text.lastIndexOf('/') + 1)
      if (UNICODE_CLASS.test(node.text)) found(node, 'a Unicode class')
      if (flags.includes('i')) found(node, 'letters of either case')
    }
    if (isText(node) && UNICODE_CLASS.test(node.text)) found(node, 'a Unicode class')
    ts.forEachChild(node, visit)
  }
  visit(source)
  return findings
}

function isText(node: ts.Node): node is ts.LiteralLikeNode {
  return ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)
}

function isMath(node: ts.Node): node is ts.Identifier {
  return ts.isIdentifier(node) && node.text === 'Math'
}

/** Undefined where `Math` is handed on as a whole, or taken apart. */
function memberOf(parent: ts.Node, math: ts.Identifier): string | undefined {
  return ts.isPropertyAccessExpression(parent) && parent.expression === math ? parent.name.text : undefined
}

function isPower(kind: ts.SyntaxKind): boolean {
  return kind === ts.SyntaxKind.AsteriskAsteriskToken || kind === ts.SyntaxKind.AsteriskAsteriskEqualsToken
}

/** Of 2, and of big integers: the two kinds of numbers never mix. */
function isExactPower({ left, right }: ts.BinaryExpression, source: ts.SourceFile): boolean {
  return (
    left.getText(source) === '2' ||
    [left, right].some((operand) => /^(?:\d+n|BigInt\(.*\))$/s.test(operand.getText(source)))
  )
}

/** Of all sources in a folder, and below. */
export function unpinnedUnder(root: string, folder: string): Finding[] {
  const names = readdirSync(`${root}/${folder}`, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
  return files.sort().flatMap((file) => unpinnedIn(file, readFileSync(`${root}/${file}`, 'utf8')))
}
