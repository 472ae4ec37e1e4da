import type { ContractState } from '../../../aggregates/contract/state.ts'
import type { Contracts } from '../../../contracts/registry/contracts.ts'
import type { Documents } from '../../../documents/documents.ts'
import { STATEMENTS_AT_ONCE, StatementTimes } from '../../../documents/past/statement-times.ts'
import { type ToldPorts, toldChanges, toldRequests } from '../../../documents/past/told-changes.ts'
import type { LedgerIndex, Uid } from '../../../events/ids.ts'
import type { LedgerEntry } from '../../../events/ledger-entry.ts'
import type { Turns } from '../../../runtime/turns.ts'
import type { Store } from '../../../store/port.ts'
import { contractStream } from '../../../store/streams.ts'
import type { Sink } from './sink.ts'
import type { LedgerSubject } from './subject.ts'
import type { ToldOfAll } from './told-of-all.ts'

/** Entries of a contract that have settled together, with the document before and after each. */
export interface Batch {
  readonly from: LedgerIndex
  /** One more than there are entries: the first is before them all. */
  readonly documents: readonly ContractState[]
  readonly entries: readonly LedgerEntry[]
  /** What was told of an entry, by what is watched: for the others that watch the same. */
  readonly told: Map<string, Told>
}

interface Told {
  /** When it was looked up, milliseconds. */
  readonly at: number
  readonly changes: Promise<readonly object[]>
}

export interface LiveSubscription {
  readonly sink: Sink
  readonly contract: Uid
  readonly kind: LedgerSubject['kind']
  readonly names: readonly string[]
  /** Of all contracts: by it a client comes again. */
  readonly told?: ToldOfAll | undefined
  /** Entries below it have been told. */
  next: LedgerIndex
  /** What has settled since, oldest first. Left out, or older: it is in the store. */
  batches: Batch[]
}

export interface TellingPorts {
  readonly contracts: Contracts
  readonly documents: Documents
  readonly store: Store
  readonly turns: Turns
}

/** How many entries one subscription is sent before another has its turn. */
const ENTRIES_IN_A_ROW = 64
/** How long what was looked up for one is told to others: what has been erased since is in it. Milliseconds. */
const TOLD_GOOD_FOR_MS = 1_000
/** How many batches wait in memory for a subscription; the others are read from the store. */
const BATCHES_MAX = 64

/**
 * Tells the subscriptions of one caller what has settled. However many they are, and however far back they begin, it does one
 * thing at a time, and lets others have their turn.
 */
export class Telling {
  readonly #ports: TellingPorts
  /** Those that may have something to be told. */
  readonly #due = new Set<LiveSubscription>()
  #isTelling = false

  constructor(ports: TellingPorts) {
    this.#ports = ports
  }

  /** Tells it what has settled since the last time. All of it is in the store when this is called. `batch`: the newest of that. */
  tell(subscription: LiveSubscription, batch?: Batch): void {
    if (batch !== undefined) subscription.batches.push(batch)
    if (subscription.batches.length > BATCHES_MAX) subscription.batches = []
    this.#due.add(subscription)
    if (!this.#isTelling) void this.#tellAll()
  }

  /** Nothing more is sent to it. */
  drop(subscription: LiveSubscription): void {
    this.#due.delete(subscription)
    // Should it be told at the moment.
    subscription.next = Number.POSITIVE_INFINITY
  }

  async #tellAll(): Promise<void> {
    this.#isTelling = true
    // What is asked for and taken back in one breath costs nothing.
    await this.#ports.turns.next()
    for (const subscription of this.#due) {
      this.#due.delete(subscription)
      try {
        if (await this.#tellSome(subscription)) this.#due.add(subscription)
      } catch {
        subscription.sink.end(1011, 'the store failed: resume from the last index')
      }
    }
    this.#isTelling = false
  }

  /** Whether there may be more. */
  async #tellSome(subscription: LiveSubscription): Promise<boolean> {
    const { next } = subscription
    if (!Number.isFinite(next)) return false
    subscription.batches = subscription.batches.filter(({ from, entries }) => from + entries.length > next)
    const [batch] = subscription.batches
    if (batch === undefined || batch.from > next) return this.#tellStored(subscription)
    for (const [place, entry] of batch.entries.entries()) {
      if (entry.index < subscription.next) continue
      const [before, after] = [batch.documents[place], batch.documents[place + 1]] as [ContractState, ContractState]
      const changes = await this.#toldToAll(batch, entry, subscription, { before, after })
      if (!(await this.#send(subscription, entry, changes))) return false
    }
    return subscription.batches.length > 1
  }

  /** From the store, by the document as it was. */
  async #tellStored(subscription: LiveSubscription): Promise<boolean> {
    const { contracts, documents, store } = this.#ports
    const { contract, next } = subscription
    const telling = { ...this.#ports, times: new StatementTimes(store.events, contract, STATEMENTS_AT_ONCE) }
    let told = 0
    let before: ContractState | undefined
    for await (const { data } of store.events.read(contractStream(contract), { from: next, limit: ENTRIES_IN_A_ROW })) {
      const entry = JSON.parse(data) as LedgerEntry
      const { past } = documents
      const around = await contracts.use(contract, async (live) => {
        const known: ContractState = before ?? (await past.ofSize(live, entry.index))
        return { before: known, after: past.next(live, entry, known) }
      })
      const changes = await toldIn(entry, subscription, around, telling)
      if (!(await this.#send(subscription, entry, changes))) return false
      before = around.after
      told++
    }
    if (before !== undefined) documents.past.remember(contract, { document: before, size: next + told })
    return told === ENTRIES_IN_A_ROW || subscription.batches.length > 0
  }

  /** What settles is looked up once for all that watch the same, however many they are (decision 0146). */
  async #toldToAll(
    { told }: Batch,
    entry: LedgerEntry,
    { contract, kind, names }: LiveSubscription,
    around: Around,
  ): Promise<readonly object[]> {
    const watched = JSON.stringify([entry.index, kind, ...names])
    const now = performance.now()
    const known = told.get(watched)
    if (known !== undefined && now - known.at < TOLD_GOOD_FOR_MS) return known.changes
    const changes = toldIn(entry, { contract, kind, names }, around, this.#ports)
    told.set(watched, { at: now, changes })
    // Whoever is next looks it up again.
    changes.catch(() => told.delete(watched))
    return changes
  }

  /** Whether it is still to be told of what follows. */
  async #send(subscription: LiveSubscription, entry: LedgerEntry, changes: readonly object[]): Promise<boolean> {
    const { sink } = subscription
    if (subscription.next !== entry.index || !sink.isOpen) return false
    const next = entry.index + 1
    subscription.next = next
    const { contract, told } = subscription
    // Cut off between two changes of an entry, a client is told all of it again.
    for (const [place, change] of changes.entries()) {
      const goesOnAt = place === changes.length - 1 ? next : entry.index
      sink.send(change, told === undefined ? goesOnAt : told.idAt(contract, goesOnAt))
    }
    await told?.note(contract, next)
    return subscription.next === next
  }
}

interface Around {
  readonly before: ContractState
  readonly after: ContractState
}

/** What an entry has brought for whoever watches a subject. */
export function toldIn(
  entry: LedgerEntry,
  { contract, kind, names }: Pick<LiveSubscription, 'contract' | 'kind' | 'names'>,
  around: Around,
  ports: ToldPorts,
): Promise<readonly object[]> {
  return kind === 'changes'
    ? toldChanges(entry, { contract, names }, around, ports)
    : toldRequests(entry, contract, ports)
}
