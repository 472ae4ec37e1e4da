import { audienceAt } from '../aggregates/contract/values/effective-audience.ts'
import type { Contracts } from '../contracts/registry/contracts.ts'
import type { Audience } from '../events/audience.ts'
import type { Handle, ProposalId, Uid } from '../events/ids.ts'
import type { Payload } from '../events/statement.ts'
import { refOf } from '../store/payload-group.ts'
import type { Store } from '../store/port.ts'
import type { Documents, Wait } from './documents.ts'
import { elementAt } from './element-at.ts'
import { valueNamed } from './elements/value-named.ts'
import type { RequestResult } from './request-result.ts'
import { sealedValue, ValueSealed } from './sealed-value.ts'
import { pathOf } from './written-rule.ts'

/** A block or a list that has an audience. */
export interface AudienceShown {
  readonly at: string
  /** What was set there. */
  readonly parties: Audience
  /** When nodes stop handing out earlier values. */
  readonly until?: string
  /** Those of them whom all audiences above it name as well. */
  readonly effective: Audience
}

/** Confidential blocks, by paths, for the API and for programs alike (design §5). */
export class Audiences {
  readonly #contracts: Contracts
  readonly #documents: Documents
  readonly #store: Pick<Store, 'payloads'>

  constructor(contracts: Contracts, documents: Documents, store: Pick<Store, 'payloads'>) {
    this.#contracts = contracts
    this.#documents = documents
    this.#store = store
  }

  /** Those that stand in the agreed document. Throws NoSuchContract. */
  list(uid: Uid): Promise<AudienceShown[]> {
    return this.#contracts.use(uid, async ({ state: { settling } }) =>
      settling.agreed.audiences.map(({ element, ...set }) => ({
        at: pathOf(element, settling.agreed),
        ...set,
        effective: audienceAt(settling.agreed, element)?.parties ?? [],
      })),
    )
  }

  /** `parties`: null: as above it. Throws NoSuchPath, and as `Documents.command`. */
  async set(
    uid: Uid,
    { at, parties, until }: { at: string; parties: readonly Handle[] | null; until?: string },
    wait: Wait,
  ): Promise<RequestResult> {
    const { id } = await this.#contracts.use(uid, async ({ state }) =>
      elementAt(at, state.settling.agreed, this.#store.payloads),
    )
    const limit = until === undefined ? {} : { until }
    const command = { element: id, parties: parties && [...parties], type: 'SetAudience', ...limit } as const
    return this.#documents.command(uid, [command], wait)
  }

  /**
   * Gives a confidential value that stands, and that this node has, to everybody: the agreed one, unless a proposal is named. Throws
   * NoSuchPath, ValueSealed, and as `Documents.command`.
   */
  async reveal(uid: Uid, { at, proposal }: { at: string; proposal?: ProposalId }, wait: Wait): Promise<RequestResult> {
    const { field, standing } = await this.#contracts.use(uid, async ({ state }) => {
      const { agreed } = state.settling
      const element = await elementAt(at, agreed, this.#store.payloads)
      return { field: element.id, standing: valueNamed(element, at, proposal, agreed) }
    })
    const { id, seal } = standing
    const text = (await this.#store.payloads.get(uid, [refOf(standing)])).get(seal)
    if (text === undefined) {
      const message = 'the value is not held here: who holds it can reveal it'
      throw new ValueSealed('value_sealed', message, { path: at, ...sealedValue(standing)?.$sealed })
    }
    const command = { field, proposal: id, seal, type: 'RevealValue' } as const
    return this.#documents.command(uid, [command], wait, undefined, { [seal]: JSON.parse(text) as Payload })
  }
}
