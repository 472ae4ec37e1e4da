import type { HeldFeeds } from '../agreement/feeds.ts'
import { withHistory } from '../agreement/history/looking-back.ts'
import type { Uid } from '../events/ids.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { inTurns, type Turns } from '../runtime/turns.ts'
import type { AnsweredWants } from './answered-wants.ts'
import type { Bulkhead } from './bulkhead.ts'
import { type Announcement, decodingOf, type ExchangeMessage } from './message.ts'
import { MessageBuilder } from './message-builder.ts'
import { isPartyTo, type PeerKnowledge } from './peer-knowledge.ts'
import type { Peer, ReplicaPort, ReplicasPort } from './replica-port.ts'
import { PeerBusy } from './transport/peer-errors.ts'

export interface PeerSessionTiming {
  /** First pause after a failed call; it doubles, with jitter, up to `retryMaxMs`. Milliseconds. */
  readonly retryMs: number
  readonly retryMaxMs: number
}

export interface PeerSessionPorts {
  readonly replicas: ReplicasPort
  readonly clock: Clock
  readonly random: Random
  readonly timing: PeerSessionTiming
  /** Left out: an answer is taken apart at once. */
  readonly turns?: Turns | undefined
  /** Takes in what an exchange brought; resolves when it is durable. */
  take(peer: Peer, message: ExchangeMessage): Promise<void>
  failed(peer: Peer, error: unknown): void
  /** A call has come about: the first of this peer session, or the first after some that have not. */
  reached?(peer: Peer): void
  /** It is up, but asks to be called later: no failure. */
  busy?(peer: Peer, error: PeerBusy): void
  /** No call is under way any more. */
  idle(): void
  readonly bulkhead: Bulkhead
  readonly answeredWants: AnsweredWants
}

/** How many contracts one call names: those with news, then passive ones. */
const DUE_PER_CALL_MAX = 500
const SWEPT_PER_CALL = 250
/** How many are tried on a peer that did not answer. */
const PROBE_CONTRACTS = 8

/** A contract in one call. */
interface Talk {
  readonly contract: Uid
  readonly words: readonly Announcement[]
  /** There was more to say than there was room. */
  readonly isCutOff: boolean
  /** How many characters the call took along of it. */
  readonly size: number
  /** Whether the peer itself had said what it holds. */
  readonly wasHeardOf: boolean
  /** The feeds before the call; undefined for a passive contract. */
  readonly before: HeldFeeds | undefined
}

/** Carries news to one peer: one call at a time, each with all that is due by then. */
export class PeerSession {
  readonly peer: Peer
  readonly knowledge: PeerKnowledge
  readonly #ports: PeerSessionPorts
  readonly #due = new Set<Uid>()
  /** Passive contracts are compared: one batch of them, or all. */
  #sweeping: 'some' | 'all' | undefined
  #sweptTo: Uid | '' = ''
  #running = false
  #failures = 0
  /** Why the last call did not come about; undefined if it did, null before the first. */
  #trouble: unknown = null
  #triedAt = Number.NEGATIVE_INFINITY
  /** The peer asked not to be called before. */
  #busyUntil = Number.NEGATIVE_INFINITY
  #cancelRetry: (() => void) | undefined
  #closed = false

  constructor(peer: Peer, knowledge: PeerKnowledge, ports: PeerSessionPorts) {
    this.peer = peer
    this.knowledge = knowledge
    this.#ports = ports
  }

  get isBusy(): boolean {
    return this.#running
  }

  /** Whether the last call failed. */
  get isUnreachable(): boolean {
    return this.#failures > 0
  }

  /** Why the last call did not come about, whatever the peer has sent in calls of its own meanwhile. */
  get trouble(): unknown {
    return this.#trouble ?? undefined
  }

