import type { ElementId } from '../../../events/ids.ts'
import type { Arithmetic, AstNode, Comparison } from '../ast.ts'
import { unknownFunction } from '../call-type.ts'
import { functions } from '../functions/function-table.ts'
import type { Schema } from '../schema.ts'
import { Typer } from '../typer.ts'
import { type Connected, connectedIn } from '../values/connected.ts'
import { constantNumber, parseNumber } from '../values/numbers.ts'
import { constantNode } from './constant-node.ts'
import { NameResolver, type WrittenName } from './name-resolver.ts'
import { inOrder, parametersOf } from './named-arguments.ts'
import { NodeStack } from './node-stack.ts'
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
  readonly #nodes: NodeStack
  readonly #text: string
  readonly #tree: SyntaxTree
  readonly #names: NameResolver

  constructor(text: string, tree: SyntaxTree, schema: Schema, block: ElementId) {
    this.#text = text
    this.#tree = tree
    const typer = new Typer(schema, block)
    this.#nodes = new NodeStack(typer)
    this.#names = new NameResolver(typer, text)
  }

  run(): NodeStack {
    this.#visit(0)
    this.#nodes.run()
    return this.#nodes
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
        this.#nodes.schedule(() => this.#visit(children[0] as number))
        break
      case 'ParenthesizedExpression':
        this.#nodes.schedule(() => this.#visit(children[1] as number))
        break
      case 'NumericLiteral':
        this.#number(place)
        break
      case 'StringLiteral':
        this.#string(place)
        break
      case 'BooleanLiteral':
        this.#nodes.emit([this.#textAt(place) as 'true' | 'false'], place)
        break
      case 'null':
        this.#nodes.emit(['null'], place)
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
        this.#nodes.schedule(
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
        this.#nodes.refuse(place, 'expression_unsupported', message)
      }
    }
  }

  #many(place: number, operands: readonly number[], node: (taken: readonly number[]) => AstNode): void {
    this.#nodes.schedule(...operands.map((operand) => () => this.#visit(operand)), () =>
      this.#nodes.emit(node(this.#nodes.takeMany(operands.length)), place),
    )
  }

  #number(place: number): void {
    const number = parseNumber(this.#textAt(place).replace(/\s/g, ''))
    if (number !== undefined) {
      this.#nodes.emit(['number', constantNumber(number)], place)
      return
    }
    this.#nodes.refuse(
      place,
      'expression_constant_unfit',
      'a number has at most 34 digits, and an exponent within 6144',
    )
  }

  #string(place: number): void {
    const text = unescaped(this.#textAt(place).slice(1, -1))
    if (text !== undefined) {
      this.#nodes.emit(['text', text], place)
      return
    }
    this.#nodes.refuse(place, 'expression_constant_unfit', 'the text has half of a character')
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
      this.#nodes.refuse(place, found.code, found.message, found.suggestion)
      return
    }
    const [item, path] = found.nodes
    this.#nodes.emit(item, place)
    if (path !== undefined) this.#nodes.emit(['path', path, this.#nodes.take()], place)
  }

  #path(place: number, written: WrittenName): void {
    const base = this.#nodes.take()
    const found = this.#names.child(base, written)
    if ('code' in found) {
      this.#nodes.refuseTaken(place, base, found)
      return
    }
    const node = found.node
    // A block that is only on the way to its child is no node of its own.
    if (node[0] === 'ref') {
      this.#nodes.replaceTaken(node, base, place)
    } else this.#nodes.emit(node, place)
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
      const [left, right] = this.#nodes.takeMany(2) as [number, number]
      this.#nodes.emit([operator, left, right], place)
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
    this.#nodes.schedule(...steps)
  }

  #connected({ value, comparison, operand, source }: Connected): (() => void)[] {
    const tested = [() => this.#visit(operand)]
    if (value === undefined) return tested
    if (comparison !== undefined) {
      const sign = this.#textAt(comparison) as Comparison
      tested.push(() => this.#nodes.emit(['test', sign, this.#nodes.take()], source))
    }
    return [
      () => this.#visit(value),
      ...tested,
      () => {
        const [one, other] = this.#nodes.takeMany(2) as [number, number]
        this.#nodes.emit(['in', one, other], source)
      },
    ]
  }

  #filter(place: number, children: readonly number[]): void {
    const [list, , condition] = children as [number, number, number]
    this.#nodes.schedule(
      () => this.#visit(list),
      () => this.#nodes.emit(['each', this.#nodes.take()], list),
      () => this.#visit(condition),
      () => {
        const [each, kept] = this.#nodes.takeMany(2) as [number, number]
        this.#nodes.emit(['filter', each, kept], place)
      },
    )
  }

  #quantified(place: number, children: readonly number[]): void {
    const [word, lists, , condition] = children as [number, number, number, number]
    const operator = this.#textAt(word) as 'some' | 'every'
    const each = childrenOf(this.#tree, lists).filter((child) => this.#nameAt(child) === 'InExpression')
    this.#nodes.schedule(
      ...each.flatMap((list) => this.#iteration(list)),
      () => this.#visit(condition),
      ...each.map(() => () => {
        const [binder, held] = this.#nodes.takeMany(2) as [number, number]
        this.#nodes.emit([operator, binder, held], place)
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
              const [low, high] = this.#nodes.takeMany(2) as [number, number]
              this.#nodes.emit(['range', '[', ']', low, high], context)
            },
          ]
    return [
      ...list,
      () => {
        const isTaken = this.#names.isVariable(variable)
        const isFit = isPlain(variable) && !isQuoted && !isTaken
        if (!isFit) {
          const message = isTaken ? `${variable} is the name of another item` : `an item cannot be called ${variable}`
          this.#nodes.faults.push({
            place: this.#nodes.typer.nodes.length,
            code: 'expression_syntax',
            message,
            suggestion: 'i',
          })
        }
        this.#nodes.emit(['each as', variable, this.#nodes.take()], place)
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
      if ('code' in node) this.#nodes.refuse(place, node.code, node.message)
      else this.#nodes.emit(node, place)
    }
  }

  #invocation(place: number, children: readonly number[]): void {
    const [callee, , given] = children as [number, number, number | undefined]
    const isName = ['VariableName', 'SpecialFunctionName', 'DateTimeConstructor'].includes(this.#nameAt(callee))
    const { name, isQuoted } = this.#written(callee)
    if (!isName) this.#nodes.refuse(place, 'expression_unsupported', 'a function is called by its name')
    else if (isQuoted || !functions.has(name)) {
      const { code, message } = unknownFunction(name)
      this.#nodes.refuse(callee, code, message)
    } else {
      const values = given === undefined ? [] : childrenOf(this.#tree, given).filter((child) => this.#isOperand(child))
      if (given !== undefined && this.#nameAt(given) === 'NamedParameters') this.#namedCall(place, name, values)
      else this.#many(place, values, (taken) => ['call', name, ...taken])
    }
  }

  #isOperand(place: number): boolean {
    return /^[A-Za-z]/.test(this.#nameAt(place))
  }

  #namedCall(place: number, name: string, given: readonly number[]): void {
    const byName = new Map<string, number>()
    for (const parameter of given) {
      const [named, value] = childrenOf(this.#tree, parameter).filter((child) => this.#isOperand(child)) as [
        number,
        number,
      ]
      byName.set(this.#written(childrenOf(this.#tree, named)[0] ?? named).name, value)
    }
    const ordered = byName.size === given.length ? inOrder(name, byName) : undefined
    if (ordered === undefined) {
      this.#nodes.refuse(place, 'expression_arguments_unfit', `${name} has the parameters ${parametersOf(name)}`)
      return
    }
    this.#nodes.schedule(
      ...ordered.map((value) => () => (value === undefined ? this.#nodes.emit(['null'], place) : this.#visit(value))),
      () => this.#nodes.emit(['call', name, ...this.#nodes.takeMany(ordered.length)], place),
    )
  }
}
