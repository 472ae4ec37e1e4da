import { erasedIn, isErased } from '../aggregates/contract/erased-values.ts'
import { isWithin } from '../aggregates/rules/schema.ts'
import type { Contracts } from '../contracts/registry/contracts.ts'
import { heldAbouts, withAbout } from '../contracts/requests/held-abouts.ts'
import type { Hash } from '../crypto/hash.ts'
import type { About, ShownAbout } from '../events/about.ts'
import type { Command } from '../events/commands.ts'
import type { ElementId, Handle, LedgerIndex, Uid } from '../events/ids.ts'
import type { LedgerEntry } from '../events/ledger-entry.ts'
import type { ErasureRecords } from '../projections/queries/erasure-records.ts'
import { recordedAbouts } from '../projections/queries/recorded-about.ts'
import { ConcordataError } from '../runtime/errors.ts'
import type { Store } from '../store/port.ts'
import { contractStream } from '../store/streams.ts'
import type { Documents, Wait } from './documents.ts'
import { elementsAt } from './element-at.ts'
import type { RequestResult } from './request-result.ts'
import { type ShownErasure, shownErasure } from './requests/erasure-asked.ts'

/** Nothing, or too much, is named to be erased at once. Evidence: `contract`, `values`, of too much `limit`. */
export class ErasureUnfit extends ConcordataError {}

/** No such erasure is voted on. Evidence: `contract`, `erasure`. */
export class NoSuchErasure extends ConcordataError {}

/** How many values one erasure can name (EraseValues). */
const VALUES_MAX = 1000

/** An erasure that is voted on, and what its voters have said. */
export interface OpenErasureShown extends ShownErasure {
  /** In the order of the ledger, as far as the read model has them: the first has asked. Those with them who have left since. */
  readonly said: readonly { readonly by: Handle; readonly castAt: LedgerIndex; readonly about?: ShownAbout }[]
}

export interface ErasuresPorts {
  readonly contracts: Contracts
  readonly documents: Documents
  readonly store: Store
  /** From the read model. */
  readonly erasureRecords: Pick<ErasureRecords, 'open'>
}

export interface ShownErasures {
  readonly open: readonly OpenErasureShown[]
  /** How many values are erased, those with them that rules had computed from others. */
  readonly erased: number
  /** Ledger index of the last erasure; null: there was none. */
  readonly newest: LedgerIndex | null
}

/** What is to be erased: all values that were ever put forward at and below these paths, and what is under these seals. */
export interface ToErase {
  readonly paths?: readonly string[]
  readonly seals?: readonly Hash[]
  readonly about?: About
}

/** Values that the parties of a contract give up by common consent (design §5 *Erasure*). */
export class DocumentErasures {
  readonly #contracts: Contracts
  readonly #documents: Documents
  readonly #store: Store
  readonly #records: Pick<ErasureRecords, 'open'>

  constructor({ contracts, documents, erasureRecords, store }: ErasuresPorts) {
    this.#contracts = contracts
    this.#documents = documents
    this.#store = store
    this.#records = erasureRecords
  }

  /** In the agreed view. Throws NoSuchContract. */
  list(uid: Uid): Promise<ShownErasures> {
    return this.#contracts.use(uid, async ({ state }) => {
      const { agreed } = state.settling
      const { newest, open } = agreed.erasures
      const votes = open.length === 0 ? [] : this.#records.open(uid)
      const held = await heldAbouts(this.#store.payloads, uid, recordedAbouts(votes))
      const saidOf = (id: Hash) =>
        votes.flatMap(({ about, by, castAt, erasure }) =>
          erasure === id ? [withAbout({ by, castAt, ...(about !== null && { about }) }, held)] : [],
        )
      const shown = open.map((erasure) => ({ ...shownErasure(erasure, agreed), said: saidOf(erasure.id) }))
      return { erased: erasedIn(agreed).size, newest, open: shown }
    })
  }

  /** This party's vote. Throws NoSuchContract, NoSuchPath, ErasureUnfit. */
  async erase(uid: Uid, { paths = [], seals = [], about }: ToErase, wait: Wait): Promise<RequestResult> {
    const { agreed, places } = await this.#contracts.use(uid, async ({ state }) => {
      const { agreed } = state.settling
      const named = await elementsAt(paths, agreed, this.#store.payloads)
      return { agreed, places: paths.map((path) => named(path).id) }
    })
    const named = new Set(seals)
    if (places.length > 0) for await (const seal of this.#sealsAt(uid, places)) named.add(seal)
    const values = [...named].filter((seal) => !isErased(agreed, seal))
    if (values.length === 0 || values.length > VALUES_MAX) {
      const message =
        values.length === 0 ? 'no value is there to be erased' : `one erasure names at most ${VALUES_MAX} values`
      const limit = values.length === 0 ? {} : { limit: { name: 'values', max: VALUES_MAX } }
      throw new ErasureUnfit('erasure_unfit', message, { contract: uid, values: values.length, ...limit })
    }
    return this.#documents.command(uid, [{ type: 'EraseValues', seals: values.sort() }], wait, about)
  }

  /** For or against an erasure that somebody has asked for. Throws NoSuchContract, NoSuchErasure. */
  async vote(
    uid: Uid,
    erasure: Hash,
    { vote, about }: { readonly vote: 'yes' | 'no'; readonly about?: About },
    wait: Wait,
  ): Promise<RequestResult> {
    const open = await this.#contracts.use(uid, ({ state }) =>
      state.settling.agreed.erasures.open.find(({ id }) => id === erasure),
    )
    if (open === undefined) {
      const message = 'nobody has asked for this erasure, or it has come to its end'
      throw new NoSuchErasure('no_such_erasure', message, { contract: uid, erasure })
    }
    const command: Command =
      vote === 'yes' ? { type: 'EraseValues', seals: [...open.seals] } : { type: 'KeepValues', erasure }
    return this.#documents.command(uid, [command], wait, about)
  }

  /** Of all that was put forward, or computed, at these elements and below them, from the first entry on. */
  async *#sealsAt(uid: Uid, places: readonly ElementId[]): AsyncGenerator<Hash> {
    const isThere = (field: ElementId) => places.some((place) => isWithin(field, place))
    for await (const { data } of this.#store.events.read(contractStream(uid))) {
      const { events } = JSON.parse(data) as LedgerEntry
      for (const event of events) {
        if (event.type !== 'ValueProposed' && event.type !== 'ValueComputed') continue
        if (event.seal !== null && isThere(event.field)) yield event.seal
      }
    }
  }
}
