import { type ElementId, ROOT } from '../../events/ids.ts'
import { type Ast, type AstNode, binderOf, forms, type Operator, operandsOf } from './ast.ts'
import { takesCount } from './call-type.ts'
import { functions } from './functions/function-table.ts'
import { expressionLimits, LANGUAGE_VERSION } from './limits.ts'
import { type Naming, printWith } from './text/print.ts'
import { constantAt } from './text/range-text.ts'
import { scanFault } from './text/scan.ts'
import { isPlain } from './text/words.ts'
import { DateTime, formatDateTime, formatDuration, Months, TimeSpan } from './values/calendar.ts'
import { constantNumber, parseNumber } from './values/numbers.ts'
import { propertyNames } from './values/properties.ts'

/** Why JSON is no tree of an expression: for a person who makes trees, and the place of the node. */
export interface Malformed {
  readonly code: 'expression_malformed'
  readonly message: string
  readonly place: number
}

const ID = /^0(?:\.(?:0|[1-9]\d{0,8}))*$/
const ID_LENGTH_MAX = 641
const COMPARISONS = ['=', '!=', '<', '<=', '>', '>=']

/**
 * Whether JSON is a tree of this language, in the one form that it has: what parsing its own text would give. Attacker-controlled:
 * `json`, any JSON. Takes work in proportion to the greatest number of nodes.
 */
export function validateAst(json: unknown): Ast | Malformed {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return malformed('no tree', 0)
  const { language, nodes, ...others } = json as { language?: unknown; nodes?: unknown }
  if (Object.keys(others).length > 0) return malformed('a tree has a language and nodes, and nothing else', 0)
  if (language !== LANGUAGE_VERSION) return malformed(`the language is ${LANGUAGE_VERSION}`, 0)
  if (!Array.isArray(nodes) || nodes.length === 0 || nodes.length > expressionLimits.nodesMax) {
    return malformed(`a tree has 1 to ${expressionLimits.nodesMax} nodes`, 0)
  }
  const checker = new FormChecker()
  for (const [place, node] of nodes.entries()) {
    const fault = checker.add(node)
    if (fault !== undefined) return malformed(fault, place)
  }
  const fault = checker.end() ?? textFault(nodes as AstNode[])
  return fault === undefined ? (json as Ast) : malformed(fault, nodes.length - 1)
}

export function isMalformed(result: Ast | Malformed): result is Malformed {
  return 'code' in result
}

function malformed(message: string, place: number): Malformed {
  return { code: 'expression_malformed', message, place }
}

const root = ROOT as ElementId
const AT_ROOT: Naming = { block: root, names: root, outward: () => [], nameOf: () => 'x', hasMember: () => false }

/** The limits of texts hold for trees: with names of one letter, its text has to be one. */
function textFault(nodes: readonly AstNode[]): string | undefined {
  return scanFault(printWith(nodes, AT_ROOT))?.message
}

/** Looks at node after node; says what is wrong with one. */
class FormChecker {
  readonly #nodes: AstNode[] = []
  /** Roots that nothing has taken as an operand yet. */
  readonly #roots: number[] = []
  /** The `each` that are open, outermost first. */
  readonly #open: number[] = []

  add(json: unknown): string | undefined {
    if (!Array.isArray(json)) return 'a node is an array'
    const operator: unknown = json[0]
    if (typeof operator !== 'string' || !Object.hasOwn(forms, operator)) return 'there is no such operator'
    const { data, operands } = forms[operator as Operator]
    const count = json.length - 1 - data
    if (operands === 'many' ? count < 0 || count > this.#roots.length : count !== operands) {
      return `${operator} has another number of parts`
    }
    const node = json as unknown as AstNode
    const taken = this.#roots.splice(this.#roots.length - count)
    if (operandsOf(node).some((operand, n) => operand !== taken[n])) return 'the nodes are not in post-order'
    const fault = this.#dataFault(node) ?? this.#shapeFault(node, taken)
    if (fault !== undefined) return fault
    this.#roots.push(this.#nodes.push(node) - 1)
    if (operator === 'each' || operator === 'each as') this.#open.push(this.#nodes.length - 1)
    return undefined
  }

