import { childrenOf, type SyntaxTree } from '../text/syntax-tree.ts'

/** An operand of `and` and `or`; where it has a `value`, whether that is in what the operand says. */
export interface Connected {
  readonly value?: number
  /** Of a test such as `< 5`. */
  readonly comparison?: number
  readonly operand: number
  /** The syntax that it is made from. */
  readonly source: number
}

/**
 * The operands and operators that stand side by side, in the order of the text. The parser takes everything behind
 * `in` for its test, `and` and `or` included: `Rate in [1..2] and Agreed` would ask whether the rate is in something
 * that is both. Here `in` binds as tightly as any comparison. What is in brackets is one operand.
 */
export function connectedIn(
  tree: SyntaxTree,
  place: number,
): { readonly operands: readonly Connected[]; readonly operators: readonly ('and' | 'or')[] } {
  const operands: Connected[] = []
  const operators: ('and' | 'or')[] = []
  const rest: (Connected | 'and' | 'or')[] = [{ operand: place, source: place }]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next === 'string') operators.push(next)
    else {
      const parts = partsOf(tree, next)
      if (parts === undefined) operands.push(next)
      else rest.push(...parts.toReversed())
    }
  }
  return { operands, operators }
}

/** What an operand is made of; undefined: it is one. */
function partsOf(tree: SyntaxTree, connected: Connected): readonly (Connected | 'and' | 'or')[] | undefined {
  const { operand: place, source, ...tested } = connected
  const children = childrenOf(tree, place)
  const [first, second, third] = children as [number, number | undefined, number | undefined]
  switch (tree.names[place]) {
    case 'Conjunction':
    case 'Disjunction': {
      const operator = tree.names[place] === 'Conjunction' ? 'and' : 'or'
      const others = children.filter((_, n) => n > 0 && n % 2 === 0)
      return [
        { ...tested, operand: first, source },
        ...others.flatMap((operand) => [operator, { operand, source: operand }] as const),
      ]
    }
    case 'PositiveUnaryTest':
      return [{ ...tested, operand: first, source }]
    case 'SimplePositiveUnaryTest': {
      // A second test in the first would be a test of a test.
      const isTest = second !== undefined && tested.value !== undefined && tested.comparison === undefined
      return isTest && isJoined(tree, second) ? [{ ...tested, comparison: first, operand: second, source }] : undefined
    }
    case 'Comparison': {
      if (second === undefined || third === undefined || tree.names[second] !== 'in' || tested.value !== undefined)
        return undefined
      const test = children.find((child, n) => n > 1 && tree.names[child]?.startsWith('PositiveUnaryTest')) ?? third
      return [{ value: first, operand: test, source: place }]
    }
    default:
      return undefined
  }
}

function isJoined(tree: SyntaxTree, place: number): boolean {
  return tree.names[place] === 'Conjunction' || tree.names[place] === 'Disjunction'
}
