import type { ElementId } from '../../events/ids.ts'
import { type Ast, type AstNode, binderOf, operandsOf } from './ast.ts'
import { callType } from './call-type.ts'
import type { FaultCode } from './fault.ts'
import { arithmeticType, moneyHint, negatedType } from './operation-types.ts'
import { isWithin, listsOn, parentOf, type Schema } from './schema.ts'
import { nearestName } from './text/suggest.ts'
import {
  ANY,
  areComparable,
  BOOLEAN,
  DATE,
  DATE_TIME,
  isOpen,
  isOrdered,
  listOf,
  MONTHS,
  NULL,
  NUMBER,
  notAmongOptions,
  type RuleType,
  TIME_SPAN,
  typeName,
  unite,
} from './types.ts'
import { propertyType } from './values/properties.ts'

export const BLOCK_IS_NO_VALUE = 'a block, or one entry of a list, is no value: name a field of it'

/** What is wrong with one node. */
export interface TypeFault {
  readonly place: number
  readonly code: FaultCode
  readonly message: string
  readonly suggestion?: string
}

/** Where a node's type stands, and what is wrong with it, in one pass over the nodes as they come. */
export class Typer {
  readonly nodes: AstNode[] = []
  readonly types: RuleType[] = []
  readonly faults: TypeFault[] = []
  /** The `each` that the next node stands in, outermost first. */
  readonly open: number[] = []
  readonly schema: Schema
  /** The block that the rule stands in. */
  readonly block: ElementId

  constructor(schema: Schema, block: ElementId) {
    this.schema = schema
    this.block = block
  }

  /** Requires operands that have been pushed. */
  push(node: AstNode): number {
    const place = this.nodes.length
    this.nodes.push(node)
    if (isBinding(node)) this.open.pop()
    this.types.push(this.#typeOf(node, place))
    if (node[0] === 'each' || node[0] === 'each as') this.open.push(place)
    return place
  }

  /** The last node, where another stands for it and a child of it. */
  replaceLast(node: AstNode): void {
    this.nodes.pop()
    this.types.pop()
    this.push(node)
  }

  typeAt(place: number): RuleType {
    return this.types[place] as RuleType
  }

  fault(place: number, code: FaultCode, message: string, suggestion?: string): RuleType {
    this.faults.push({ place, code, message, ...(suggestion === undefined ? {} : { suggestion }) })
    return ANY
  }

  #typeOf(node: AstNode, place: number): RuleType {
    switch (node[0]) {
      case 'null':
        return NULL
      case 'true':
      case 'false':
        return BOOLEAN
      case 'number':
        return NUMBER
      case 'text':
        return { kind: 'text', literals: [node[1]] }
      case 'date':
        return DATE
      case 'date-time':
        return DATE_TIME
      case 'duration':
        return /[DT]/.test(node[1]) ? TIME_SPAN : MONTHS
      case 'ref':
        return this.#elementType(node[1], place)
      case 'item': {
        const binder = binderOf(node[1], this.open)
        if (binder === undefined) return this.fault(place, 'expression_malformed', 'an item of nothing')
        return this.typeAt(binder)
      }
      case 'path':
        return this.#pathType(node[1], this.typeAt(node[2]), place)
      case 'property':
        return this.#propertyType(node[1], this.typeAt(node[2]), place)
      case 'call':
        return this.#callType(node[1], operandsOf(node), place)
      case 'each':
      case 'each as':
        return this.#itemType(this.typeAt(node[0] === 'each' ? node[1] : node[2]), place)
      default:
        return this.#operationType(node, place)
    }
  }

