import type { ElementId } from '../../events/ids.ts'

/**
 * An expression as it is voted and evaluated: its nodes in post-order, each an operator, what it carries, and the places of
 * its operands in the array. So depth of nesting is no depth of JSON, and every walk is a loop. docs/rules.md has each node.
 *
 * `Premium * 0.1` at a block whose child 3 is `Premium`:
 * `{"language": 1, "nodes": [["ref", "0.3"], ["number", "0.1"], ["*", 0, 1]]}`
 */
export interface Ast {
  readonly language: number
  readonly nodes: readonly AstNode[]
}

/** Places in the array. */
type Place = number

export type Arithmetic = '+' | '-' | '*' | '/' | '**'
export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>='

export type AstNode =
  | readonly ['null' | 'true' | 'false']
  /** In their one written form. */
  | readonly ['number' | 'text' | 'date' | 'date-time' | 'duration', string]
  /** An element from the root: below the rule's own block, of the entry that the rule is evaluated for. */
  | readonly ['ref', ElementId]
  /** The current item of a list: of the innermost `each`, or of one that many levels further out. */
  | readonly ['item', number]
  /** A child of a block, or of each block of a list. */
  | readonly ['path', ElementId, Place]
  | readonly ['property', string, Place]
  | readonly ['neg', Place]
  | readonly [Arithmetic | Comparison | 'and' | 'or' | 'in', Place, Place]
  | readonly ['between', Place, Place, Place]
  /** Of `in`. */
  | readonly ['test', Comparison, Place]
  | readonly ['tests' | 'list', ...Place[]]
  /** `[` and `]`: the end belongs to it. */
  | readonly ['range', '[' | '(', ']' | ')', Place, Place]
  | readonly ['if', Place, Place, Place]
  /** Stands between a list and what is asked of each of its items. */
  | readonly ['each', Place]
  | readonly ['each as', string, Place]
  | readonly ['filter' | 'some' | 'every', Place, Place]
  | readonly ['call', string, ...Place[]]

export type Operator = AstNode[0]

/** How many texts or numbers stand before the operands, and how many operands. */
export const forms: { readonly [op in Operator]: { readonly data: number; readonly operands: number | 'many' } } = {
  null: { data: 0, operands: 0 },
  true: { data: 0, operands: 0 },
  false: { data: 0, operands: 0 },
  number: { data: 1, operands: 0 },
  text: { data: 1, operands: 0 },
  date: { data: 1, operands: 0 },
  'date-time': { data: 1, operands: 0 },
  duration: { data: 1, operands: 0 },
  ref: { data: 1, operands: 0 },
  item: { data: 1, operands: 0 },
  path: { data: 1, operands: 1 },
  property: { data: 1, operands: 1 },
  neg: { data: 0, operands: 1 },
  '+': { data: 0, operands: 2 },
  '-': { data: 0, operands: 2 },
  '*': { data: 0, operands: 2 },
  '/': { data: 0, operands: 2 },
  '**': { data: 0, operands: 2 },
  '=': { data: 0, operands: 2 },
  '!=': { data: 0, operands: 2 },
  '<': { data: 0, operands: 2 },
  '<=': { data: 0, operands: 2 },
  '>': { data: 0, operands: 2 },
  '>=': { data: 0, operands: 2 },
  and: { data: 0, operands: 2 },
  or: { data: 0, operands: 2 },
  in: { data: 0, operands: 2 },
  between: { data: 0, operands: 3 },
  test: { data: 1, operands: 1 },
  tests: { data: 0, operands: 'many' },
  list: { data: 0, operands: 'many' },
  range: { data: 2, operands: 2 },
  if: { data: 0, operands: 3 },
  each: { data: 0, operands: 1 },
  'each as': { data: 1, operands: 1 },
  filter: { data: 0, operands: 2 },
  some: { data: 0, operands: 2 },
  every: { data: 0, operands: 2 },
  call: { data: 1, operands: 'many' },
}

export function operandsOf(node: AstNode): readonly Place[] {
  return node.slice(1 + forms[node[0]].data) as Place[]
}

/** The nodes whose item `['item', up]` at this place is, or undefined. `open`: the `each` that are open there, outermost first. */
export function binderOf(up: number, open: readonly Place[]): Place | undefined {
  return open[open.length - 1 - up]
}
