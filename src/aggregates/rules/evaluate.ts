import { ancestorAt, type ElementId } from '../../events/ids.ts'
import type { AstNode } from './ast.ts'
import { argumentFor, type FunctionSpec } from './functions/function-spec.ts'
import type { Instruction, Path, Program } from './program.ts'
import type { Reason, ReasonCode } from './reasons.ts'
import type { DocumentView } from './schema.ts'
import { calculate, negated } from './values/arithmetic.ts'
import { equal, isInRange, ordered, satisfies, weightOf } from './values/compare.ts'
import { isNumber, Num, powerSteps } from './values/numbers.ts'
import { propertyOf } from './values/properties.ts'
import { BlockValue, NOTHING, Nothing, nothing, Range, type Value } from './values/values.ts'

/** What an evaluation comes to. It never throws; one that runs out of steps has no value. */
export type Evaluation =
  | { readonly kind: 'value'; readonly value: Value; readonly reason?: Reason; readonly steps: number }
  | { readonly kind: 'over_budget'; readonly steps: number }

class OverBudget extends Error {}
const OVER_BUDGET = new OverBudget('the budget of steps is used up')

/** A list that is gone through. */
interface Loop {
  readonly items: readonly Value[]
  at: number
  readonly kept: Value[]
  /** What an item's condition came to where it was neither true nor false. */
  unknown: Nothing | undefined
}

/**
 * Evaluates a program at its block, or at the same block of one entry (decision 0113). Requires a view of the document that the program was
 * checked against. Deterministic: the same document and program give the same value, reason and number of steps.
 */
export function evaluate(
  program: Program,
  view: DocumentView,
  budget: number,
  at: ElementId = program.block,
): Evaluation {
  const machine = new Machine(program, view, budget, at)
  try {
    const value = machine.run()
    const reason = value instanceof Nothing ? value.reason : undefined
    return { kind: 'value', value, ...(reason === undefined ? {} : { reason }), steps: machine.steps }
  } catch (error) {
    if (error === OVER_BUDGET) return { kind: 'over_budget', steps: budget }
    throw error
  }
}

class Machine {
  steps = 0
  readonly #instructions: readonly Instruction[]
  readonly #view: DocumentView
  readonly #budget: number
  readonly #block: ElementId
  readonly #stack: Value[] = []
  readonly #loops: Loop[] = []
  readonly #charge = (steps: number) => this.#take(steps)

  constructor(program: Program, view: DocumentView, budget: number, block: ElementId) {
    this.#instructions = program.instructions
    this.#view = view
    this.#budget = budget
    this.#block = block
  }

  run(): Value {
    const instructions = this.#instructions
    const stack = this.#stack
    for (let at = 0; at < instructions.length; ) {
      const instruction = instructions[at++] as Instruction
      switch (instruction.kind) {
        case 'jump':
          at = instruction.to
          continue
        case 'shortcut':
          if (stack[stack.length - 1] === instruction.when) at = instruction.to
          continue
        case 'branch':
          this.#take(1)
          if (stack.pop() !== true) at = instruction.to
          continue
        case 'each':
          this.#take(1)
          if (!this.#enter(instruction)) at = instruction.to
          continue
        case 'end':
          this.#take(1)
          if (this.#goOn(instruction)) at = instruction.body
          continue
        default:
          this.#take(1)
          this.#push(this.#valueOf(instruction), instruction.node)
      }
    }
    return stack.pop() as Value
  }

  #take(steps: number): void {
    this.steps += steps
    if (this.steps > this.#budget) throw OVER_BUDGET
  }

  /** A null that arises here says so. */
  #push(value: Value, node: number): void {
    const isNew = value instanceof Nothing && value.reason !== undefined && value.reason.node === undefined
    this.#stack.push(isNew ? new Nothing({ ...(value.reason as Reason), node }) : value)
  }

  #pop(): Value {
    return this.#stack.pop() as Value
  }

