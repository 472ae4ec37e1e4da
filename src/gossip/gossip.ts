import { frontierOf } from '../agreement/feeds.ts'
import type { Held } from '../agreement/held.ts'
import type { Handle, Uid } from '../events/ids.ts'
import type { Frontier } from '../events/statement.ts'
import type { Decoded, StatementRefused } from '../events/statement-codec.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ConcordataError } from '../runtime/errors.ts'
import type { Random } from '../runtime/random.ts'
import { Courier, type CourierTiming } from './courier.ts'
import { isPartyTo, Knowledge } from './knowledge.ts'
import { decodeMessage, type ExchangeMessage, encodeMessage } from './message.ts'
import type { Participant, Participants, Peer } from './participant.ts'

export interface GossipTiming extends CourierTiming {
  /** How long news that nobody waits for lie before they are carried on: most arrive by other traffic until then. */
  readonly lazyMs: number
  /** How often a member is called anyway, to find out what got lost. */
  readonly antiEntropyMs: number
}

export const defaultTiming: GossipTiming = { retryMs: 200, retryMaxMs: 10_000, lazyMs: 250, antiEntropyMs: 10_000 }

export interface GossipPorts {
  readonly participants: Participants
  readonly clock: Clock
  readonly random: Random
  readonly timing: GossipTiming
  readonly report: GossipReport
}

/** What went wrong on the way, for logs and alarms. */
export interface GossipReport {
  unreachable(peer: Peer, error: unknown): void
  /** The peer takes no more calls for a while; that counts as no failure. */
  busy?(peer: Peer, error: ConcordataError): void
  refused(peer: Peer, refused: readonly StatementRefused[]): void
}

/**
 * The traffic of one node: a courier a peer, and the answers to those who call. What is urgent is what somebody waits
 * for: own requests, decisions, and heads while own requests are under way; all else is carried lazily (design §6).
 */
export class Gossip {
  readonly #ports: GossipPorts
  readonly #couriers = new Map<Handle, Courier>()
  readonly #cancelLazy = new Map<Uid, () => void>()
  #cancelAntiEntropy: (() => void) | undefined
  #turn = 0
  #closed = false

  constructor(ports: GossipPorts) {
    this.#ports = ports
  }