  end(): string | undefined {
    const last = this.#nodes.at(-1)?.[0]
    if (this.#roots.length !== 1) return 'the nodes are several trees'
    return last === 'each' || last === 'each as' || last === 'tests' ? `${last} is no expression` : undefined
  }

  /** What stands only where it has a meaning: `each` before what is asked of the items, `tests` behind `in`. */
  #shapeFault(node: AstNode, taken: readonly number[]): string | undefined {
    const operators = taken.map((place) => this.#nodes[place]?.[0])
    const binder = { filter: 'each', some: 'each as', every: 'each as' }[node[0] as string]
    const [first, ...others] = operators
    if (binder !== undefined) {
      if (first !== binder) return `${node[0]} begins with ${binder}`
      this.#open.pop()
    } else if (first === 'each' || first === 'each as') return `${first} stands before a condition`
    if (others.some((other) => other === 'each' || other === 'each as')) return 'each stands before a condition'
    const isTests = operators.map((operator, n) => operator === 'tests' && !(node[0] === 'in' && n === 1))
    return isTests.includes(true) ? 'tests stand behind in' : undefined
  }

  #dataFault(node: AstNode): string | undefined {
    switch (node[0]) {
      case 'number': {
        const number = typeof node[1] === 'string' && node[1].length <= 100 ? parseNumber(node[1]) : undefined
        return number !== undefined && constantNumber(number) === node[1] ? undefined : 'no number in its one form'
      }
      case 'text':
        return isText(node[1]) ? undefined : 'no text'
      case 'date':
      case 'date-time':
      case 'duration':
        return isConstant(node[0], node[1]) ? undefined : `no ${node[0]} in its one form`
      case 'ref':
      case 'path':
        return typeof node[1] === 'string' && node[1].length <= ID_LENGTH_MAX && ID.test(node[1])
          ? undefined
          : 'no element'
      case 'item':
        return this.#itemFault(node[1])
      case 'property':
        return propertyNames.includes(node[1]) ? undefined : 'there is no such property'
      case 'test':
        return COMPARISONS.includes(node[1]) ? undefined : 'there is no such comparison'
      case 'tests':
        return node.length > 2 ? undefined : 'tests are several'
      case 'range':
        return ['[', '('].includes(node[1]) && [']', ')'].includes(node[2]) ? undefined : 'there are no such brackets'
      case 'each as':
        return this.#variableFault(node[1])
      case 'call':
        return callFault(node[1], node.length - 2)
      default:
        return undefined
    }
  }

  /** A filter's item has no name, so that inside another filter nothing could name it. */
  #itemFault(up: unknown): string | undefined {
    const isPlace = typeof up === 'number' && Number.isInteger(up) && up >= 0 && !Object.is(up, -0)
    const binder = isPlace ? binderOf(up, this.#open) : undefined
    if (binder === undefined) return 'an item of nothing'
    const inner = this.#open.slice(this.#open.indexOf(binder) + 1)
    const isFilter = (place: number) => this.#nodes[place]?.[0] === 'each'
    return isFilter(binder) && inner.some(isFilter) ? 'the item of a filter around another one' : undefined
  }

  #variableFault(name: unknown): string | undefined {
    if (typeof name !== 'string' || name.length > 100 || !isPlain(name)) return 'no name of an item'
    const isTaken = this.#open.some((place) => {
      const node = this.#nodes[place] as AstNode
      return node[0] === 'each as' && node[1] === name
    })
    return isTaken ? 'two items of one name' : undefined
  }
}

function isText(text: unknown): boolean {
  return typeof text === 'string' && text.length <= expressionLimits.textLengthMax && text.isWellFormed()
}

function isConstant(kind: 'date' | 'date-time' | 'duration', text: unknown): boolean {
  if (typeof text !== 'string' || text.length > 100) return false
  const value = constantAt(text)
  if (value === undefined) return false
  if (value instanceof DateTime) return kind === 'date-time' && formatDateTime(value) === text
  if (value instanceof Months || value instanceof TimeSpan) return kind === 'duration' && formatDuration(value) === text
  return kind === 'date'
}

function callFault(name: unknown, count: number): string | undefined {
  const specs = typeof name === 'string' ? functions.get(name) : undefined
  if (specs === undefined) return 'there is no such function'
  return specs.some((spec) => takesCount(spec, count)) ? undefined : 'the function takes another number of arguments'
}
