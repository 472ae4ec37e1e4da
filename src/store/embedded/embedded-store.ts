import type { Uid } from '../../events/ids.ts'
import { assert } from '../../runtime/assert.ts'
import { assertWritable } from '../append-rule.ts'
import { StoreClosed } from '../errors.ts'
import type { PayloadRef } from '../payload-group.ts'
import type {
  AllRange,
  Appended,
  EventHandler,
  EventStore,
  PayloadStore,
  RecordedEvent,
  Store,
  StoredGroup,
  StreamRange,
  Subscription,
  Write,
} from '../port.ts'
import { PullSubscription } from '../subscription.ts'
import { type EventsPiece, PIECE_CHARACTERS_MAX, PIECE_EVENTS_MAX, START, type StoreEngine } from './engine.ts'
import { type Committed, GroupCommit } from './group-commit.ts'
import { patiently } from './patience.ts'
import { RecentEvents } from './recent-events.ts'

/** How long a subscription may take to notice what another process has committed. */
const FOREIGN_COMMIT_POLL_MS = 50

/** The port over an engine within this process: group commit, readings in pieces, subscriptions, closing. */
export class EmbeddedStore implements Store {
  readonly events: EventStore
  readonly payloads: PayloadStore
  readonly isAtomic = true
  readonly #engine: StoreEngine
  readonly #commits: GroupCommit
  readonly #lockedMs: number
  readonly #subscriptions = new Set<PullSubscription>()
  /** None while nobody subscribes. */
  readonly #recent = new RecentEvents()
  #poll: NodeJS.Timeout | undefined
  /** How often another process may have committed: behind what this one has appended last there is nothing until it rises. */
  #foreignLooks = 0
  #closing: Promise<void> | undefined
  #isClosed = false

  /** `lockedMs`: how long a call goes on trying while another process has the store locked, before it throws StoreLocked. */
  constructor(engine: StoreEngine, lockedMs = 0) {
    this.#engine = engine
    this.#lockedMs = lockedMs
    this.#commits = new GroupCommit(engine, lockedMs, (committed) => this.#committed(committed))
    this.events = {
      append: async (stream, expectedRevision, events) => {
        const [appended] = await this.#commit([{ kind: 'append', stream, expectedRevision, events }])
        assert(appended !== undefined, 'an append has a result')
        return appended
      },
      read: (stream, range = {}) => this.#read(stream, range),
      lastRevision: (stream) => this.#patiently((engine) => engine.lastRevision(stream)),
      lastPosition: async () => (await this.#patiently((engine) => engine.lastPosition())) || undefined,
      readAll: (range = {}) => this.#readAll(range),
      subscribe: (range, handler) => this.#subscribe(range, handler),
    }
    this.payloads = {
      put: async (contract, group, entries) => {
        await this.#commit([{ kind: 'payloads', contract, group, entries }])
      },
      get: (contract, refs) => this.#patiently((engine) => engine.payloads(contract, refs)),
      groups: (contract) => this.#groups(contract),
      erase: (contract, refs) => this.#erase(contract, refs),
    }
  }

  async write(batch: readonly Write[]): Promise<void> {
    await this.#commit(batch)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close()
    // Handlers that are at work may still write.
    await Promise.all([...this.#subscriptions].map(({ ended }) => ended))
    for (let rest = this.#commits.flush(); rest !== undefined; rest = this.#commits.flush()) await rest
    this.#isClosed = true
    this.#engine.close()
  }

  #open(): StoreEngine {
    if (this.#isClosed) throw new StoreClosed()
    return this.#engine
  }

  #patiently<T>(call: (engine: StoreEngine) => T): Promise<T> {
    return patiently(this.#lockedMs, () => call(this.#open()))
  }

  async #commit(batch: readonly Write[]): Promise<readonly Appended[]> {
    this.#open()
    assertWritable(batch)
    return this.#commits.add(batch)
  }

  async #erase(contract: Uid, refs: readonly PayloadRef[]): Promise<void> {
    this.#open()
    // What was put before is erased too.
    await this.#commits.flush()
    await this.#patiently((engine) => engine.erase(contract, refs))
  }

  async *#read(
    stream: string,
    { from = 0, limit = Number.MAX_SAFE_INTEGER }: StreamRange,
  ): AsyncGenerator<RecordedEvent> {
    assert(Number.isSafeInteger(from) && from >= 0, 'a revision to read from is 0, 1, 2 …')
    assert(Number.isSafeInteger(limit) && limit >= 0, 'a limit is 0, 1, 2 …')
    const end = Math.min((await this.events.lastRevision(stream)) + 1, from + limit)
    for (let next = from; next < end; ) {
      const piece = await this.#patiently((engine) => engine.readStream(stream, next, end - next))
      yield* piece
      next += piece.length
      await this.#pause()
    }
  }

  async *#readAll({ after = START, streamPrefix = '' }: AllRange): AsyncGenerator<RecordedEvent> {
    const end = await this.#patiently((engine) => engine.lastPosition())
    for (let next = after; next < end; ) {
      const { events, through } = await this.#patiently((engine) => engine.readAfter(next, streamPrefix))
      for (const event of events) {
        if (event.position > end) return
        yield event
      }
      next = through
      await this.#pause()
    }
  }

