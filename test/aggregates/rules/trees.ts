import fc from 'fast-check'
import type { Ast, AstNode } from '../../../src/aggregates/rules/ast.ts'
import { callType } from '../../../src/aggregates/rules/call-type.ts'
import type { ParameterKind } from '../../../src/aggregates/rules/functions/function-spec.ts'
import { functions } from '../../../src/aggregates/rules/functions/function-table.ts'
import { outerOf } from '../../../src/aggregates/rules/schema.ts'
import { Typer } from '../../../src/aggregates/rules/typer.ts'
import { ANY, isOpen, NUMBER, type RuleType } from '../../../src/aggregates/rules/types.ts'
import { validateAst } from '../../../src/aggregates/rules/validate-ast.ts'
import { propertiesOf } from '../../../src/aggregates/rules/values/properties.ts'
import type { ElementId } from '../../../src/events/ids.ts'
import type { SampleDocument } from './sample-document.ts'

const NUMBERS = ['0', '1', '-1', '2', '0.1', '-12.5', '7', '1e+50', '1e-30', '9999999999999999999999999999999999', '33']
const TEXTS = [
  '',
  'a',
  'Chile',
  'cornhill-re',
  'say "hi"\\n',
  'two\nlines\t',
  '🐎é',
  '2026-02-28',
  'P1D',
  '[1..3]',
  'GBP',
]
type Want = 'number' | 'text' | 'boolean' | 'date' | 'duration' | 'list'
const WANTS: readonly Want[] = ['number', 'text', 'boolean', 'date', 'duration', 'list']
const CONSTANTS: { readonly [want in 'boolean' | 'date' | 'duration']: readonly AstNode[] } = {
  boolean: [['true'], ['false'], ['null']],
  date: [
    ['date', '2026-02-28'],
    ['date-time', '2026-02-28T23:59:59.5Z'],
    ['date-time', '2026-02-28T23:59:59'],
  ],
  duration: [
    ['duration', 'P1Y2M'],
    ['duration', '-P1DT2H'],
    ['duration', 'PT0S'],
  ],
}
/** What an argument for a parameter is, mostly. */
const ARGUMENTS: { readonly [kind in ParameterKind]?: Want } = {
  text: 'text',
  number: 'number',
  amount: 'number',
  magnitude: 'number',
  boolean: 'boolean',
  day: 'date',
  list: 'list',
}
const BINARY = ['+', '-', '*', '/', '**'] as const
const COMPARISONS = ['=', '!=', '<', '<=', '>', '>='] as const
const VARIABLES = ['i', 'line', 'Rate', 'Tom', 'Written']

/** Builds trees from a sequence of choices; what the type check refuses is built in another way. */
class TreeBuilder {
  #typer: Typer
  readonly #document: SampleDocument
  readonly #block: ElementId
  readonly #choices: Uint8Array
  #at = 0

  constructor(document: SampleDocument, block: ElementId, choices: Uint8Array) {
    this.#document = document
    this.#block = block
    this.#choices = choices
    this.#typer = new Typer(document, block)
  }

  build(): Ast {
    this.#expression(6)
    return { language: 1, nodes: this.#typer.nodes }
  }

  #choose(count: number): number {
    return (this.#choices[this.#at++] ?? 0) % count
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#choose(from.length)] as T
  }

  /** Puts a node, or a null in its place where it has no meaning there: then nothing of it is left. */
  #put(node: AstNode, start: number): number {
    const faults = this.#typer.faults.length
    const place = this.#typer.push(node)
    return this.#typer.faults.length === faults ? place : this.#replaced(start)
  }

