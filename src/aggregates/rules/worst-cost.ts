import { type AstNode, operandsOf } from './ast.ts'
import type { Schema, SchemaElement } from './schema.ts'
import type { Typer } from './typer.ts'
import type { RuleType } from './types.ts'
import { MODULO_STEPS_MAX, Num, powerStepsMax } from './values/numbers.ts'

/** Texts are taken for as long as this; a longer one costs a step more for each 64 units. */
const TEXT_STEPS = 16

/** What a node can cost and be at most: steps, items of the list that it is, and things in it all together. */
interface Bound {
  readonly steps: number
  readonly items: number
  readonly leaves: number
}

/** Functions that compare each item with each other. */
const QUADRATIC = new Set(['distinct values', 'union'])
/** Functions that give a list of what they were given. */
const LISTS = new Set([
  ...['append', 'concatenate', 'union', 'insert before', 'remove', 'reverse', 'distinct values', 'sublist'],
  ...['index of', 'mode', 'flatten', 'min', 'max'],
])

/**
 * The most steps that evaluating can take in a document whose lists are full: for a warning before a rule is published. Texts
 * are assumed to have at most 1,024 units. Infinity: nothing bounds it but the budget. Requires a tree without faults.
 */
export function worstCost({ nodes, schema, types }: Pick<Typer, 'nodes' | 'schema' | 'types'>): number {
  const bounds: Bound[] = []
  for (const [place, node] of nodes.entries()) {
    const operands = operandsOf(node).map((operand) => bounds[operand] as Bound)
    const typeAt = (operand: number) => types[operand] as RuleType
    const own =
      node[0] === '**'
        ? { ...ONE, steps: 1 + powerBound(nodes[node[2]]) }
        : boundOf(node, operands, types[place] as RuleType, schema, typeAt)
    bounds.push({ ...own, steps: own.steps + operands.reduce((sum, { steps }) => sum + steps, 0) })
  }
  return (bounds.at(-1) as Bound).steps
}

const ONE: Bound = { steps: 1, items: 1, leaves: 1 }

function boundOf(
  node: AstNode,
  operands: readonly Bound[],
  type: RuleType,
  schema: Schema,
  typeAt: (place: number) => RuleType,
): Bound {
  const [first = ONE, second = ONE, third = ONE] = operands
  switch (node[0]) {
    case 'ref': {
      const items = Math.max(1, capacityOf(schema.element(node[1])))
      return { steps: 1 + items, items, leaves: items }
    }
    case 'path': {
      const inner = Math.max(1, capacityOf(schema.element(node[1])))
      return { steps: 1 + first.items * (1 + inner), items: first.items * inner, leaves: first.leaves * inner }
    }
    case 'property':
      return { ...first, steps: 1 + first.items }
    case 'each':
    case 'each as': {
      const isRange = typeAt(node[0] === 'each' ? node[1] : node[2]).kind !== 'list' && type.kind === 'number'
      const items = isRange ? Number.POSITIVE_INFINITY : first.items
      return { steps: 1 + items, items, leaves: first.leaves }
    }
    case 'filter':
    case 'some':
    case 'every':
      // The condition is counted once among the operands.
      return { steps: first.items * (1 + second.steps), items: first.items, leaves: first.leaves }
    case 'list':
    case 'tests':
      return {
        steps: 1,
        items: operands.length,
        leaves: operands.reduce((sum, { leaves }) => sum + Math.max(1, leaves), 0),
      }
    case 'if':
      return { steps: 1, items: Math.max(second.items, third.items), leaves: Math.max(second.leaves, third.leaves) }
    case 'call':
      return callBound(node[1], operands)
    default:
      return { ...ONE, steps: 1 + 2 * TEXT_STEPS + first.leaves + second.leaves }
  }
}

function powerBound(exponent: AstNode | undefined): number {
  return powerStepsMax(exponent?.[0] === 'number' ? new Num(exponent[1]) : undefined)
}

function callBound(name: string, operands: readonly Bound[]): Bound {
  const given = operands.reduce((sum, { items }) => sum + items, 0)
  const leaves = operands.reduce((sum, bound) => sum + bound.leaves, 0)
  const compared = QUADRATIC.has(name) ? (1 + given) * (1 + leaves) * 2 : 0
  const texts = TEXT_STEPS * (2 + 2 * Math.max(given, leaves))
  const steps = 1 + compared + 4 * given + 4 * leaves + texts + (name === 'modulo' ? MODULO_STEPS_MAX : 0)
  const isList = LISTS.has(name)
  return { steps, items: isList ? Math.max(given, name === 'flatten' ? leaves : 0) : 1, leaves: isList ? leaves : 1 }
}

function capacityOf(element: SchemaElement | undefined): number {
  return element?.kind === 'list' ? element.entriesMax : 0
}
