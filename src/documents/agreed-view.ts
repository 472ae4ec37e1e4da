import { childNamed, childrenOf, type Element } from '../aggregates/contract/element.ts'
import { type ContractState, find } from '../aggregates/contract/state.ts'
import type { Hash } from '../crypto/hash.ts'
import { type ElementId, ordinalsOf, ROOT, type Uid } from '../events/ids.ts'
import { valueUnder } from '../events/seal.ts'
import type { PayloadRef } from '../store/payload-group.ts'
import { refOf } from '../store/payload-group.ts'
import type { PayloadStore } from '../store/port.ts'

/** A document as naive clients see it: elements by their names, and of each field the one agreed value, or null. */
export class AgreedView {
  readonly #document: ContractState
  readonly #contract: Uid
  readonly #payloads: PayloadStore

  constructor(document: ContractState, contract: Uid, payloads: PayloadStore) {
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

  /**
   * Of a field its value, or null where none is agreed, or it has been taken. Of a block an object with its
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

function refsIn(element: Element): PayloadRef[] {
  if (element.kind !== 'field') return [...childrenOf(element)].flatMap(refsIn)
  return element.agreed === null ? [] : [refOf(element.agreed)]
}

function valueIn(element: Element, opened: ReadonlyMap<Hash, string>): unknown {
  if (element.kind === 'field') {
    const { agreed } = element
    const text = agreed === null ? undefined : opened.get(agreed.seal)
    return agreed === null || text === undefined ? null : valueUnder(agreed.seal, text)
  }
  const children = [...childrenOf(element)]
  if (element.kind === 'list') return children.map((child) => valueIn(child, opened))
  return Object.fromEntries(children.map((child) => [child.name, valueIn(child, opened)]))
}