  /** Calls everybody once, since after a restart others know what this node missed; then keeps an eye on the ring. */
  start(): void {
    for (const courier of this.#couriers.values()) this.#urgeAll(courier)
    this.#scheduleAntiEntropy()
  }

  close(): void {
    this.#closed = true
    this.#cancelAntiEntropy?.()
    for (const cancel of this.#cancelLazy.values()) cancel()
    for (const courier of this.#couriers.values()) courier.close()
  }

  /** A party was approved, or has moved: from now on it is called there. */
  setPeer(peer: Peer): void {
    this.#couriers.get(peer.handle)?.close()
    const { participants, clock, random, timing, report } = this.#ports
    const courier = new Courier(peer, new Knowledge(peer.handle), {
      participants,
      clock,
      random,
      timing,
      take: async (from, message) => {
        await this.#take(from, message)
      },
      failed: (to, error) => report.unreachable(to, error),
      busy: (to, error) => report.busy?.(to, error),
      idle: () => {
        for (const participant of participants.all()) participant.wake()
      },
    })
    this.#couriers.set(peer.handle, courier)
    this.#urgeAll(courier)
  }

  removePeer(handle: Handle): void {
    this.#couriers.get(handle)?.close()
    this.#couriers.delete(handle)
  }

  /** Whether a new statement could leave at once: while every courier is on its way, it may as well wait and grow. */
  canSend(contract: Uid): boolean {
    const participant = this.#ports.participants.get(contract)
    if (participant === undefined) return true
    const couriers = [...this.#couriers.values()].filter(({ peer }) => isPartyTo(participant.state, peer))
    return couriers.length === 0 || couriers.some((courier) => !courier.isBusy)
  }

  /** The contract made or took in statements. All of it is durable. */
  news(participant: Participant, made: Held | undefined): void {
    const speaks = made !== undefined && (made.statement.requests.length > 0 || made.statement.decided.length > 0)
    if (speaks || (made !== undefined && participant.hasUnsettled)) this.carry(participant.contract)
    else this.#carryLazily(participant)
  }

  /** Has everybody told at once: for what a local user waits for, and for what just settled (design §6, round 3). */
  carry(contract: Uid): void {
    const participant = this.#ports.participants.get(contract)
    if (participant === undefined) return
    for (const courier of this.#couriers.values()) {
      const { knowledge } = courier
      const isDue =
        knowledge.lacksNews(participant.state) ||
        participant.words.length > 0 ||
        knowledge.lacksProof(contract, participant.evidence)
      if (isPartyTo(participant.state, courier.peer) && isDue) courier.urge(contract)
    }
  }

  /** An exchange call of an approved peer. Attacker-controlled: `body`. Throws ExchangeMalformed. */
  async answer(peer: Peer, body: string): Promise<string> {
    const message = decodeMessage(body)
    this.#couriers.get(peer.handle)?.isUp()
    await this.#take(peer, message)
    const frontiers = new Map<Uid, Frontier>()
    const lines: string[] = []
    const knowledge = this.#couriers.get(peer.handle)?.knowledge ?? new Knowledge(peer.handle)
    for (const contract of message.frontiers.keys()) {
      const participant = this.#ports.participants.get(contract)
      if (participant === undefined || !isPartyTo(participant.state, peer)) continue
      frontiers.set(contract, frontierOf(participant.state.feeds))
      lines.push(
        ...knowledge.takeLines(participant.state),
        ...knowledge.takeProofs(contract, participant.evidence),
        ...knowledge.ownLines(contract, participant.waitingOf(peer.handle)),
      )
    }
    return encodeMessage(frontiers, lines, [])
  }

  async #take(peer: Peer, message: ExchangeMessage): Promise<void> {
    const { participants, report } = this.#ports
    const knowledge = this.#couriers.get(peer.handle)?.knowledge
    for (const [contract, frontier] of message.frontiers) knowledge?.told(contract, frontier, message.statements)
    const refused = [...message.refused]
    const deliveries = [...byContract(message.statements)].map(async ([contract, statements]) => {
      // Whoever brings them: statements speak for themselves. An invitee may have what a member has lost.
      const participant = participants.get(contract) ?? (await participants.begin(contract, statements, peer.handle))
      if (participant !== undefined) refused.push(...(await participant.deliver(statements)).refused)
    })
    await Promise.all(deliveries)
    for (const word of message.words) participants.took(word)
    if (refused.length > 0) report.refused(peer, refused)
  }

  #carryLazily({ contract }: Participant): void {
    if (this.#cancelLazy.has(contract) || this.#closed) return
    const { clock, random, timing } = this.#ports
    const delay = timing.lazyMs * (1 + random.fraction())
    this.#cancelLazy.set(
      contract,
      clock.after(delay, () => {
        this.#cancelLazy.delete(contract)
        this.carry(contract)
      }),
    )
  }

  #scheduleAntiEntropy(): void {
    if (this.#closed) return
    const { clock, random, timing } = this.#ports
    this.#cancelAntiEntropy = clock.after(timing.antiEntropyMs * (0.75 + random.fraction() / 2), () => {
      const couriers = [...this.#couriers.values()]
      const next = couriers[this.#turn++ % Math.max(1, couriers.length)]
      if (next !== undefined) this.#urgeAll(next)
      this.#scheduleAntiEntropy()
    })
  }

  #urgeAll(courier: Courier): void {
    for (const { contract, state, unheard } of this.#ports.participants.all()) {
      if (isPartyTo(state, courier.peer) || unheard.includes(courier.peer.handle)) courier.urge(contract)
    }
  }
}

function byContract(statements: readonly Decoded[]): Map<Uid, Decoded[]> {
  return Map.groupBy(statements, ({ statement }) => statement.contract)
}
