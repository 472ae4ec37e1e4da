import { frontierOf } from '../agreement/feeds.ts'
import type { Uid } from '../events/ids.ts'
import type { Frontier } from '../events/statement.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { isPartyTo, type Knowledge } from './knowledge.ts'
import { CONTRACTS_PER_MESSAGE_MAX, decodeMessage, type ExchangeMessage, encodeMessage, type Word } from './message.ts'
import type { Participant, Participants, Peer } from './participant.ts'
import { PeerBusy } from './transport/peer-errors.ts'

export interface CourierTiming {
  /** First pause after a failed call; it doubles, with jitter, up to the second. Milliseconds. */
  readonly retryMs: number
  readonly retryMaxMs: number
}

export interface CourierPorts {
  readonly participants: Participants
  readonly clock: Clock
  readonly random: Random
  readonly timing: CourierTiming
  /** Takes in what an exchange brought; resolves when it is durable. */
  take(peer: Peer, message: ExchangeMessage): Promise<void>
  failed(peer: Peer, error: unknown): void
  /** It is up, but asks to be called later: no failure. */
  busy?(peer: Peer, error: PeerBusy): void
  /** No call is under way any more. */
  idle(): void
}

/** Carries news to one peer: one call at a time, each with all that is due by then. */
export class Courier {
  readonly peer: Peer
  readonly knowledge: Knowledge
  readonly #ports: CourierPorts
  readonly #due = new Set<Uid>()
  #running = false
  #failures = 0
  #triedAt = Number.NEGATIVE_INFINITY
  /** The peer asked not to be called before. */
  #busyUntil = Number.NEGATIVE_INFINITY
  #cancelRetry: (() => void) | undefined
  #closed = false

  constructor(peer: Peer, knowledge: Knowledge, ports: CourierPorts) {
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

  /** Has the contract's news carried over as soon as a call can be made. */
  urge(contract: Uid): void {
    this.#due.add(contract)
    const pause = this.#ports.clock.now() - this.#triedAt
    // A pause protects a peer that is down, but somebody may be waiting here: try, unless it has just failed.
    if (this.#failures === 0 || pause >= this.#ports.timing.retryMs) this.#start()
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
      while (this.#due.size > 0 && !this.#closed) await this.#call()
      this.#failures = 0
    } catch (error) {
      this.#blame(error)
    }
    this.#running = false
    this.#ports.idle()
    if (this.#due.size > 0 && !this.#closed) this.#retryLater()
  }

  #blame(error: unknown): void {
    if (error instanceof PeerBusy) {
      this.#failures = 0
      this.#busyUntil = this.#ports.clock.now() + error.retryAfterMs
      this.#ports.busy?.(this.peer, error)
    } else {
      this.#failures++
      this.#ports.failed(this.peer, error)
    }
  }

  #retryLater(): void {
    const asked = this.#busyUntil - this.#ports.clock.now()
    if (asked > 0) {
      this.#cancelRetry = this.#ports.clock.after(asked, () => this.#start())
      return
    }
    const { retryMs, retryMaxMs } = this.#ports.timing
    const pause = Math.min(retryMaxMs, retryMs * 2 ** Math.max(0, this.#failures - 1))
    const jittered = pause * (0.5 + this.#ports.random.fraction() / 2)
    this.#cancelRetry = this.#ports.clock.after(jittered, () => this.#start())
  }

  async #call(): Promise<void> {
    const contracts = [...this.#due].slice(0, CONTRACTS_PER_MESSAGE_MAX)
    const participants = contracts
      .map((contract) => this.#ports.participants.get(contract))
      .filter((participant) => participant !== undefined)
      .filter(({ state, unheard }) => isPartyTo(state, this.peer) || unheard.includes(this.peer.handle))
    for (const contract of contracts) this.#due.delete(contract)
    if (participants.length === 0) return
    this.#triedAt = this.#ports.clock.now()
    try {
      const body = this.#body(participants)
      const cutOff = participants.filter(({ state }) => this.knowledge.lacksNews(state))
      const answer = decodeMessage(await this.peer.exchange(body))
      const before = new Map(participants.map(({ contract, state }) => [contract, state.feeds]))
      await this.#ports.take(this.peer, answer)
      for (const { contract, heard } of participants) {
        const frontier = answer.frontiers.get(contract)
        // A contract that it passes over in silence it does not hold, or not any more: it was set back.
        if (frontier === undefined) this.knowledge.told(contract, {}, [])
        heard(this.peer.handle, frontier ?? {})
      }
      for (const { contract } of cutOff) this.#due.add(contract)
      for (const { contract, state } of participants) {
        // Its answer was cut off: ask for the rest, as long as that leads on.
        if (state.feeds !== before.get(contract) && this.knowledge.isAhead(state)) this.#due.add(contract)
      }
    } catch (error) {
      for (const contract of contracts) {
        this.#due.add(contract)
        this.knowledge.forget(contract)
      }
      throw error
    }
  }

  #body(participants: readonly Participant[]): string {
    const frontiers = new Map<Uid, Frontier>()
    const lines: string[] = []
    const words: Word[] = []
    for (const { contract, state, words: own, evidence, waitingOf } of participants) {
      frontiers.set(contract, frontierOf(state.feeds))
      lines.push(
        ...this.knowledge.takeLines(state),
        ...this.knowledge.takeProofs(contract, evidence),
        ...this.knowledge.ownLines(contract, waitingOf(this.peer.handle)),
      )
      words.push(...own)
    }
    return encodeMessage(frontiers, lines, words)
  }
}
