import type { DocumentView, Schema, SchemaElement } from '../../../src/aggregates/rules/schema.ts'
import type { RuleType } from '../../../src/aggregates/rules/types.ts'
import { parseDate, parseDateTime, parseDuration } from '../../../src/aggregates/rules/values/calendar.ts'
import { Num } from '../../../src/aggregates/rules/values/numbers.ts'
import { Money, type Value } from '../../../src/aggregates/rules/values/values.ts'
import { type ElementId, ROOT } from '../../../src/events/ids.ts'

/** A structure in short: a field's type, a block's children, or a list's entry. */
type Shape =
  | RuleType
  | { readonly block: Blocks }
  | { readonly list: Shape; readonly key?: string; readonly max?: number }
interface Blocks {
  readonly [name: string]: Shape
}

const number: RuleType = { kind: 'number' }
const text: RuleType = { kind: 'text' }
const gbp: RuleType = { kind: 'money', currency: 'GBP' }

/** Names that stand in each other's way on purpose. */
const SLIP: Blocks = {
  Rate: number,
  Premium: gbp,
  'Terms and Conditions': text,
  Inception: { kind: 'date' },
  Bound: { kind: 'date-time' },
  Period: { kind: 'duration' },
  Agreed: { kind: 'boolean' },
  Country: { kind: 'choice', options: ['Chile', 'Mexico'] },
  Insured: { block: { Name: text, Rate: number, 'Due date': { kind: 'date' } } },
  Lines: {
    list: {
      block: {
        Insurer: { kind: 'party' },
        Written: number,
        Signed: number,
        Rate: number,
        Share: gbp,
        Layers: { list: { block: { Limit: gbp, Rate: number } }, max: 5 },
        Address: { block: { City: text, Country: text } },
      },
    },
    key: 'Insurer',
    max: 20,
  },
  Limits: { list: number, max: 10 },
  Notes: { list: text, max: 10 },
  item: number,
  if: text,
  here: number,
  outer: number,
  date: { kind: 'date' },
  Tom: text,
}

export class SampleDocument implements Schema, DocumentView {
  readonly #elements = new Map<ElementId, SchemaElement>([[ROOT as ElementId, { kind: 'block', name: '' }]])
  readonly #children = new Map<ElementId, Map<string, ElementId>>()
  readonly values = new Map<ElementId, Value>()
  time: Value | null = null
  readonly #entries = new Map<ElementId, readonly ElementId[]>()

  constructor(shape: Blocks = SLIP) {
    this.#block(ROOT as ElementId, shape)
  }

  element(id: ElementId) {
    return this.#elements.get(id)
  }

  child(block: ElementId, name: string) {
    return this.#children.get(block)?.get(name)
  }

  children(block: ElementId) {
    return this.#children.get(block)?.values() ?? []
  }

  value(field: ElementId) {
    return this.values.get(field) ?? null
  }

  requestTime(): Value | null {
    return this.time
  }

  entries(list: ElementId) {
    return this.#entries.get(list) ?? []
  }

  /** Names from the root: those of entries are their ordinals. */
  id(...path: readonly (string | number)[]): ElementId {
    return path.reduce((id: ElementId, step) => {
      if (typeof step === 'number') return `${id}.${step}` as ElementId
      return (id +
        (this.child(prototypeOf(id, this), step) as ElementId).slice(prototypeOf(id, this).length)) as ElementId
    }, ROOT as ElementId)
  }

  set(path: readonly (string | number)[], value: Value): this {
    this.values.set(this.id(...path), value)
    return this
  }

  fill(path: readonly (string | number)[], count: number): this {
    const list = this.id(...path)
    this.#entries.set(
      list,
      Array.from({ length: count }, (_, n) => `${list}.${n + 1}` as ElementId),
    )
    return this
  }

  #block(id: ElementId, shape: Blocks): void {
    const names = new Map<string, ElementId>()
    this.#children.set(id, names)
    for (const [n, [name, child]] of Object.entries(shape).entries()) {
      const childId = `${id}.${n + 1}` as ElementId
      names.set(name, childId)
      this.#add(childId, name, child)
    }
  }

  #add(id: ElementId, name: string, shape: Shape): void {
    if ('kind' in shape) this.#elements.set(id, { kind: 'field', name, type: shape })
    else if ('block' in shape) {
      this.#elements.set(id, { kind: 'block', name })
      this.#block(id, shape.block)
    } else {
      const entry = `${id}.0` as ElementId
      this.#add(entry, '', shape.list)
      const key = shape.key === undefined ? undefined : this.child(entry, shape.key)
      this.#elements.set(id, {
        kind: 'list',
        name,
        entry,
        entriesMax: shape.max ?? 10,
        ...(key === undefined ? {} : { key }),
      })
    }
  }
}

/** The same element below the prototypes of the lists that it stands in. */
function prototypeOf(id: ElementId, schema: Schema): ElementId {
  let prototype = ROOT as ElementId
  for (const step of id.split('.').slice(1)) {
    const isEntry = schema.element(prototype)?.kind === 'list'
    prototype = `${prototype}.${isEntry ? '0' : step}` as ElementId
  }
  return prototype
}

/** A slip with values in it: three lines, one of which is half empty. */
export function sampleSlip(): SampleDocument {
  const slip = new SampleDocument()
    .set(['Rate'], new Num('0.125'))
    .set(['Premium'], new Money(new Num('1250.50'), 'GBP'))
    .set(['Terms and Conditions'], 'as agreed 🤝')
    .set(['Inception'], parseDate('2026-01-31') as Value)
    .set(['Bound'], parseDateTime('2026-01-30T12:00:00+01:00') as Value)
    .set(['Period'], parseDuration('P1Y') as Value)
    .set(['Agreed'], true)
    .set(['Country'], 'Chile')
    .set(['Insured', 'Name'], 'Ana Ltd')
    .set(['Insured', 'Rate'], new Num(3))
    .set(['item'], new Num(7))
    .set(['here'], new Num(8))
    .fill(['Lines'], 3)
    .fill(['Limits'], 4)
    .fill(['Notes'], 2)
    .fill(['Lines', 1, 'Layers'], 2)
  for (const [n, [insurer, written]] of [
    ['cornhill-re', 60],
    ['acme-re', 40],
  ].entries()) {
    slip.set(['Lines', n + 1, 'Insurer'], insurer as string)
    slip.set(['Lines', n + 1, 'Written'], new Num(written as number))
    slip.set(['Lines', n + 1, 'Rate'], new Num(n + 1))
    slip.set(['Lines', n + 1, 'Share'], new Money(new Num(`${n + 1}0.25`), n === 0 ? 'GBP' : 'EUR'))
    slip.set(['Lines', 1, 'Layers', n + 1, 'Limit'], new Money(new Num(n + 1), 'GBP'))
  }
  for (const n of [1, 2, 3]) slip.set(['Limits', n], new Num(n))
  return slip.set(['Notes', 1], 'first')
}