  #replaced(start: number): number {
    const kept = this.#typer.nodes.slice(0, start)
    this.#typer = new Typer(this.#document, this.#block)
    for (const node of kept) this.#typer.push(node)
    return this.#typer.push(['null'])
  }

  #type(place: number): RuleType {
    return this.#typer.types[place] ?? ANY
  }

  /** `want`: the kind that has a meaning where it stands; now and then it is another. */
  #expression(depth: number, want: Want = this.#pick(WANTS)): number {
    const start = this.#typer.nodes.length
    if (depth === 0 || this.#at >= this.#choices.length) return this.#leaf(start, want)
    switch (this.#choose(12)) {
      case 0:
        return this.#leaf(start, want)
      case 1:
        return this.#call(depth, want, start)
      case 2: {
        const condition = this.#expression(depth - 1, 'boolean')
        const yes = this.#expression(depth - 1, want)
        return this.#put(['if', condition, yes, this.#expression(depth - 1, want)], start)
      }
      case 3:
        return this.#path(depth, start)
      case 4:
        return this.#expression(depth)
      default:
        return this.#operation(depth, want, start)
    }
  }

  #operation(depth: number, want: Want, start: number): number {
    switch (want) {
      case 'number':
      case 'text':
      case 'duration': {
        if (want !== 'text' && this.#choose(5) === 0)
          return this.#put(['neg', this.#expression(depth - 1, want)], start)
        const one = this.#expression(depth - 1, want)
        const operator = want === 'number' ? this.#pick(BINARY) : '+'
        return this.#put([operator, one, this.#expression(depth - 1, want)], start)
      }
      case 'date': {
        const date = this.#expression(depth - 1, 'date')
        return this.#put([this.#pick(['+', '-']), date, this.#expression(depth - 1, 'duration')], start)
      }
      case 'list':
        return this.#choose(2) === 0
          ? this.#put(['list', ...this.#many(depth, this.#pick(WANTS))], start)
          : this.#filter(depth, start)
      default:
        return this.#condition(depth, start)
    }
  }

  #condition(depth: number, start: number): number {
    const of = this.#pick(WANTS)
    switch (this.#choose(6)) {
      case 0: {
        const one = this.#expression(depth - 1, 'boolean')
        return this.#put([this.#pick(['and', 'or']), one, this.#expression(depth - 1, 'boolean')], start)
      }
      case 1: {
        const [one, two] = [this.#expression(depth - 1, of), this.#expression(depth - 1, of)]
        return this.#put(['between', one, two, this.#expression(depth - 1, of)], start)
      }
      case 2: {
        const value = this.#expression(depth - 1, of)
        const tests = this.#typer.nodes.length
        const all = [this.#test(depth - 1, of), this.#test(depth - 1, of), ...this.#many(depth - 1, of)]
        const group = this.#put(['tests', ...all], tests)
        return this.#put(['in', value, group], start)
      }
      case 3: {
        const value = this.#expression(depth - 1, of)
        const range = this.#typer.nodes.length
        const [low, high] = [this.#expression(depth - 1, of), this.#expression(depth - 1, of)]
        const test = this.#put(['range', this.#pick(['[', '(']), this.#pick([']', ')']), low, high], range)
        return this.#put(['in', value, test], start)
      }
      case 4:
        return this.#quantified(depth, start)
      default: {
        const one = this.#expression(depth - 1, of)
        return this.#put([this.#pick(COMPARISONS), one, this.#expression(depth - 1, of)], start)
      }
    }
  }

  #many(depth: number, want: Want): number[] {
    return Array.from({ length: this.#choose(4) }, () => this.#expression(depth - 1, want))
  }

  #test(depth: number, want: Want): number {
    const start = this.#typer.nodes.length
    return this.#put(['test', this.#pick(COMPARISONS), this.#expression(depth - 1, want)], start)
  }

  #leaf(start: number, want: Want): number {
    if (this.#typer.open.length > 0 && this.#choose(3) > 0) return this.#item(start)
    if (this.#choose(2) === 0) {
      const fields = this.#fieldsOf(want)
      if (fields.length > 0) return this.#put(['ref', this.#pick(fields)], start)
    }
    switch (want) {
      case 'number':
        return this.#put(['number', this.#pick(NUMBERS)], start)
      case 'text':
        return this.#put(['text', this.#pick(TEXTS)], start)
      case 'list':
        return this.#put(['list'], start)
      default:
        return this.#put(this.#pick(CONSTANTS[want]), start)
    }
  }

  /** From the root, from the block itself, and from all around it; of a list of fields the entry. */
  #fieldsOf(want: Want): ElementId[] {
    const entry = this.#document.element(this.#block)
    const fields = entry?.kind === 'field' && entry.type.kind === want ? [this.#block] : []
    const around = new Set<ElementId>()
    for (let at: ElementId | undefined = this.#block; at !== undefined; at = outerOf(at, this.#document)) around.add(at)
    const blocks = [...around]
    for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
      for (const child of this.#document.children(block)) {
        const element = this.#document.element(child)
        if (element?.kind === 'block') blocks.push(child)
        else if ((element?.kind === 'list' ? 'list' : element?.type.kind) === want) fields.push(child)
      }
    }
    return fields
  }

  /** Of a filter only the innermost one's. */
  #item(start: number): number {
    const { open, nodes } = this.#typer
    const innermost = open.findLastIndex((place) => nodes[place]?.[0] === 'each')
    const named = open.flatMap((place, n) => (nodes[place]?.[0] === 'each as' || n === innermost ? [n] : []))
    const item = this.#put(['item', open.length - 1 - this.#pick(named)], start)
    return this.#childOf(item, start)
  }

  #childOf(base: number, start: number): number {
    const type = this.#type(base)
    const of = type.kind === 'list' ? type.of : type
    if (of.kind !== 'block') return base
    return this.#childOf(this.#put(['path', this.#pick([...this.#document.children(of.id)]), base], start), start)
  }

  #path(depth: number, start: number): number {
    const base = this.#expression(depth - 1, this.#pick(['date', 'duration', 'list']))
    const type = this.#type(base)
    const of = type.kind === 'list' ? type.of : type
    if (of.kind === 'block') return this.#childOf(base, start)
    const names = Object.keys(propertiesOf(of))
    return names.length === 0 || isOpen(of) ? base : this.#put(['property', this.#pick(names), base], start)
  }

  #list(depth: number): number {
    const start = this.#typer.nodes.length
    const places: readonly (readonly string[])[] = [['Lines'], ['Limits'], ['Notes']]
    return this.#choose(3) > 0
      ? this.#put(['ref', this.#document.id(...this.#pick(places))], start)
      : this.#expression(depth - 1, 'list')
  }

  /** Whether the `each` stands: it may have been put away for a null. */
  #isOpen(place: number): boolean {
    return this.#typer.open.at(-1) === place
  }

  #filter(depth: number, start: number): number {
    const each = this.#put(['each', this.#list(depth)], start)
    if (!this.#isOpen(each)) return each
    const condition = this.#expression(depth - 1, 'boolean')
    const filter = this.#put(['filter', each, condition], start)
    return this.#choose(2) === 0 ? filter : this.#childOf(filter, start)
  }

  #quantified(depth: number, start: number): number {
    const taken = this.#typer.open.map((place) => this.#typer.nodes[place]?.[1])
    const names = VARIABLES.filter((name) => !taken.includes(name))
    if (names.length === 0) return this.#leaf(start, 'boolean')
    const list = this.#list(depth)
    const each = this.#put(['each as', this.#pick(names), list], start)
    if (!this.#isOpen(each)) return each
    return this.#put([this.#pick(['some', 'every']), each, this.#expression(depth - 1, 'boolean')], start)
  }

  #call(depth: number, want: Want, start: number): number {
    const names = [...functions.keys()].filter((name) => resultKind(name) === want)
    const name = this.#pick(names.length === 0 ? [...functions.keys()] : names)
    const spec = this.#pick(functions.get(name) ?? [])
    const count = spec.parameters.length + (spec.isVariadic ? this.#choose(3) : 0)
    const given = Array.from({ length: count }, (_, n) =>
      this.#expression(depth - 1, ARGUMENTS[spec.parameters[n]?.kind ?? 'list']),
    )
    const types = given.map((place) => this.#type(place))
    return 'kind' in callType(name, types) ? this.#put(['call', name, ...given], start) : this.#replaced(start)
  }
}

function resultKind(name: string): string | undefined {
  const spec = functions.get(name)?.[0]
  return spec?.result(spec.parameters.map(() => NUMBER)).kind
}

/** Trees that have their form and no fault, at one block of a document. */
export function anyTree(document: SampleDocument, block: ElementId): fc.Arbitrary<Ast> {
  return fc
    .uint8Array({ minLength: 1, maxLength: 200, size: 'max' })
    .map((choices) => new TreeBuilder(document, block, choices).build())
    .filter((ast) => !('code' in validateAst(JSON.parse(JSON.stringify(ast)))))
}
