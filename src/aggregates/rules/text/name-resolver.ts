import { type ElementId, ROOT } from '../../../events/ids.ts'
import type { AstNode } from '../ast.ts'
import { isWithin, namesOf, outerOf, type Schema } from '../schema.ts'
import type { TypeFault, Typer } from '../typer.ts'
import { isOpen, type RuleType, typeName } from '../types.ts'
import { propertiesOf, propertyNames } from '../values/properties.ts'
import { nearestName } from './suggest.ts'
import { HERE_WORD, ITEM_WORD, isPlain, OUTER_WORD, quoted, ROOT_WORD } from './words.ts'

export interface WrittenName {
  readonly name: string
  readonly isQuoted: boolean
  readonly from: number
  readonly to: number
}

type NameFault = Omit<TypeFault, 'place'>

/** What names mean where they stand: an item, what the item of a filter has, a child of the block, in this order. */
export class NameResolver {
  readonly #typer: Typer
  readonly #schema: Schema
  readonly #text: string
  /** Where bare names are looked up. */
  readonly #names: ElementId

  constructor(typer: Typer, text: string) {
    this.#typer = typer
    this.#schema = typer.schema
    this.#text = text
    this.#names = namesOf(typer.block, typer.schema)
  }

  isVariable(name: string): boolean {
    return this.#variableAt(name) !== -1
  }

  /** The node, and the child of it that is meant. */
  variable(written: WrittenName): { nodes: readonly [AstNode, ElementId?] } | NameFault {
    const { name, isQuoted } = written
    const filter = this.#innermostFilter()
    if (!isQuoted) {
      if (name === ROOT_WORD) return { nodes: [['ref', ROOT as ElementId]] }
      if (name === HERE_WORD) return { nodes: [['ref', this.#typer.block]] }
      if (name === OUTER_WORD) return this.#outerOf(this.#typer.block)
      if (name === ITEM_WORD && filter !== -1) return { nodes: [this.#item(filter)] }
      if (name === ITEM_WORD && this.#names !== this.#typer.block) return { nodes: [['ref', this.#typer.block]] }
      const variable = this.#variableAt(name)
      if (variable !== -1) return { nodes: [this.#item(variable)] }
    }
    const member = filter === -1 ? undefined : this.#childOf(this.#openType(filter), name)
    if (member !== undefined) return { nodes: [this.#item(filter), member] }
    const child = this.#schema.child(this.#names, name)
    return child === undefined ? this.#unknown(written, filter) : { nodes: [['ref', child]] }
  }

  /** A child of what stands before the dot, or a property of it. */
  child(base: number, { name, isQuoted }: WrittenName): { node: AstNode } | NameFault {
    const type = this.#typer.typeAt(base)
    const of = type.kind === 'list' ? type.of : type
    const node = this.#typer.nodes[base]
    if (name === OUTER_WORD && !isQuoted && node?.[0] === 'ref' && this.#isOnTheWay(node[1])) {
      const outer = this.#outerOf(node[1])
      return 'code' in outer ? outer : { node: outer.nodes[0] }
    }
    if (of.kind === 'block') {
      const child = this.#childOf(type, name)
      if (child === undefined) return this.#noChild(of.id, name)
      return {
        node: node?.[0] === 'ref' && type.kind === 'block' ? ['ref', child] : ['path', child, base],
      }
    }
    if (!isQuoted && (Object.hasOwn(propertiesOf(of), name) || (isOpen(of) && propertyNames.includes(name)))) {
      return { node: ['property', name, base] }
    }
    const meant = nearestName(name, Object.keys(propertiesOf(of)))
    const message = `a ${typeName(of)} has no property ${name}`
    return { code: 'expression_unknown_name', message, ...(meant === undefined ? {} : { suggestion: meant }) }
  }

  /** A block around the rule: what stands around that is named from there. Of the root there is nothing. */
  #isOnTheWay(id: ElementId): boolean {
    return id !== ROOT && isWithin(this.#typer.block, id)
  }

  #outerOf(id: ElementId): { nodes: readonly [AstNode] } | NameFault {
    const outer = outerOf(id, this.#schema)
    if (outer !== undefined) return { nodes: [['ref', outer]] }
    return { code: 'expression_unknown_name', message: 'there is nothing around the whole document' }
  }

  #item(at: number): AstNode {
    return ['item', this.#typer.open.length - 1 - at]
  }

  #openType(at: number): RuleType {
    return this.#typer.typeAt(this.#typer.open[at] as number)
  }

  #innermostFilter(): number {
    return this.#typer.open.findLastIndex((place) => this.#typer.nodes[place]?.[0] === 'each')
  }

  #variableAt(name: string): number {
    return this.#typer.open.findLastIndex((place) => {
      const node = this.#typer.nodes[place]
      return node?.[0] === 'each as' && node[1] === name
    })
  }

  #childOf(type: RuleType, name: string): ElementId | undefined {
    const block = type.kind === 'list' ? type.of : type
    return block.kind === 'block' ? this.#schema.child(block.id, name) : undefined
  }

  #unknown({ name, from }: WrittenName, filter: number): NameFault {
    const message = `there is no ${name} here`
    const suggestion = this.#meantHere(name, from, filter)
    return { code: 'expression_unknown_name', message, ...(suggestion === undefined ? {} : { suggestion }) }
  }

  #meantHere(name: string, from: number, filter: number): string | undefined {
    const block = this.#names
    const spelled = nameInText(this.#text, this.#namesIn(block), from)
    if (spelled !== undefined) return quoted(spelled)
    const item = filter === -1 ? undefined : this.#openType(filter)
    const members = item?.kind === 'block' ? this.#namesIn(item.id) : []
    const near = nearestName(name, [...members, ...this.#namesIn(block)])
    if (near !== undefined) return quoted(near)
    if (block === ROOT) return undefined
    const above = nearestName(name, this.#namesIn(ROOT as ElementId))
    return above === undefined ? undefined : `${ROOT_WORD}.${quoted(above)}`
  }

  #noChild(block: ElementId, name: string): NameFault {
    const element = this.#schema.element(block)
    const where = element === undefined || element.name === '' ? 'here' : `in ${element.name}`
    const meant = nearestName(name, this.#namesIn(block))
    const message = `there is no ${name} ${where}`
    return { code: 'expression_unknown_name', message, ...(meant === undefined ? {} : { suggestion: quoted(meant) }) }
  }

  *#namesIn(block: ElementId): Iterable<string> {
    for (const child of this.#schema.children(block)) {
      const element = this.#schema.element(child)
      if (element !== undefined) yield element.name
    }
  }
}

/** The longest name that stands in the text from there on, as it is, and would have to be in back-quotes. */
export function nameInText(text: string, names: Iterable<string>, from: number): string | undefined {
  let longest: string | undefined
  for (const name of names) {
    if (isPlain(name) || !text.startsWith(name, from)) continue
    if (longest === undefined || name.length > longest.length) longest = name
  }
  return longest
}
