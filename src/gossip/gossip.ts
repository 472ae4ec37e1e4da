import type { Held } from '../agreement/held.ts'
import type { AgreementState } from '../agreement/state.ts'
import type { Handle, Uid } from '../events/ids.ts'
import type { Decoded, StatementRefused } from '../events/statement-codec.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ConcordataError } from '../runtime/errors.ts'
import { Forgotten } from '../runtime/forgotten.ts'
import type { Random } from '../runtime/random.ts'
import { Courier, type CourierTiming } from './courier.ts'
import { isPartyTo, Knowledge } from './knowledge.ts'
import { contractOf, decodeMessage, type ExchangeMessage } from './message.ts'
import { Parcel } from './parcel.ts'
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
  /** What came for a contract could not be taken in; the others are not concerned. */
  failed?(contract: Uid, error: unknown): void
}

/**
 * The traffic of one node: a courier a peer, and the answers to those who call. What is urgent is what somebody waits
 * for: own requests, decisions, and heads while own requests are under way; all else is carried lazily (design §6).
 */
export class Gossip {
  readonly #ports: GossipPorts
  readonly #couriers = new Map<Handle, Courier>()
  readonly #cancelLazy = new Map<Uid, () => void>()
  /** Contracts in which something waits until a courier is free. */
  readonly #heldBack = new Set<Uid>()
  #cancelAntiEntropy: (() => void) | undefined
  #turn = 0
  #closed = false

  constructor(ports: GossipPorts) {
    this.#ports = ports
  }

  /** Calls everybody once, since after a restart others know what this node missed; then keeps an eye on the ring. */
  start(): void {
    for (const courier of this.#couriers.values()) {
      this.#urgeAll(courier)
      courier.sweep('all')
    }
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
      broken: (contract, error) => report.failed?.(contract, error),
      idle: () => {
        const heldBack = [...this.#heldBack]
        this.#heldBack.clear()
        for (const contract of heldBack) participants.find(contract)?.wake()
      },
    })
    this.#couriers.set(peer.handle, courier)
    this.#urgeAll(courier)
    courier.sweep('all')
  }

  removePeer(handle: Handle): void {
    this.#couriers.get(handle)?.close()
    this.#couriers.delete(handle)
  }

  /** Whether a new statement could leave at once: while every courier is on its way, it may as well wait and grow. */
  canSend(contract: Uid): boolean {
    const participant = this.#ports.participants.find(contract)
    if (participant === undefined) return true
    const couriers = [...this.#couriers.values()].filter(({ peer }) => isPartyTo(participant.state, peer))
    const isFree = couriers.length === 0 || couriers.some((courier) => !courier.isBusy)
    if (!isFree) this.#heldBack.add(contract)
    return isFree
  }

  /** The contract made or took in statements. All of it is durable. */
  news(participant: Participant, made: Held | undefined): void {
    const speaks = made !== undefined && (made.statement.requests.length > 0 || made.statement.decided.length > 0)
    if (speaks || (made !== undefined && participant.hasUnsettled)) this.carry(participant.contract)
    else this.#carryLazily(participant)
  }

  /** Has everybody told at once: for what a local user waits for, and for what just settled (design §6, round 3). */
  carry(contract: Uid): void {
    const participant = this.#ports.participants.find(contract)
    const atRest = participant === undefined ? this.#ports.participants.resting(contract) : undefined
    for (const courier of this.#couriers.values()) {
      const isDue = participant === undefined ? atRest?.isPartyTo(courier.peer) : hasNewsFor(courier, participant)
      if (isDue === true) courier.urge(contract)
    }
  }

  /** A contract is not in memory any more. */
  rested(contract: Uid): void {
    for (const { knowledge } of this.#couriers.values()) knowledge.drop(contract)
  }

  /** A contract is in memory again. */
  woke({ contract, unheard }: Participant): void {
    for (const courier of this.#couriers.values()) if (unheard.includes(courier.peer.handle)) courier.urge(contract)
  }

  /** An exchange call of an approved peer. Attacker-controlled: `body`. Throws ExchangeMalformed. */
  async answer(peer: Peer, body: string): Promise<string> {
    const message = decodeMessage(body)
    this.#couriers.get(peer.handle)?.isUp()
    await this.#take(peer, message)
    const parcel = new Parcel(this.#couriers.get(peer.handle)?.knowledge ?? new Knowledge(peer.handle), peer)
    for (const [contract, theirs] of message.frontiers) {
      const atRest = this.#ports.participants.resting(contract)
      if (atRest === undefined || (atRest.isPartyTo(peer) && !atRest.isEvenWith(peer.handle, theirs))) {
        await this.#apart(contract, () =>
          this.#ports.participants.use(contract, async (participant) => {
            if (isPartyTo(participant.state, peer)) await parcel.put(participant)
          }),
        )
      } else if (atRest.isPartyTo(peer)) parcel.frontiers.set(contract, atRest.frontier)
    }
    return parcel.encoded([])
  }

  async #take(peer: Peer, message: ExchangeMessage): Promise<void> {
    const { participants, report } = this.#ports
    const knowledge = this.#couriers.get(peer.handle)?.knowledge
    const statements = byContract(message.statements)
    for (const [contract, frontier] of message.frontiers) {
      const isEven = participants.resting(contract)?.isEvenWith(peer.handle, frontier) ?? false
      if (!isEven || statements.has(contract)) knowledge?.told(contract, frontier, message.statements)
    }
    const refused = [...message.refused]
    const deliveries = [...statements].map(([contract, delivered]) =>
      this.#apart(contract, async () => {
        // Whoever brings them: statements speak for themselves. An invitee may have what a member has lost.
        if (!(await participants.begin(contract, delivered, peer.handle))) return
        const result = await participants.use(contract, (participant) => participant.deliver(delivered))
        refused.push(...(result?.refused ?? []))
      }),
    )
    await Promise.all(deliveries)
    for (const word of message.words) await this.#apart(contractOf(word), () => participants.took(word))
    if (refused.length > 0) report.refused(peer, refused)
  }

  /** What goes wrong in one contract is no reason to let the others wait. */
  async #apart(contract: Uid, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!this.#closed) this.#ports.report.failed?.(contract, error)
    }
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
      if (next !== undefined) {
        this.#urgeAll(next)
        next.sweep('some')
      }
      this.#scheduleAntiEntropy()
    })
  }

  #urgeAll(courier: Courier): void {
    for (const { contract, state, unheard } of this.#ports.participants.awake()) {
      if (isPartyTo(state, courier.peer) || unheard.includes(courier.peer.handle)) courier.urge(contract)
    }
  }
}

/** Or has a question: what the peer holds of this party's own feed. */
function hasNewsFor(courier: Courier, { contract, state, words, evidence, unheard }: Participant): boolean {
  if (unheard.includes(courier.peer.handle)) return true
  if (!isPartyTo(state, courier.peer)) return false
  return words.length > 0 || courier.knowledge.lacksProof(contract, evidence) || lacksNews(courier, state)
}

/** Where it takes the history to tell, the call will tell. */
function lacksNews({ knowledge }: Courier, state: AgreementState): boolean {
  try {
    return knowledge.lacksNews(state)
  } catch (error) {
    if (error instanceof Forgotten) return true
    throw error
  }
}

function byContract(statements: readonly Decoded[]): Map<Uid, Decoded[]> {
  return Map.groupBy(statements, ({ statement }) => statement.contract)
}
