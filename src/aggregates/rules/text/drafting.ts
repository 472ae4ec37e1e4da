import type { ElementId } from '../../../events/ids.ts'
import type { Arithmetic, AstNode, Comparison } from '../ast.ts'
import { takesCount, unknownFunction } from '../call-type.ts'
import type { FaultCode } from '../fault.ts'
import type { FunctionSpec } from '../functions/function-spec.ts'
import { functions } from '../functions/function-table.ts'
import type { Schema } from '../schema.ts'
import { type TypeFault, Typer } from '../typer.ts'
import { type Connected, connectedIn } from '../values/connected.ts'
import { constantNumber, parseNumber } from '../values/numbers.ts'
import { constantNode } from './constant-node.ts'
import { NameResolver, type WrittenName } from './name-resolver.ts'
import { childrenOf, type SyntaxTree } from './syntax-tree.ts'
import { unescaped } from './text-literal.ts'
import { isPlain } from './words.ts'

/** Of FEEL, but not of the language. */
const UNSUPPORTED: { readonly [name: string]: string } = {
  ForExpression: 'the language has no "for": assign to each entry, or ask with "some", "every" or a filter',
  Context: 'the language has no contexts but the blocks of the document',
  InstanceOfExpression: 'the language has no "instance of": every field has its type',
  FunctionDefinition: 'the language has no functions of its own',
}

/** The tree of nodes that a syntax tree stands for, built in one loop: operands first, each after what it stands behind. */
export class Drafting {
  readonly typer: Typer
  /** For each node, the syntax that it was made from. */
  readonly sources: number[] = []
  readonly faults: TypeFault[] = []
  readonly #text: string
  readonly #tree: SyntaxTree
  readonly #names: NameResolver
  /** What is still to do, last first. */
  readonly #work: (() => void)[] = []
  /** Places of the nodes that nothing has taken as an operand yet. */
  readonly #operands: number[] = []

  constructor(text: string, tree: SyntaxTree, schema: Schema, block: ElementId) {
    this.#text = text
    this.#tree = tree
    this.typer = new Typer(schema, block)
    this.#names = new NameResolver(this.typer, text)
  }

  run(): void {
    this.#visit(0)
    for (let next = this.#work.pop(); next !== undefined; next = this.#work.pop()) next()
  }

  /** In this order. */
  #then(...steps: readonly (() => void)[]): void {
    for (let n = steps.length - 1; n >= 0; n--) this.#work.push(steps[n] as () => void)
  }