  async *#groups(contract: Uid): AsyncGenerator<StoredGroup> {
    for (let next = START; ; ) {
      const { groups, through } = await this.#patiently((engine) => engine.groupsAfter(next, contract))
      yield* groups
      if (through === next) return
      next = through
      await this.#pause()
    }
  }

  #subscribe({ after, streamPrefix = '' }: AllRange, handler: EventHandler): Subscription {
    if (this.#closing !== undefined) throw new StoreClosed()
    let looked: number | undefined
    const next = async (position: number) => {
      const recent = this.#recentAfter(position, streamPrefix)
      if (recent !== undefined) return recent
      const looks = this.#foreignLooks
      if (looked === looks && this.#recent.last === position) return { events: [], through: position }
      const piece = await this.#patiently((engine) => engine.readAfter(position, streamPrefix))
      looked = looks
      return piece
    }
    const subscription = new PullSubscription(after, handler, next, () => this.#pause())
    subscription.ended.then(() => this.#ended(subscription))
    this.#subscriptions.add(subscription)
    this.#poll ??= this.#pollForeignCommits()
    return subscription
  }

  #recentAfter(position: number, streamPrefix: string): EventsPiece | undefined {
    const events = this.#recent.after(position, PIECE_EVENTS_MAX, PIECE_CHARACTERS_MAX)
    const through = events?.at(-1)?.position
    if (events === undefined || through === undefined) return undefined
    return { events: events.filter(({ stream }) => stream.startsWith(streamPrefix)), through }
  }

  #ended(subscription: PullSubscription): void {
    this.#subscriptions.delete(subscription)
    if (this.#subscriptions.size > 0) return
    this.#recent.clear()
    clearInterval(this.#poll)
    this.#poll = undefined
  }

  #pollForeignCommits(): NodeJS.Timeout | undefined {
    const engine = this.#engine
    if (engine.foreignVersion === undefined) return undefined
    let known: number | undefined
    return setInterval(() => {
      const version = versionOf(engine)
      if (version === undefined || version !== known) {
        this.#foreignLooks++
        this.#wake()
      }
      known = version
    }, FOREIGN_COMMIT_POLL_MS)
  }

  #committed(committed: readonly Committed[]): void {
    if (this.#subscriptions.size === 0) return
    for (const { batch, appended } of committed) {
      let next = 0
      for (const write of batch) {
        if (write.kind === 'append') this.#recent.add(write.stream, write.events, appended[next++] as Appended)
      }
    }
    this.#wake()
  }

  #wake(): void {
    for (const subscription of this.#subscriptions) subscription.wake()
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#engine.defer(resolve))
  }
}

/** Undefined if it cannot be told: then the subscriptions look for themselves, and each tells its own subscriber. */
function versionOf(engine: StoreEngine): number | undefined {
  try {
    return engine.foreignVersion?.()
  } catch {
    return undefined
  }
}
