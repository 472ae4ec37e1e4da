import {
  childAt,
  childNamed,
  childrenOf,
  type Element,
  entriesOf,
  type Field,
  keyOf,
} from '../aggregates/contract/document/element.ts'
import { erasedIn, isErased } from '../aggregates/contract/erased-values.ts'
import { type ContractState, find } from '../aggregates/contract/state.ts'
import type { Agreed } from '../aggregates/contract/values/standing.ts'
import type { Hash } from '../crypto/hash.ts'
import { type ElementId, ordinalsOf, ROOT, type Uid } from '../events/ids.ts'
import { valueUnder } from '../events/seal.ts'
import { inTurns, type Turns } from '../runtime/turns.ts'
import { refOf } from '../store/payload-group.ts'
import type { PayloadStore } from '../store/port.ts'
import { NoSuchPath, noSuchPath, selectorIn } from './path.ts'
import { sealedValue } from './sealed-value.ts'

/** Where the values are that stand in a document. */
export type HeldPayloads = Pick<PayloadStore, 'get'>

/** A document as naive clients see it: elements by their names, and of each field the one agreed value, or null. */
export class AgreedView {
  readonly #document: ContractState
  readonly #contract: Uid
  readonly #payloads: HeldPayloads
  readonly #turns: Turns | undefined
  readonly #now: ContractState

  /** `turns`: left out, a large document is gone through at once. `now`: the newest document of the contract, which knows what was erased since. */
  constructor(document: ContractState, contract: Uid, payloads: HeldPayloads, turns?: Turns, now = document) {
    this.#document = document
    this.#contract = contract
    this.#payloads = payloads
    this.#turns = turns
    this.#now = now
  }

  /** The element at the end of these names, from the root on. */
  find(names: readonly string[]): Element | undefined {
    let element: Element | undefined = this.#document.document
    for (const name of names) element = element && childOrEntry(element, name)
    return element
  }

  /** The same, with entries by their keys as well: `Lines[Insurer = "acme-re"]` (path.ts). Throws NoSuchPath for what is no key. */
  async locate(names: readonly string[]): Promise<Element | undefined> {
    let element: Element | undefined = this.#document.document
    for (const name of names)
      element = element && (childOrEntry(element, name) ?? (await this.#entryMeant(element, name)))
    return element
  }

  /** As `locate`; throws NoSuchPath where there is none, too. */
  async require(names: readonly string[]): Promise<Element> {
    const element = await this.locate(names)
    if (element === undefined) throw noSuchPath(this.#contract, names)
    return element
  }

  async #entryMeant(parent: Element, step: string): Promise<Element | undefined> {
    const selector = selectorIn(step)
    if (selector === undefined || 'number' in selector) return undefined
    const list = childNamed(parent, selector.list)
    if (list?.kind !== 'list') return undefined
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
    const fields = await inTurns(fieldsIn(elements), this.#turns)
    const opened = await openedIn(fields, this.#contract, this.#payloads, this.#turns)
    const values = new Map<ElementId, unknown>()
    for (const { id, agreed } of fields) {
      if (this.#turns?.isOver === true) await this.#turns.next()
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
    const fields = await inTurns(fieldsIn([element]), this.#turns)
    const opened = await openedIn(fields, this.#contract, this.#payloads, this.#turns)
    return inTurns(valueIn(element, { opened, erased: erasedIn(this.#now) }), this.#turns)
  }

  /** Whether the value that stands agreed at a field was given up by all members. */
  isErased(element: Element): boolean {
    return element.kind === 'field' && isStanding(element) && isErased(this.#now, element.agreed.seal)
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

/** By its name; an entry of a list by its number, `Lines[3]`, as well. */
export function childOrEntry(parent: Element, step: string): Element | undefined {
  return childNamed(parent, step) ?? entryNumbered(parent, step)
}

/** `Lines[3]`: what is as well `Lines/3`. */
function entryNumbered(parent: Element, step: string): Element | undefined {
  const selector = selectorIn(step)
  if (selector === undefined || !('number' in selector)) return undefined
  const list = childNamed(parent, selector.list)
  return list?.kind === 'list' ? childNamed(list, selector.number) : undefined
}

/** How many values are read from the store, and how many elements looked at, at once. */
const VALUES_AT_ONCE = 512
const ELEMENTS_A_STEP = 256

export type StandingField = Field & { readonly agreed: Agreed }

export function isStanding(field: Field): field is StandingField {
  return field.agreed !== null
}

/** What is under the seals of values that stand agreed, in whatever documents of a contract, as far as it is held here. */
export async function openedIn(
  fields: readonly StandingField[],
  contract: Uid,
  payloads: HeldPayloads,
  turns: Turns | undefined,
): Promise<ReadonlyMap<Hash, string>> {
  const opened = new Map<Hash, string>()
  for (let from = 0; from < fields.length; from += VALUES_AT_ONCE) {
    if (turns?.isOver === true) await turns.next()
    const refs = fields.slice(from, from + VALUES_AT_ONCE).map(({ agreed }) => refOf(agreed))
    for (const [seal, text] of await payloads.get(contract, refs)) opened.set(seal, text)
  }
  return opened
}

/** What is under seals, as far as it is held here; and the seals of what has been erased. */
interface Readable {
  readonly opened: ReadonlyMap<Hash, string>
  readonly erased: ReadonlySet<Hash>
}

/** Those at and below these elements that have an agreed value; in steps. */
function* fieldsIn(elements: Iterable<Element>, found: StandingField[] = []): Generator<void, StandingField[]> {
  let count = 0
  for (const element of elements) {
    if (++count % ELEMENTS_A_STEP === 0) yield
    if (element.kind !== 'field') yield* fieldsIn(childrenOf(element), found)
    else if (isStanding(element)) found.push(element)
  }
  return found
}

/** What has been erased is nobody's any more, also where it was for some only. */
function fieldValue({ agreed }: Field, { opened, erased }: Readable): unknown {
  if (agreed === null) return null
  const text = opened.get(agreed.seal)
  if (text !== undefined) return valueUnder(agreed.seal, text)
  return erased.has(agreed.seal) ? null : (sealedValue(agreed) ?? null)
}

function* valueIn(element: Element, readable: Readable): Generator<void, unknown> {
  if (element.kind === 'field') return fieldValue(element, readable)
  const values: [string, unknown][] = []
  for (const child of childrenOf(element)) {
    if (values.length % ELEMENTS_A_STEP === ELEMENTS_A_STEP - 1) yield
    values.push([child.name, child.kind === 'field' ? fieldValue(child, readable) : yield* valueIn(child, readable)])
  }
  return element.kind === 'list' ? values.map(([, value]) => value) : Object.fromEntries(values)
}
