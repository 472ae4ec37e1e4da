import { type ElementId, ROOT } from '../../../events/ids.ts'
import { type Ast, type AstNode, binderOf, operandsOf } from '../ast.ts'
import { isWithin, listsOn, namesOf, outerOf, parentOf, type Schema, sharedEntry } from '../schema.ts'
import { typed } from '../typer.ts'
import { textLiteral } from './text-literal.ts'
import { HERE_WORD, ITEM_WORD, OUTER_WORD, quoted, ROOT_WORD } from './words.ts'

/** How tightly an operator holds its operands: one that holds less stands in brackets. */
const BINDING = {
  open: 0,
  or: 1,
  and: 2,
  comparison: 3,
  sum: 4,
  product: 5,
  power: 6,
  sign: 7,
  path: 8,
  atom: 9,
} as const
type Binding = (typeof BINDING)[keyof typeof BINDING]

const BINDINGS: { readonly [operator: string]: Binding } = {
  or: BINDING.or,
  and: BINDING.and,
  '=': BINDING.comparison,
  '!=': BINDING.comparison,
  '<': BINDING.comparison,
  '<=': BINDING.comparison,
  '>': BINDING.comparison,
  '>=': BINDING.comparison,
  in: BINDING.comparison,
  between: BINDING.comparison,
  '+': BINDING.sum,
  '-': BINDING.sum,
  '*': BINDING.product,
  '/': BINDING.product,
  '**': BINDING.power,
  neg: BINDING.sign,
  path: BINDING.path,
  property: BINDING.path,
  filter: BINDING.path,
  if: BINDING.open,
  some: BINDING.open,
  every: BINDING.open,
}

function bindingOf(node: AstNode): Binding {
  if (node[0] === 'number' && node[1].startsWith('-')) return BINDING.sign
  return BINDINGS[node[0]] ?? BINDING.atom
}

/** What the elements are called, seen from the block that the rule stands in. */
export interface Naming {
  readonly block: ElementId
  /** Where bare names are looked up: the block, but of a rule for each entry of a list of fields. */
  readonly names: ElementId
  /** The blocks around where the rule stands, innermost first, as long as they stand in the innermost entry that an element does, too. */
  outward(id: ElementId): readonly ElementId[]
  nameOf(id: ElementId): string
  /** Whether the item of a filter, given by the place of its `each`, has a child of this name. */
  hasMember(each: number, name: string): boolean
}

/**
 * The text of an expression, with the names that the elements have today. Parsing it at the same block gives the same tree.
 * Requires a tree that has its form and, against this schema, no fault.
 */
export function print(ast: Ast, schema: Schema, block: ElementId): string {
  const typer = typed(ast, schema, block)
  return printWith(ast.nodes, {
    block,
    names: namesOf(block, schema),
    outward: (id) => outwardTo(id, block, schema),
    nameOf: (id) => schema.element(id)?.name ?? id,
    hasMember: (each, name) => {
      const type = typer.typeAt(each)
      const item = type.kind === 'list' ? type.of : type
      return item.kind === 'block' && schema.child(item.id, name) !== undefined
    },
  })
}

/** Up to the one that has the element below it. */
function outwardTo(id: ElementId, block: ElementId, schema: Schema): ElementId[] {
  const way: ElementId[] = []
  if (sharedEntry(id, listsOn(block, schema) ?? []) === undefined) return way
  for (let at = outerOf(block, schema); at !== undefined; at = outerOf(at, schema)) {
    way.push(at)
    if (isWithin(id, at)) break
  }
  return way
}

export function printWith(nodes: readonly AstNode[], naming: Naming): string {
  return new Printer(nodes, naming).print()
}

class Printer {
  readonly #nodes: readonly AstNode[]
  readonly #naming: Naming
  readonly #texts: string[] = []
  readonly #open: number[] = []

  constructor(nodes: readonly AstNode[], naming: Naming) {
    this.#nodes = nodes
    this.#naming = naming
  }

  print(): string {
    for (const [place, node] of this.#nodes.entries()) {
      if (node[0] === 'filter' || node[0] === 'some' || node[0] === 'every') this.#open.pop()
      this.#texts.push(this.#textOf(node))
      if (node[0] === 'each' || node[0] === 'each as') this.#open.push(place)
    }
    return this.#texts.at(-1) as string
  }

  /** In brackets where it holds less tightly than asked for. */
  #operand(place: number, least: Binding): string {
    const text = this.#texts[place] as string
    return bindingOf(this.#nodes[place] as AstNode) < least ? `(${text})` : text
  }