  #operationType(node: AstNode, place: number): RuleType {
    const operands = operandsOf(node).map((operand) => this.typeAt(operand))
    for (const [n, { kind }] of operands.entries()) {
      if (kind !== 'block' || node[0] === 'if' || (n === 0 && isBinding(node))) continue
      if ((node[0] === '=' || node[0] === '!=') && operands[1 - n]?.kind === 'null') continue
      return this.fault(operandsOf(node)[n] as number, 'expression_type_unfit', BLOCK_IS_NO_VALUE)
    }
    const [first = ANY, second = ANY, third = ANY] = operands
    switch (node[0]) {
      case 'neg':
        return negatedType(first) ?? this.#unfit(place, `a ${typeName(first)} has no negative`)
      case '+':
      case '-':
      case '*':
      case '/':
      case '**': {
        const type = arithmeticType(node[0], first, second)
        return 'message' in type ? this.#unfit(place, type.message, type.suggestion) : type
      }
      case '=':
      case '!=':
        return this.#comparison(place, first, second)
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.#ordering(place, first, second)
      case 'between':
        return this.#ordering(place, first, unite(second, third), second, third)
      case 'and':
      case 'or':
        return this.#connective(node[0], operandsOf(node))
      case 'in':
        return this.#membership(place, first, second)
      case 'test':
        return { kind: 'range', of: first }
      case 'range':
        this.#ordering(place, first, second)
        return { kind: 'range', of: unite(first, second) }
      case 'tests':
      case 'list':
        return listOf(operands.reduce(unite, NULL))
      case 'if':
        if (!isOpen(first) && first.kind !== 'boolean')
          this.#unfit(operandsOf(node)[0] as number, conditionMessage(first))
        return unite(second, third)
      default:
        return this.#bound(node, first)
    }
  }

  #bound(node: AstNode, item: RuleType): RuleType {
    const [binder, condition] = operandsOf(node) as [number, number]
    const type = this.typeAt(condition)
    if (node[0] === 'filter' && type.kind === 'number') {
      const message = 'a list has no positions: entries come and go; choose by what stands in them'
      return this.fault(condition, 'expression_unsupported', message)
    }
    if (!isOpen(type) && type.kind !== 'boolean') this.#unfit(condition, conditionMessage(type))
    if (node[0] !== 'filter') return BOOLEAN
    const list = this.typeAt(operandsOf(this.nodes[binder] as AstNode)[0] as number)
    const key = list.kind === 'list' ? list.key : undefined
    if (key === undefined) return listOf(item)
    return isKeyFilter(this.nodes, binder, condition, key) ? item : { kind: 'list', of: item, key }
  }

  #elementType(id: ElementId, place: number): RuleType {
    const element = this.schema.element(id)
    const lists = listsOn(id, this.schema)
    if (element === undefined || lists === undefined) {
      return this.fault(place, 'expression_unknown_name', `there is no element ${id}`)
    }
    // Below a prototype a rule sees its own entry, and those around it; of another list there is no entry that would be meant.
    if (lists.some((list) => !isWithin(this.block, `${list}.0` as ElementId))) {
      return this.fault(
        place,
        'expression_unknown_name',
        `${id} stands in the entries of a list, and none of them is meant`,
      )
    }
    return typeOfElement(id, this.schema)
  }

  #pathType(id: ElementId, base: RuleType, place: number): RuleType {
    const block = base.kind === 'list' ? base.of : base
    if (block.kind !== 'block' || parentOf(id) !== block.id || this.schema.element(id) === undefined) {
      return this.fault(place, 'expression_unknown_name', `there is no element ${id}`)
    }
    const type = typeOfElement(id, this.schema)
    return base.kind === 'list' ? listOf(type) : type
  }

  #propertyType(name: string, base: RuleType, place: number): RuleType {
    const of = base.kind === 'list' ? base.of : base
    const type = propertyType(name, of)
    if (type === undefined) {
      return this.fault(place, 'expression_unknown_name', `a ${typeName(of)} has no property ${name}`)
    }
    return base.kind === 'list' ? listOf(type) : type
  }

  #callType(name: string, places: readonly number[], place: number): RuleType {
    const block = places.find((argument) => this.typeAt(argument).kind === 'block')
    if (block !== undefined) return this.#unfit(block, BLOCK_IS_NO_VALUE)
    const type = callType(
      name,
      places.map((argument) => this.typeAt(argument)),
    )
    if (!('code' in type)) return type
    const at = type.argument === undefined ? place : (places[type.argument] ?? place)
    return this.fault(at, type.code, type.message)
  }

  #itemType(type: RuleType, place: number): RuleType {
    if (type.kind === 'list') return type.of
    if (type.kind === 'range') return type.of
    if (type.kind === 'block') return this.#unfit(place, 'a block is no list')
    return type
  }

  #comparison(place: number, one: RuleType, other: RuleType): RuleType {
    if (!areComparable(one, other) && one.kind !== 'block' && other.kind !== 'block') {
      return this.#unfit(place, `a ${typeName(one)} never equals a ${typeName(other)}`, moneyHint(one, other))
    }
    return this.#amongOptions(place, one, other)
  }

  #amongOptions(place: number, one: RuleType, other: RuleType): RuleType {
    const stray = notAmongOptions(one, other)
    if (stray === undefined) return BOOLEAN
    const { text, options } = stray
    this.fault(place, 'expression_type_unfit', `"${text}" is none of the options`, nearestText(text, options))
    return BOOLEAN
  }

  #ordering(place: number, one: RuleType, other: RuleType, ...others: RuleType[]): RuleType {
    for (const type of [one, other, ...others]) {
      if (!isOrdered(type)) return this.#unfit(place, `there is no order among values that are ${typeName(type)}`)
    }
    for (const type of [other, ...others]) {
      if (!areComparable(one, type)) {
        const message = `a ${typeName(one)} has no order with a ${typeName(type)}`
        return this.#unfit(place, message, moneyHint(one, type))
      }
    }
    return BOOLEAN
  }

  #connective(operator: 'and' | 'or', places: readonly number[]): RuleType {
    for (const place of places) {
      const type = this.typeAt(place)
      if (!isOpen(type) && type.kind !== 'boolean') {
        return this.#unfit(place, `"${operator}" joins conditions; this is a ${typeName(type)}`)
      }
    }
    return BOOLEAN
  }

  #membership(place: number, value: RuleType, test: RuleType): RuleType {
    if (test.kind === 'range') {
      return areComparable(value, test.of) || areComparable(value, test)
        ? this.#amongOptions(place, value, test.of)
        : this.#unfit(place, `a ${typeName(value)} is in no range of ${typeName(test.of)}`, moneyHint(value, test.of))
    }
    if (test.kind !== 'list') return this.#comparison(place, value, test)
    const item = test.of.kind === 'range' ? test.of.of : test.of
    if (areComparable(value, item) || areComparable(value, test)) return this.#amongOptions(place, value, item)
    return this.#unfit(place, `a ${typeName(value)} is in no ${typeName(test)}`, moneyHint(value, item))
  }

  #unfit(place: number, message: string, suggestion?: string): RuleType {
    return this.fault(place, 'expression_type_unfit', message, suggestion)
  }
}