  /** Has the contract's news carried over as soon as a call can be made. */
  urge(contract: Uid): void {
    this.#due.add(contract)
    const pause = this.#ports.clock.now() - this.#triedAt
    // A pause protects a peer that is down, but a user may be waiting here: try, unless it has just failed.
    if (this.#failures === 0 || pause >= this.#ports.timing.retryMs) this.#start()
  }

  /**
   * Compares passive contracts with the peer, in case something got lost: the next batch (`some`), or `all`, a batch
   * with each call.
   */
  sweep(how: 'some' | 'all'): void {
    if (this.#sweeping === undefined || how === 'all') this.#sweeping = how
    if (this.#failures === 0) this.#start()
  }

  /** The peer has called us: it is up. */
  isUp(): void {
    if (this.#failures === 0) return
    this.#failures = 0
    this.#start()
  }

  close(): void {
    this.#closed = true
    this.#cancelRetry?.()
  }

  #start(): void {
    if (this.#running || this.#closed || this.#ports.clock.now() < this.#busyUntil) return
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.#running = true
    void this.#run()
  }

  async #run(): Promise<void> {
    // News that come in the same turn of the event loop go with the same call.
    await Promise.resolve()
    try {
      while (this.#hasDue && !this.#closed) await this.#call()
      this.#failures = 0
    } catch (error) {
      this.#blame(error)
    }
    this.#running = false
    this.#ports.idle()
    if (this.#hasDue && !this.#closed) this.#retryLater()
  }

  get #hasDue(): boolean {
    return this.#due.size > 0 || this.#sweeping !== undefined
  }

  #blame(error: unknown): void {
    if (error instanceof PeerBusy) {
      this.#failures = 0
      this.#busyUntil = this.#ports.clock.now() + error.retryAfterMs
      this.#ports.busy?.(this.peer, error)
    } else {
      this.#failures++
      this.#trouble = error
      this.#ports.failed(this.peer, error)
    }
  }

  #isReached(): void {
    if (this.#trouble === undefined) return
    this.#trouble = undefined
    this.#ports.reached?.(this.peer)
  }

  #retryLater(): void {
    const asked = this.#busyUntil - this.#ports.clock.now()
    if (asked > 0) {
      this.#cancelRetry = this.#ports.clock.after(asked, () => {
        // Timers count, not the clock: it may have been set to an earlier time meanwhile.
        this.#busyUntil = Number.NEGATIVE_INFINITY
        this.#start()
      })
      return
    }
    const { retryMs, retryMaxMs } = this.#ports.timing
    const pause = Math.min(retryMaxMs, retryMs * 2 ** Math.max(0, this.#failures - 1))
    const jittered = pause * (0.5 + this.#ports.random.fraction() / 2)
    this.#cancelRetry = this.#ports.clock.after(jittered, () => this.#start())
  }

  async #call(): Promise<void> {
    const contracts = this.#next()
    const sweep = this.#nextOfSweep()
    const builder = new MessageBuilder(this.knowledge, this.peer, this.#ports.answeredWants)
    const talks: Talk[] = []
    for (const contract of contracts) this.#due.delete(contract)
    try {
      for (const contract of new Set([...contracts, ...sweep])) {
        if (builder.isFull) {
          this.#due.add(contract)
          continue
        }
        const talk = await this.#prepare(contract, builder)
        if (talk !== undefined) talks.push(talk)
      }
      if (talks.length > 0) {
        this.#triedAt = this.#ports.clock.now()
        const words = talks.flatMap(({ words: own }) => own)
        const answer = await inTurns(decodingOf(await this.peer.exchange(builder.encoded(words))), this.#ports.turns)
        this.#isReached()
        await this.#heard(talks, answer)
      }
      this.#swept(sweep)
    } catch (error) {
      for (const contract of contracts) this.#due.add(contract)
      for (const { contract } of talks) this.knowledge.forget(contract)
      throw error
    } finally {
      for (const { contract } of talks) this.#ports.replicas.find(contract)?.contents.answered(this.peer.handle)
    }
  }

  /** A peer that did not answer is asked with little. */
  #next(): Uid[] {
    return [...this.#due].slice(0, this.#failures > 0 ? PROBE_CONTRACTS : DUE_PER_CALL_MAX)
  }

  #nextOfSweep(): Uid[] {
    if (this.#sweeping === undefined) return []
    return this.#ports.replicas.passiveWith(this.peer.handle, this.#sweptTo, SWEPT_PER_CALL)
  }

  #swept(sweep: readonly Uid[]): void {
    if (this.#sweeping === undefined) return
    const isThrough = sweep.length < SWEPT_PER_CALL
    this.#sweptTo = isThrough ? '' : (sweep.at(-1) as Uid)
    if (isThrough || this.#sweeping === 'some') this.#sweeping = undefined
  }

  /** For a passive contract the frontier is enough: it is activated only if the frontiers differ. */
  async #prepare(contract: Uid, builder: MessageBuilder): Promise<Talk | undefined> {
    const { replicas } = this.#ports
    const atRest = replicas.passive(contract)
    if (atRest !== undefined && !this.knowledge.hasWants(contract)) {
      if (!atRest.isPartyTo(this.peer)) return undefined
      builder.says(contract, atRest.frontier)
      return { contract, words: [], isCutOff: false, size: 0, wasHeardOf: true, before: undefined }
    }
    return this.#ports.bulkhead.do(contract, async () =>
      replicas.use(contract, async (replica) => {
        const { state, awaited, words } = replica
        if (!isPartyTo(state, this.peer) && !awaited.includes(this.peer.handle)) return undefined
        const wasHeardOf = this.knowledge.hasHeardOf(contract)
        const { size } = builder
        const isCutOff = await builder.put(replica)
        builder.asksForPieces(replica)
        return { contract, words, isCutOff, size: builder.size - size, wasHeardOf, before: replica.state.feeds }
      }),
    )
  }

  /** Before all others that are due. */
  #dueFirst(contracts: readonly Uid[]): void {
    const others = [...this.#due]
    this.#due.clear()
    for (const contract of [...contracts, ...others]) this.#due.add(contract)
  }

  async #heard(talks: readonly Talk[], answer: ExchangeMessage): Promise<void> {
    const { replicas } = this.#ports
    await this.#ports.take(this.peer, answer)
    // For those there was no room at all: next time they come first, whatever else is due by then.
    this.#dueFirst(talks.filter(({ isCutOff, size }) => isCutOff && size === 0).map(({ contract }) => contract))
    const isLed = talks.some(({ contract, before }) => hasMore(replicas.find(contract), before))
    for (const { contract, isCutOff, wasHeardOf, before } of talks) {
      const frontier = answer.frontiers.get(contract)
      const isEven = replicas.passive(contract)?.isEvenWith(this.peer.handle, frontier ?? {}) ?? false
      if (isEven) continue
      // The peer does not hold a contract that it leaves out, or no longer: it was restored.
      if (frontier === undefined) this.knowledge.told(contract, {}, [])
      if (isCutOff) this.#due.add(contract)
      const replica = replicas.find(contract)
      if (replica === undefined) {
        if (before === undefined) this.#due.add(contract)
        if (before === undefined) await this.#ports.bulkhead.do(contract, () => replicas.use(contract, async () => {}))
        continue
      }
      replica.heard(this.peer.handle, frontier ?? {})
      const { state } = replica
      // Its answer was cut off: ask for the rest, as long as that leads on, in this contract or in one that took the room.
      if (isLed && this.knowledge.isAhead(state)) this.#due.add(contract)
      // What it holds was only known from its statements: it has lost some of it.
      if (
        !wasHeardOf &&
        frontier !== undefined &&
        (await withHistory(replica, (state) => this.knowledge.lacksNews(state)))
      ) {
        this.#due.add(contract)
      }
    }
  }
}

/** Whether it holds more than before a call. */
function hasMore(replica: ReplicaPort | undefined, before: HeldFeeds | undefined): boolean {
  return replica !== undefined && before !== undefined && replica.state.feeds !== before
}