  #textOf(node: AstNode): string {
    const texts = operandsOf(node).map((place) => this.#texts[place] as string)
    switch (node[0]) {
      case 'null':
      case 'true':
      case 'false':
        return node[0]
      case 'number':
        return node[1]
      case 'text':
        return textLiteral(node[1])
      case 'date':
      case 'date-time':
      case 'duration':
        return `@"${node[1]}"`
      case 'ref':
        return this.#reference(node[1])
      case 'item':
        return this.#item(node[1])
      case 'path':
        return this.#path(node[1], node[2])
      case 'property':
        return `${this.#operand(node[2], BINDING.path)}.${node[1]}`
      case 'neg':
        return this.#negative(node[1])
      case 'if':
        return `if ${texts[0]} then ${texts[1]} else ${texts[2]}`
      case 'between':
        return this.#between(node)
      case 'in':
        return `${this.#operand(node[1], BINDING.sum)} in ${this.#operand(node[2], BINDING.sum)}`
      case 'test':
        return `(${node[1]} ${this.#operand(node[2], BINDING.sum)})`
      case 'tests':
        return `(${texts.join(', ')})`
      case 'list':
        return `[${texts.join(', ')}]`
      case 'range':
        return `${node[1]}${this.#operand(node[3], BINDING.sign)}..${this.#operand(node[4], BINDING.sign)}${node[2]}`
      case 'each':
        return this.#operand(node[1], BINDING.path)
      case 'each as':
        return `${node[1]} in ${this.#operand(node[2], BINDING.sum)}`
      case 'filter':
        return `${texts[0]}[${texts[1]}]`
      case 'some':
      case 'every':
        return `${node[0]} ${texts[0]} satisfies ${texts[1]}`
      case 'call':
        return `${node[1]}(${texts.join(', ')})`
      default:
        return this.#binary(node)
    }
  }

  /** Operators of one kind stand side by side only where they are read from the left. */
  #binary(node: readonly [string, number, number]): string {
    const binding = bindingOf(node as AstNode)
    const tighter = (binding + 1) as Binding
    const isChain = binding !== BINDING.comparison
    const left = this.#operand(node[1], isChain ? binding : tighter)
    return `${left} ${node[0]} ${this.#operand(node[2], tighter)}`
  }

  #negative(place: number): string {
    const operand = this.#nodes[place] as AstNode
    const text = this.#texts[place] as string
    return operand[0] === 'number' || bindingOf(operand) <= BINDING.sign ? `-(${text})` : `-${text}`
  }

  #between([, value, low, high]: readonly ['between', number, number, number]): string {
    const [one, from, to] = [value, low, high].map((place) => this.#operand(place, BINDING.sum))
    return `${one} between ${from} and ${to}`
  }

  /** From the block that the rule stands in, where it is below it; from one around it in the same entry; else from the root. */
  #reference(id: ElementId): string {
    const { block, names } = this.#naming
    if (id === ROOT) return ROOT_WORD
    if (id === block) return names === block || this.#filter !== undefined ? HERE_WORD : ITEM_WORD
    if (id !== names && isWithin(id, names)) {
      const first = id.slice(0, `${id}.`.indexOf('.', names.length + 1)) as ElementId
      const name = this.#naming.nameOf(first)
      const word = names === block ? HERE_WORD : OUTER_WORD
      const start = this.#isShadowed(name) ? `${word}.${quoted(name)}` : this.#quotedHere(name)
      return `${start}${this.#namesBelow(first, id)}`
    }
    const way = this.#naming.outward(id)
    const last = way.at(-1)
    if (last === undefined) return `${ROOT_WORD}${this.#namesBelow(ROOT as ElementId, id)}`
    return `${way.map(() => OUTER_WORD).join('.')}${this.#namesBelow(last, id)}`
  }

  #namesBelow(above: ElementId, id: ElementId): string {
    let path = ''
    for (let at = id; at !== above; at = parentOf(at)) path = `.${quoted(this.#naming.nameOf(at))}${path}`
    return path
  }

  /** A name in back-quotes is never that of an item. */
  #quotedHere(name: string): string {
    const isVariable = this.#open.some((place) => {
      const node = this.#nodes[place] as AstNode
      return node[0] === 'each as' && node[1] === name
    })
    return isVariable ? `\`${name}\`` : quoted(name)
  }

  #isShadowed(name: string): boolean {
    const filter = this.#filter
    return filter !== undefined && this.#naming.hasMember(filter, name)
  }

  /** The innermost one, by its `each`. */
  get #filter(): number | undefined {
    return this.#open.findLast((place) => this.#nodes[place]?.[0] === 'each')
  }

  #item(up: number): string {
    const node = this.#nodes[binderOf(up, this.#open) as number] as AstNode
    return node[0] === 'each as' ? node[1] : ITEM_WORD
  }

  #path(id: ElementId, base: number): string {
    const name = this.#naming.nameOf(id)
    const node = this.#nodes[base] as AstNode
    const isItem = node[0] === 'item' && this.#nodes[binderOf(node[1], this.#open) as number]?.[0] === 'each'
    if (isItem) return this.#quotedHere(name)
    return `${this.#operand(base, BINDING.path)}.${quoted(name)}`
  }
}