function isBinding([operator]: AstNode): boolean {
  return operator === 'filter' || operator === 'some' || operator === 'every'
}

/** Types every node of a tree that has its form. */
export function typed(ast: Ast, schema: Schema, block: ElementId): Typer {
  const typer = new Typer(schema, block)
  for (const node of ast.nodes) typer.push(node)
  return typer
}

/** Requires an element of the schema. */
export function typeOfElement(id: ElementId, schema: Schema): RuleType {
  const element = schema.element(id)
  if (element?.kind === 'field') return element.type
  if (element?.kind !== 'list') return { kind: 'block', id }
  const entry = schema.element(element.entry)
  const of: RuleType = entry?.kind === 'field' ? entry.type : { kind: 'block', id: element.entry }
  return element.key === undefined ? listOf(of) : { kind: 'list', of, key: element.key }
}

/**
 * Whether a filter says `key = something` of a list's key, so that it finds one entry or none. What it is compared with must
 * not depend on the entry that is looked at.
 */
export function isKeyFilter(nodes: readonly AstNode[], binder: number, condition: number, key: ElementId): boolean {
  const comparison = nodes[condition] as AstNode
  if (comparison[0] !== '=' || nodes[binder]?.[0] !== 'each') return false
  const path = nodes[comparison[1]] as AstNode
  if (path[0] !== 'path' || path[1] !== key) return false
  const item = nodes[path[2]] as AstNode
  // Entries without a key are no entry in particular.
  if (item[0] !== 'item' || item[1] !== 0 || nodes[comparison[2]]?.[0] === 'null') return false
  let depth = 0
  for (let place = comparison[1] + 1; place < condition; place++) {
    const node = nodes[place] as AstNode
    if (node[0] === 'each' || node[0] === 'each as') depth++
    else if (node[0] === 'filter' || node[0] === 'some' || node[0] === 'every') depth--
    else if (node[0] === 'item' && node[1] === depth) return false
  }
  return true
}

function conditionMessage(type: RuleType): string {
  return `a condition is true or false; this is a ${typeName(type)}`
}

function nearestText(text: string, options: readonly string[]): string | undefined {
  const nearest = nearestName(text, options)
  return nearest === undefined ? undefined : `"${nearest}"`
}
