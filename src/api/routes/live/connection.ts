import { requireReached } from '../../../documents/past/reached.ts'
import type { LedgerIndex, Uid } from '../../../events/ids.ts'
import { RequestMalformed } from '../../http/validation.ts'
import type { Sink } from './sink.ts'
import type { States } from './states.ts'
import { ANY, isState, type LedgerSubject, type StateSubject, type Subject } from './subject.ts'
import type { Batch, LiveSubscription, Telling, TellingPorts } from './telling.ts'
import type { ToldOfAll } from './told-of-all.ts'

/** From which entry on: of one contract, or of each that is named, where all are watched. */
export type LiveFrom = LedgerIndex | Readonly<Record<Uid, LedgerIndex>>

/** Watches a ledger, or those of all contracts: each from the entry that was named, or the first of it that settles. */
interface Watched {
  readonly subject: LedgerSubject
  readonly ofContracts: Map<Uid, LiveSubscription>
  /** Of all contracts, where events have ids. */
  readonly told?: ToldOfAll | undefined
  /** With which entry those go on that have not begun yet; undefined: all have. A contract that is in it is told of nothing before. */
  starting?: Map<Uid, LedgerIndex> | undefined
}

/** What one connection watches. */
export class LiveConnection {
  readonly #sink: Sink
  readonly #telling: Telling
  readonly #ports: TellingPorts
  readonly #states: States
  readonly #subscriptions = new Map<string, Watched | StateSubject>()

  constructor(sink: Sink, telling: Telling, ports: TellingPorts, states: States) {
    this.#sink = sink
    this.#telling = telling
    this.#ports = ports
    this.#states = states
  }

  get size(): number {
    return this.#subscriptions.size
  }

  has(spelling: string): boolean {
    return this.#subscriptions.has(spelling)
  }

  settled(contract: Uid, from: LedgerIndex, batch: Batch | undefined): void {
    for (const watched of this.#subscriptions.values()) {
      if (!('ofContracts' in watched)) continue
      const { ofContracts, starting, subject, told } = watched
      const subscription = ofContracts.get(contract)
      if (subscription !== undefined) this.#telling.tell(subscription, batch)
      else if (starting !== undefined) {
        if (!starting.has(contract)) starting.set(contract, from)
      } else if (subject.contract === ANY) {
        const first: LiveSubscription = { ...this.#subscription(subject, contract), told, next: from }
        ofContracts.set(contract, first)
        this.#telling.tell(first, batch)
      }
    }
  }

  close(): void {
    for (const spelling of this.#subscriptions.keys()) this.end(spelling)
    this.#states.leave(this.#sink)
  }

  /**
   * Instead of what it has been told of the same spelling. `from`: the first entry that it is told of; of what is told whole there is none to be named.
   * `told`: of all contracts, how far, by which events get ids. Throws NoSuchContract, NoSuchEntry, RequestMalformed.
   */
  async begin(subject: Subject, spelling: string, from: LiveFrom | undefined, told?: ToldOfAll): Promise<void> {
    // What was asked for before the connection closed may be heard after it.
    if (!this.#sink.isOpen) return
    if (isState(subject)) {
      if (from !== undefined) throw fromUnfit('what is told whole has no entries from which it could be told')
      this.end(spelling)
      this.#subscriptions.set(spelling, subject)
      this.#sink.send({ subscribed: spelling })
      await this.#states.watch(subject, spelling, this.#sink)
      return
    }
    const { contract } = subject
    if (contract === ANY) return this.#beginAll(subject, spelling, from, told)
    if (typeof from === 'object') throw fromUnfit('of one contract `from` is the index of an entry')
    await this.#requireReached(contract, from)
    await this.#ports.contracts.use(contract, ({ state }) => {
      if (!this.#sink.isOpen) return
      const size = state.settling.settled
      const subscription: LiveSubscription = { ...this.#subscription(subject, contract), next: from ?? size }
      this.end(spelling)
      this.#subscriptions.set(spelling, { subject, ofContracts: new Map([[contract, subscription]]) })
      if (subscription.next === size) {
        this.#ports.documents.past.remember(contract, { document: state.settling.agreed, size })
      }
      this.#sink.send({ subscribed: spelling, index: size }, subscription.next)
      if (subscription.next < size) this.#telling.tell(subscription)
    })
  }

  async #beginAll(subject: LedgerSubject, spelling: string, from: LiveFrom = {}, told?: ToldOfAll): Promise<void> {
    if (typeof from !== 'object') throw fromUnfit('of all contracts `from` names an entry of each: {"<uid>": index}')
    for (const [uid, next] of Object.entries(from) as [Uid, LedgerIndex][]) await this.#requireReached(uid, next)
    const ofContracts = new Map<Uid, LiveSubscription>()
    this.end(spelling)
    const starting = new Map<Uid, LedgerIndex>(told === undefined ? (Object.entries(from) as [Uid, LedgerIndex][]) : [])
    const watched: Watched = { subject, ofContracts, told, starting }
    this.#subscriptions.set(spelling, watched)
    this.#sink.send({ subscribed: spelling }, told?.idAt())
    try {
      await this.#startAll(watched, spelling, starting)
    } catch (error) {
      if (this.#subscriptions.get(spelling) === watched) this.end(spelling)
      throw error
    }
    watched.starting = undefined
  }

  /** What settles meanwhile is in `starting`, too: told before what comes before it, its id would say that this has been told. */
  async #startAll(watched: Watched, spelling: string, starting: Map<Uid, LedgerIndex>): Promise<void> {
    const { ofContracts, subject, told } = watched
    if (told !== undefined)
      for (const [uid, next] of Object.entries(await told.starts()) as [Uid, LedgerIndex][]) starting.set(uid, next)
    for (const [uid, next] of starting) {
      await this.#ports.contracts.use(uid, ({ state }) => {
        const isStillWatched = this.#sink.isOpen && this.#subscriptions.get(spelling) === watched
        if (!isStillWatched) return
        const subscription: LiveSubscription = { ...this.#subscription(subject, uid), told, next }
        ofContracts.set(uid, subscription)
        if (next < state.settling.settled) this.#telling.tell(subscription)
      })
    }
  }

  end(spelling: string): void {
    const watched = this.#subscriptions.get(spelling)
    if (watched === undefined) return
    this.#subscriptions.delete(spelling)
    if (!('ofContracts' in watched)) this.#states.leave(this.#sink, watched)
    else for (const subscription of watched.ofContracts.values()) this.#telling.drop(subscription)
  }

  #requireReached(contract: Uid, from: LedgerIndex = 0): Promise<void> {
    const { contracts, store } = this.#ports
    return contracts.use(contract, ({ state }) => requireReached(from, state.settling.settled, contract, store.events))
  }

  #subscription({ kind, names }: LedgerSubject, contract: Uid): LiveSubscription {
    return { sink: this.#sink, contract, kind, names, next: 0, batches: [] }
  }
}

function fromUnfit(message: string): RequestMalformed {
  return new RequestMalformed('request_malformed', message, { path: '/from' })
}
