import type { DocumentView, Schema, SchemaElement } from '../../aggregates/rules/schema.ts'
import { ANY, listOf, type RuleType, unite } from '../../aggregates/rules/types.ts'
import { typeOfValue, type Value } from '../../aggregates/rules/values/values.ts'
import { type ElementId, ROOT } from '../../events/ids.ts'

/** What somebody tries a rule with: a value, a block of named ones, or a list of either. */
export type TrialValue = Value | TrialBlock | readonly TrialBlock[]

export class TrialBlock {
  readonly children: ReadonlyMap<string, TrialValue>
  constructor(children: ReadonlyMap<string, TrialValue>) {
    this.children = children
  }
}

const ENTRIES_MAX = 10_000

/** A document that is made of what somebody gave: its fields have the types that their values have. */
export class TrialDocument implements Schema, DocumentView {
  readonly #elements = new Map<ElementId, SchemaElement>([[ROOT as ElementId, { kind: 'block', name: '' }]])
  readonly #children = new Map<ElementId, Map<string, ElementId>>()
  readonly #entries = new Map<ElementId, ElementId[]>()
  readonly #values = new Map<ElementId, Value>()

  /** `type`: of a field, where it is declared. */
  add(name: string, value: TrialValue, type?: RuleType): void {
    const id = this.#declare(ROOT as ElementId, name, [value], type)
    this.#fill(id, id, value)
  }

  element(id: ElementId): SchemaElement | undefined {
    return this.#elements.get(id)
  }

  child(block: ElementId, name: string): ElementId | undefined {
    return this.#children.get(block)?.get(name)
  }

  children(block: ElementId): Iterable<ElementId> {
    return this.#children.get(block)?.values() ?? []
  }

  value(field: ElementId): Value | null {
    return this.#values.get(field) ?? null
  }

  entries(list: ElementId): readonly ElementId[] {
    return this.#entries.get(list) ?? []
  }

  requestTime(): null {
    return null
  }

  /** The element that has room for all the samples: under a list, each of its entries is one. */
  #declare(block: ElementId, name: string, samples: readonly TrialValue[], type?: RuleType): ElementId {
    const names = this.#children.get(block) ?? new Map<string, ElementId>()
    this.#children.set(block, names)
    const id = names.get(name) ?? (`${block}.${names.size + 1}` as ElementId)
    names.set(name, id)
    if (samples.every((sample) => sample instanceof TrialBlock)) {
      this.#elements.set(id, { kind: 'block', name })
      this.#declareChildren(id, samples as readonly TrialBlock[])
    } else if (samples.every(isBlockList)) {
      const entry = `${id}.0` as ElementId
      this.#elements.set(id, { kind: 'list', name, entry, entriesMax: ENTRIES_MAX })
      this.#elements.set(entry, { kind: 'block', name: '' })
      this.#declareChildren(entry, (samples as readonly (readonly TrialBlock[])[]).flat())
    } else this.#elements.set(id, { kind: 'field', name, type: type ?? typeOfSamples(samples) })
    return id
  }

  #declareChildren(block: ElementId, samples: readonly TrialBlock[]): void {
    const names = new Set(samples.flatMap(({ children }) => [...children.keys()]))
    for (const name of names) {
      const values = samples.flatMap(({ children }) => (children.has(name) ? [children.get(name) as TrialValue] : []))
      this.#declare(block, name, values)
    }
  }

  /** `schema`: of the same element, below a prototype where it stands below an entry. */
  #fill(id: ElementId, schema: ElementId, value: TrialValue): void {
    if (value instanceof TrialBlock) {
      for (const [name, child] of value.children) {
        const declared = this.child(schema, name) as ElementId
        this.#fill(`${id}${declared.slice(schema.length)}` as ElementId, declared, child)
      }
    } else if (isBlockList(value)) {
      const entries = value.map((_, n) => `${id}.${n + 1}` as ElementId)
      this.#entries.set(id, entries)
      for (const [n, entry] of value.entries()) this.#fill(entries[n] as ElementId, `${schema}.0` as ElementId, entry)
    } else this.#values.set(id, value as Value)
  }
}

function isBlockList(value: TrialValue): value is readonly TrialBlock[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => item instanceof TrialBlock)
}

/** A block among values is nothing that a rule could read. */
function typeOfSamples(samples: readonly TrialValue[]): RuleType {
  return samples.map(typeOfSample).reduce(unite, { kind: 'null' }).kind === 'null'
    ? ANY
    : samples.map(typeOfSample).reduce(unite, { kind: 'null' })
}

function typeOfSample(value: TrialValue): RuleType {
  if (value instanceof TrialBlock) return ANY
  if (Array.isArray(value))
    return listOf((value as readonly TrialValue[]).map(typeOfSample).reduce(unite, { kind: 'null' }))
  return typeOfValue(value as Value)
}
