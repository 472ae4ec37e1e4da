import {
  childAt,
  childNamed,
  childrenOf,
  type Element,
  entriesOf,
  type Field,
  keyOf,
} from '../aggregates/contract/document/element.ts'
import { type ContractState, find } from '../aggregates/contract/state.ts'
import type { Agreed } from '../aggregates/contract/values/standing.ts'
import type { Hash } from '../crypto/hash.ts'
import { type ElementId, ordinalsOf, ROOT, type Uid } from '../events/ids.ts'
import { valueUnder } from '../events/seal.ts'
import type { PayloadRef } from '../store/payload-group.ts'
import { refOf } from '../store/payload-group.ts'
import type { PayloadStore } from '../store/port.ts'
import { NoSuchPath, selectorIn } from './path.ts'
import { sealedValue } from './sealed-value.ts'

/** Where the values are that stand in a document. */
export type HeldPayloads = Pick<PayloadStore, 'get'>

/** A document as naive clients see it: elements by their names, and of each field the one agreed value, or null. */
export class AgreedView {
  readonly #document: ContractState
  readonly #contract: Uid
  readonly #payloads: HeldPayloads

  constructor(document: ContractState, contract: Uid, payloads: HeldPayloads) {
    this.#document = document
    this.#contract = contract
    this.#payloads = payloads
  }

  /** The element at the end of these names, from the root on. */
  find(names: readonly string[]): Element | undefined {
    let element: Element | undefined = this.#document.document
    for (const name of names) element = element && childNamed(element, name)
    return element
  }

  /** The same, with keys of lists in the names as well: `Lines[Insurer = "acme-re"]` (path.ts). Throws NoSuchPath for what is no key. */
  async locate(names: readonly string[]): Promise<Element | undefined> {
    let element: Element | undefined = this.#document.document
    for (const name of names)
      element = element && (childNamed(element, name) ?? (await this.#entryMeant(element, name)))
    return element
  }

  async #entryMeant(parent: Element, step: string): Promise<Element | undefined> {
    const selector = selectorIn(step)
    const list = selector && childNamed(parent, selector.list)
    if (selector === undefined || list?.kind !== 'list') return undefined
    const key = keyOf(list)
    if (key?.name !== selector.key) {
      const keyed = key === undefined ? 'has no key' : `has the key ${key.name}`
      throw new NoSuchPath('no_such_path', `${list.name} ${keyed}`, { path: step, expected: key?.name ?? null })
    }
    const entries = [...entriesOf(list)]
    const agreed = await this.agreedIn(entries.flatMap((entry) => childAt(entry, 0) ?? []))
    return entries.find(({ id }) => agreed.get(`${id}.0` as ElementId) === selector.value)
  }

  /** The values that stand agreed at and below these elements, as far as they are held here, by the ids of their fields. */
  async agreedIn(elements: readonly Element[]): Promise<Map<ElementId, unknown>> {
    const fields = elements.flatMap(fieldsIn)
    const opened = await this.#payloads.get(
      this.#contract,
      fields.map(({ agreed }) => refOf(agreed)),
    )
    const values = new Map<ElementId, unknown>()
    for (const { id, agreed } of fields) {
      const text = opened.get(agreed.seal)
      if (text !== undefined) values.set(id, valueUnder(agreed.seal, text))
    }
    return values
  }

  /**
   * Of a field its value, or null where none is agreed, or it has been taken; `SealedValue` where it is for others. Of a block an object with its
   * children by name; of a list an array of its entries.
   */
  async valueOf(element: Element): Promise<unknown> {
    const opened = await this.#payloads.get(this.#contract, refsIn(element))
    return valueIn(element, opened)
  }

  /** The names on the way from the root to an element; undefined if it is not there. */
  static namesOf(document: ContractState, id: ElementId): string[] | undefined {
    const names: string[] = []
    let way: string = ROOT
    for (const ordinal of ordinalsOf(id)) {
      way = `${way}.${ordinal}`
      const element = find(document, way as ElementId)
      if (element === undefined) return undefined
      names.push(element.name)
    }
    return names
  }
}

/** Those that have an agreed value. */
function fieldsIn(element: Element): (Field & { readonly agreed: Agreed })[] {
  if (element.kind !== 'field') return [...childrenOf(element)].flatMap(fieldsIn)
  const { agreed } = element
  return agreed === null ? [] : [{ ...element, agreed }]
}

function refsIn(element: Element): PayloadRef[] {
  if (element.kind !== 'field') return [...childrenOf(element)].flatMap(refsIn)
  return element.agreed === null ? [] : [refOf(element.agreed)]
}

function valueIn(element: Element, opened: ReadonlyMap<Hash, string>): unknown {
  if (element.kind === 'field') {
    const { agreed } = element
    const text = agreed === null ? undefined : opened.get(agreed.seal)
    if (agreed === null) return null
    return text === undefined ? (sealedValue(agreed) ?? null) : valueUnder(agreed.seal, text)
  }
  const children = [...childrenOf(element)]
  if (element.kind === 'list') return children.map((child) => valueIn(child, opened))
  return Object.fromEntries(children.map((child) => [child.name, valueIn(child, opened)]))
}