  #emit(node: AstNode, source: number): void {
    this.#operands.push(this.typer.push(node))
    this.sources.push(source)
  }

  #take(): number {
    return this.#operands.pop() as number
  }

  #takeMany(count: number): number[] {
    return count === 0 ? [] : this.#operands.splice(-count)
  }

  /** A null stands for what is wrong: it has every type, so that one fault does not become many. */
  #refuse(source: number, code: FaultCode, message: string, suggestion?: string): void {
    const place = this.typer.nodes.length
    this.faults.push({ place, code, message, ...(suggestion === undefined ? {} : { suggestion }) })
    this.#emit(['null'], source)
  }

  #textAt(place: number): string {
    return this.#text.slice(this.#tree.from[place], this.#tree.to[place])
  }

  #nameAt(place: number): string {
    return this.#tree.names[place] as string
  }

  #visit(place: number): void {
    const children = childrenOf(this.#tree, place)
    switch (this.#nameAt(place)) {
      case 'Expression':
      case 'PositiveUnaryTest':
        this.#then(() => this.#visit(children[0] as number))
        break
      case 'ParenthesizedExpression':
        this.#then(() => this.#visit(children[1] as number))
        break
      case 'NumericLiteral':
        this.#number(place)
        break
      case 'StringLiteral':
        this.#string(place)
        break
      case 'BooleanLiteral':
        this.#emit([this.#textAt(place) as 'true' | 'false'], place)
        break
      case 'null':
        this.#emit(['null'], place)
        break
      case 'VariableName':
        this.#variable(place)
        break
      case 'DateTimeLiteral':
        this.#dateTime(place, children)
        break
      default:
        this.#visitComposed(place, children)
    }
  }

  #visitComposed(place: number, children: readonly number[]): void {
    switch (this.#nameAt(place)) {
      case 'PathExpression':
        this.#then(
          () => this.#visit(children[0] as number),
          () => this.#path(place, this.#written(children[2] as number)),
        )
        break
      case 'ArithmeticExpression':
        this.#arithmetic(place, children)
        break
      case 'Comparison':
        this.#comparison(place, children)
        break
      case 'Conjunction':
      case 'Disjunction':
        this.#connective(place)
        break
      case 'FilterExpression':
        this.#filter(place, children)
        break
      case 'QuantifiedExpression':
        this.#quantified(place, children)
        break
      case 'IfExpression': {
        const [condition, yes, no] = [children[1], children[3], children[5]] as [number, number, number]
        this.#many(place, [condition, yes, no], (taken) => ['if', ...(taken as [number, number, number])])
        break
      }
      case 'List':
        this.#many(place, children.slice(1, -1), (taken) => ['list', ...taken])
        break
      case 'PositiveUnaryTests':
        this.#many(place, children, (taken) => ['tests', ...taken])
        break
      case 'SimplePositiveUnaryTest':
        this.#test(place, children)
        break
      case 'Interval':
        this.#interval(place, children)
        break
      case 'FunctionInvocation':
        this.#invocation(place, children)
        break
      default: {
        const message = UNSUPPORTED[this.#nameAt(place)] ?? `the language has no ${this.#nameAt(place)}`
        this.#refuse(place, 'expression_unsupported', message)
      }
    }
  }

  #many(place: number, operands: readonly number[], node: (taken: readonly number[]) => AstNode): void {
    this.#then(...operands.map((operand) => () => this.#visit(operand)), () =>
      this.#emit(node(this.#takeMany(operands.length)), place),
    )
  }

  #number(place: number): void {
    const number = parseNumber(this.#textAt(place).replace(/\s/g, ''))
    if (number !== undefined) {
      this.#emit(['number', constantNumber(number)], place)
      return
    }
    this.#refuse(place, 'expression_constant_unfit', 'a number has at most 34 digits, and an exponent within 6144')
  }

  #string(place: number): void {
    const text = unescaped(this.#textAt(place).slice(1, -1))
    if (text !== undefined) {
      this.#emit(['text', text], place)
      return
    }
    this.#refuse(place, 'expression_constant_unfit', 'the text has half of a character')
  }

  /** A name as its words stand there, one space between them; or what stands in back-quotes. */
  #written(place: number): WrittenName {
    const children = childrenOf(this.#tree, place)
    const [first] = children
    const { from, to } = { from: this.#tree.from[place] as number, to: this.#tree.to[place] as number }
    if (first !== undefined && this.#nameAt(first) === 'BacktickIdentifier') {
      return { name: this.#textAt(first).slice(1, -1), isQuoted: true, from, to }
    }
    if (children.length === 0) return { name: this.#textAt(place), isQuoted: false, from, to }
    const words = children.map((word) => this.#textAt(word)).join(' ')
    return { name: words.replace(/\s+/g, ' '), isQuoted: false, from, to }
  }

  #variable(place: number): void {
    const found = this.#names.variable(this.#written(place))
    if ('code' in found) {
      this.#refuse(place, found.code, found.message, found.suggestion)
      return
    }
    const [item, path] = found.nodes
    this.#emit(item, place)
    if (path !== undefined) this.#emit(['path', path, this.#take()], place)
  }

  #path(place: number, written: WrittenName): void {
    const base = this.#take()
    const found = this.#names.child(base, written)
    if ('code' in found) {
      this.#refuseTaken(place, base, found)
      return
    }
    const node = found.node
    // A block that is only on the way to its child is no node of its own.
    if (node[0] === 'ref') {
      this.typer.replaceLast(node)
      this.sources[base] = place
      this.#operands.push(base)
    } else this.#emit(node, place)
  }

  /** What was taken stays below the node that stands for the fault. */
  #refuseTaken(place: number, base: number, { code, message, suggestion }: Omit<TypeFault, 'place'>): void {
    this.faults.push({ place: base, code, message, ...(suggestion === undefined ? {} : { suggestion }) })
    this.#operands.push(base)
    this.sources[base] = place
    this.typer.types[base] = { kind: 'any' }
  }

  #arithmetic(place: number, children: readonly number[]): void {
    const [left, operator, right] = children as [number, number, number]
    if (right === undefined) {
      this.#many(place, [operator], ([operand]) => ['neg', operand as number])
      return
    }
    const sign = this.#textAt(operator) as Arithmetic
    this.#many(place, [left, right], ([one, other]) => [sign, one as number, other as number])
  }

  #comparison(place: number, children: readonly number[]): void {
    const [left, operator, right, , end] = children as [number, number, number, number, number | undefined]
    const word = this.#nameAt(operator)
    if (word === 'between') {
      const operands = [left, right, end as number]
      this.#many(place, operands, (taken) => ['between', ...(taken as [number, number, number])])
    } else if (word === 'in') this.#connective(place)
    else {
      const sign = this.#textAt(operator) as Comparison
      this.#many(place, [left, right], ([one, other]) => [sign, one as number, other as number])
    }
  }

  /** `or` joins what `and` joins, each from the left. */
  #connective(place: number): void {
    const { operands, operators } = connectedIn(this.#tree, place)
    const steps: (() => void)[] = []
    const join = (operator: 'and' | 'or') => () => {
      const [left, right] = this.#takeMany(2) as [number, number]
      this.#emit([operator, left, right], place)
    }
    let isAlternative = false
    for (const [n, operand] of operands.entries()) {
      const [before, after] = [operators[n - 1], operators[n]]
      steps.push(...this.#connected(operand))
      if (before === 'and') steps.push(join('and'))
      if (after === 'and') continue
      if (isAlternative) steps.push(join('or'))
      isAlternative = true
    }
    this.#then(...steps)
  }

  #connected({ value, comparison, operand, source }: Connected): (() => void)[] {
    const tested = [() => this.#visit(operand)]
    if (value === undefined) return tested
    if (comparison !== undefined) {
      const sign = this.#textAt(comparison) as Comparison
      tested.push(() => this.#emit(['test', sign, this.#take()], source))
    }
    return [
      () => this.#visit(value),
      ...tested,
      () => {
        const [one, other] = this.#takeMany(2) as [number, number]
        this.#emit(['in', one, other], source)
      },
    ]
  }

  #filter(place: number, children: readonly number[]): void {
    const [list, , condition] = children as [number, number, number]
    this.#then(
      () => this.#visit(list),
      () => this.#emit(['each', this.#take()], list),
      () => this.#visit(condition),
      () => {
        const [each, kept] = this.#takeMany(2) as [number, number]
        this.#emit(['filter', each, kept], place)
      },
    )
  }

  #quantified(place: number, children: readonly number[]): void {
    const [word, lists, , condition] = children as [number, number, number, number]
    const operator = this.#textAt(word) as 'some' | 'every'
    const each = childrenOf(this.#tree, lists).filter((child) => this.#nameAt(child) === 'InExpression')
    this.#then(
      ...each.flatMap((list) => this.#iteration(list)),
      () => this.#visit(condition),
      ...each.map(() => () => {
        const [binder, held] = this.#takeMany(2) as [number, number]
        this.#emit([operator, binder, held], place)
      }),
    )
  }

  #iteration(place: number): (() => void)[] {
    const [name, , context] = childrenOf(this.#tree, place) as [number, number, number]
    const { name: variable, isQuoted } = this.#written(name)
    const [first, dots, last] = childrenOf(this.#tree, context) as [number, number | undefined, number | undefined]
    const list =
      dots === undefined || last === undefined
        ? [() => this.#visit(first)]
        : [
            () => this.#visit(first),
            () => this.#visit(last),
            () => {
              const [low, high] = this.#takeMany(2) as [number, number]
              this.#emit(['range', '[', ']', low, high], context)
            },
          ]
    return [
      ...list,
      () => {
        const isTaken = this.#names.isVariable(variable)
        const isFit = isPlain(variable) && !isQuoted && !isTaken
        if (!isFit) {
          const message = isTaken ? `${variable} is the name of another item` : `an item cannot be called ${variable}`
          this.faults.push({ place: this.typer.nodes.length, code: 'expression_syntax', message, suggestion: 'i' })
        }
        this.#emit(['each as', variable, this.#take()], place)
      },
    ]
  }

  #test(place: number, children: readonly number[]): void {
    const [operator, operand] = children as [number, number | undefined]
    if (operand === undefined) {
      this.#visit(operator)
      return
    }
    const sign = this.#textAt(operator) as Comparison
    this.#many(place, [operand], ([taken]) => ['test', sign, taken as number])
  }

  #interval(place: number, children: readonly number[]): void {
    const [opens, low, , high, closes] = children as [number, number, number, number, number]
    const isLowIn = this.#textAt(opens) === '['
    const isHighIn = this.#textAt(closes) === ']'
    this.#many(place, [low, high], ([from, to]) => [
      'range',
      isLowIn ? '[' : '(',
      isHighIn ? ']' : ')',
      from as number,
      to as number,
    ])
  }

  #dateTime(place: number, children: readonly number[]): void {
    const [first] = children as [number]
    if (this.#nameAt(first) !== 'AtLiteral') this.#invocation(place, children)
    else {
      const text = unescaped(this.#textAt(childrenOf(this.#tree, first)[0] as number).slice(1, -1)) ?? ''
      const node = constantNode(text)
      if ('code' in node) this.#refuse(place, node.code, node.message)
      else this.#emit(node, place)
    }
  }

  #invocation(place: number, children: readonly number[]): void {
    const [callee, , given] = children as [number, number, number | undefined]
    const isName = ['VariableName', 'SpecialFunctionName', 'DateTimeConstructor'].includes(this.#nameAt(callee))
    const { name, isQuoted } = this.#written(callee)
    if (!isName) this.#refuse(place, 'expression_unsupported', 'a function is called by its name')
    else if (isQuoted || !functions.has(name)) {
      const { code, message } = unknownFunction(name)
      this.#refuse(callee, code, message)
    } else {
      const values = given === undefined ? [] : childrenOf(this.#tree, given).filter((child) => this.#isOperand(child))
      if (given !== undefined && this.#nameAt(given) === 'NamedParameters') this.#namedCall(place, name, values)
      else this.#many(place, values, (taken) => ['call', name, ...taken])
    }
  }

  #isOperand(place: number): boolean {
    return /^[A-Za-z]/.test(this.#nameAt(place))
  }

  /** In the order of the parameters: what is left out between two of them is null. */
  #namedCall(place: number, name: string, given: readonly number[]): void {
    const byName = new Map<string, number>()
    for (const parameter of given) {
      const [named, value] = childrenOf(this.#tree, parameter).filter((child) => this.#isOperand(child)) as [
        number,
        number,
      ]
      byName.set(this.#written(childrenOf(this.#tree, named)[0] ?? named).name, value)
    }
    const spec = functions.get(name)?.find((candidate) => takesNamed(candidate, byName, given.length))
    if (spec === undefined) {
      const names = (functions.get(name) ?? []).map(({ parameters }) => parameters.map((each) => each.name).join(', '))
      const message = `${name} has the parameters ${names.join(' or ')}`
      this.#refuse(place, 'expression_arguments_unfit', message)
      return
    }
    const last = spec.parameters.findLastIndex((parameter) => byName.has(parameter.name))
    const ordered = spec.parameters.slice(0, last + 1).map((parameter) => byName.get(parameter.name))
    this.#then(
      ...ordered.map((value) => () => (value === undefined ? this.#emit(['null'], place) : this.#visit(value))),
      () => this.#emit(['call', name, ...this.#takeMany(ordered.length)], place),
    )
  }
}

/** Every name is a parameter's, once, and none is left out that has to be there. */
function takesNamed(spec: FunctionSpec, byName: ReadonlyMap<string, number>, given: number): boolean {
  const { parameters } = spec
  return (
    byName.size === given &&
    [...byName.keys()].every((name) => parameters.some((parameter) => parameter.name === name)) &&
    parameters.every((parameter) => parameter.isOptional || byName.has(parameter.name)) &&
    takesCount(spec, byName.size)
  )
}