  #valueOf(instruction: Exclude<Instruction, { kind: 'jump' | 'shortcut' | 'branch' | 'each' | 'end' }>): Value {
    switch (instruction.kind) {
      case 'constant':
        return instruction.value
      case 'field':
        return this.#field(this.#idOf(instruction.path))
      case 'list':
        return this.#list(this.#idOf(instruction.path), instruction.areBlocks)
      case 'block':
        return new BlockValue(this.#idOf(instruction.path))
      case 'item': {
        const loop = this.#loops[this.#loops.length - 1 - instruction.up] as Loop
        return loop.items[loop.at] as Value
      }
      case 'child':
        return this.#ofEach(this.#pop(), (block) => this.#child(block, instruction))
      case 'property':
        return this.#ofEach(this.#pop(), (value) => propertyOf(value, instruction.name))
      case 'call':
        return this.#call(
          instruction.spec,
          this.#stack.splice(this.#stack.length - instruction.count),
          instruction.areItems,
        )
      default:
        return this.#operation(instruction.ast, instruction.count)
    }
  }

  #idOf({ id, from }: Path): ElementId {
    if (from === 'root') return id as ElementId
    return ((from === 'block' ? this.#block : ancestorAt(this.#block, from)) + id) as ElementId
  }

  #field(id: ElementId): Value {
    return this.#view.value(id) ?? new Nothing({ code: 'empty', element: id })
  }

  #hasField(block: Value, ordinal: string): boolean {
    return block instanceof BlockValue && this.#view.value((block.id + ordinal) as ElementId) !== null
  }

  #list(id: ElementId, areBlocks: boolean): Value {
    const entries = this.#view.entries(id)
    this.#take(entries.length)
    return entries.map((entry) => (areBlocks ? new BlockValue(entry) : this.#field(entry)))
  }

  #child(block: Value, { ordinal, child }: Extract<Instruction, { kind: 'child' }>): Value {
    if (!(block instanceof BlockValue)) return block instanceof Nothing ? block : nothing('kinds_differ')
    const id = (block.id + ordinal) as ElementId
    if (child === 'field') return this.#field(id)
    return child === 'block' ? new BlockValue(id) : this.#list(id, child === 'blocks')
  }

  /** A list's items one by one. */
  #ofEach(value: Value, call: (item: Value) => Value): Value {
    if (!Array.isArray(value)) return call(value)
    this.#take(value.length)
    return (value as readonly Value[]).map(call)
  }

  #call(spec: FunctionSpec, values: Value[], areItems: boolean): Value {
    const { parameters } = spec
    const given: Value[] = areItems
      ? [...values.slice(0, parameters.length - 1), values.slice(parameters.length - 1)]
      : values
    for (const [n, parameter] of parameters.entries()) {
      const value = given[n]
      if (value === undefined) {
        given[n] = NOTHING
        continue
      }
      const fit = argumentFor(parameter, value)
      if (fit instanceof Nothing && !parameter.isNullable) return fit
      given[n] = fit
    }
    return spec.call(given, this.#charge, this.#view.requestTime() ?? NOTHING)
  }

  #operation(node: AstNode, count: number): Value {
    switch (node[0]) {
      case '+':
      case '-':
      case '*':
      case '/':
      case '**': {
        const right = this.#pop()
        const left = this.#pop()
        if (typeof left === 'string' && typeof right === 'string') this.#take((left.length + right.length) >> 6)
        if (node[0] === '**' && isNumber(left) && isNumber(right)) this.#take(powerSteps(left, right))
        return calculate(node[0], left, right)
      }
      case '=':
      case '!=': {
        const right = this.#pop()
        if (Array.isArray(right)) this.#take(weightOf(right))
        const isEqual = equal(this.#pop(), right)
        return typeof isEqual === 'boolean' ? isEqual === (node[0] === '=') : nothing(isEqual)
      }
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.#ordering(node[0])
      case 'and':
      case 'or':
        return this.#connective(node[0] === 'or')
      case 'neg':
        return negated(this.#pop())
      case 'in': {
        const test = this.#pop()
        if (Array.isArray(test)) this.#take(weightOf(test))
        return ofTruth(satisfies(this.#pop(), test))
      }
      case 'between': {
        const high = this.#pop()
        const low = this.#pop()
        return ofTruth(isInRange(this.#pop(), new Range(low, high, true, true)))
      }
      case 'range': {
        const high = this.#pop()
        return new Range(this.#pop(), high, node[1] === '[', node[2] === ']')
      }
      case 'test':
        return testOf(node[1], this.#pop())
      default:
        return this.#stack.splice(this.#stack.length - count)
    }
  }

  #ordering(operator: '<' | '<=' | '>' | '>='): Value {
    const right = this.#pop()
    const left = this.#pop()
    const order = ordered(left, right)
    if (typeof order !== 'number') return originOf(left, right) ?? nothing(order)
    switch (operator) {
      case '<':
        return order < 0
      case '<=':
        return order <= 0
      case '>':
        return order > 0
      default:
        return order >= 0
    }
  }

  /** Ternary: one operand decides where it is the deciding one, whatever the other is. */
  #connective(deciding: boolean): Value {
    const right = this.#pop()
    const left = this.#pop()
    if (left === deciding || right === deciding) return deciding
    if (left === !deciding && right === !deciding) return !deciding
    const unfit = typeof left === 'boolean' ? right : left
    return unfit instanceof Nothing ? unfit : nothing('kinds_differ')
  }

  /** Whether there is an item to look at; if not, the result is on the stack. */
  #enter({ node, of }: Extract<Instruction, { kind: 'each' }>): boolean {
    const list = this.#pop()
    if (list instanceof Nothing) {
      this.#push(list.reason === undefined ? nothing('operand_null') : list, node)
      return false
    }
    const items = Array.isArray(list)
      ? (list as readonly Value[])
      : list instanceof Range
        ? this.#integersOf(list)
        : [list]
    if (items === undefined) {
      this.#push(nothing('kinds_differ'), node)
      return false
    }
    this.#take(items.length)
    const loop = { items, at: 0, kept: [], unknown: undefined }
    if (items.length > 0) this.#loops.push(loop)
    else this.#push(resultOf(of, loop), node)
    return items.length > 0
  }

  /** Of a range between two integers, in its direction. */
  #integersOf({ low, high, isLowIn, isHighIn, operator }: Range): readonly Value[] | undefined {
    if (!isNumber(low) || !isNumber(high) || !low.isInteger() || !high.isInteger() || operator !== undefined)
      return undefined
    const distance = high.minus(low)
    this.#take(Math.min(distance.abs().toNumber(), this.#budget + 1))
    const step = distance.isNegative() ? -1 : 1
    const all = Array.from({ length: distance.abs().toNumber() + 1 }, (_, n) => new Num(low.plus(n * step)))
    return all.slice(isLowIn ? 0 : 1, isHighIn ? undefined : -1)
  }

  /** Whether another item follows; if not, the result is on the stack. */
  #goOn({ of, node, key }: Extract<Instruction, { kind: 'end' }>): boolean {
    const loop = this.#loops[this.#loops.length - 1] as Loop
    const condition = this.#pop()
    const item = loop.items[loop.at] as Value
    if (condition === true && (key === undefined || this.#hasField(item, key))) loop.kept.push(item)
    const isDecided = (of === 'some' && condition === true) || (of === 'every' && condition === false)
    if (typeof condition !== 'boolean')
      loop.unknown ??= condition instanceof Nothing ? condition : nothing('kinds_differ')
    loop.at++
    if (!isDecided && loop.at < loop.items.length) return true
    this.#loops.pop()
    this.#push(isDecided ? of === 'some' : resultOf(of, loop), node)
    return false
  }
}

function resultOf(of: 'filter' | 'entry' | 'some' | 'every', { kept, unknown }: Loop): Value {
  switch (of) {
    case 'filter':
      return kept
    case 'entry':
      return kept.length > 1 ? nothing('several_entries') : (kept[0] ?? NOTHING)
    default:
      return unknown ?? of === 'every'
  }
}

function ofTruth(truth: boolean | ReasonCode): Value {
  return typeof truth === 'boolean' ? truth : nothing(truth)
}

/** The reason of the operand that is null goes on with the result. */
function originOf(left: Value, right: Value): Nothing | undefined {
  for (const operand of [left, right]) if (operand instanceof Nothing && operand.reason !== undefined) return operand
  return undefined
}

function testOf(operator: Extract<AstNode, readonly ['test', ...unknown[]]>[1], end: Value): Range {
  switch (operator) {
    case '<':
    case '<=':
      return new Range(NOTHING, end, false, operator === '<=', operator)
    case '>':
    case '>=':
      return new Range(end, NOTHING, operator === '>=', false, operator)
    default:
      return new Range(end, end, true, true, operator)
  }
}
