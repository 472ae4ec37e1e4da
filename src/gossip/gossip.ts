import { EngineUnknown } from '../aggregates/contract/engines.ts'
import { frontierOf } from '../agreement/feeds.ts'
import type { AgreementState } from '../agreement/state.ts'
import type { Held } from '../agreement/verified-statement.ts'
import type { Handle, Uid } from '../events/ids.ts'
import type { Frontier } from '../events/statement.ts'
import { type Decoded, StatementRefused } from '../events/statement-codec.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ConcordataError } from '../runtime/errors.ts'
import { Forgotten } from '../runtime/history-pruned.ts'
import type { Random } from '../runtime/random.ts'
import { inTurns, type Turns } from '../runtime/turns.ts'
import { Apart } from './bulkhead.ts'
import { type Credit, Credits } from './credit.ts'
import { contractOf, decodingOf, type ExchangeMessage } from './message.ts'
import { Parcel } from './message-builder.ts'
import { isPartyTo, Knowledge } from './peer-knowledge.ts'
import { Courier, type CourierTiming } from './peer-session.ts'
import type { AtRest, Participant, Participants, Peer } from './replica-port.ts'
import { TooMuch } from './transport/call-limits.ts'

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
  /** Left out: whatever comes is worked off at once. */
  readonly turns?: Turns | undefined
}

/** What went wrong on the way, for logs and alarms. */
export interface GossipReport {
  /** With every call that does not come about. */
  unreachable(peer: Peer, error: unknown): void
  /** A call came about: the first since the peer is known, or the first after some that did not. */
  reached?(peer: Peer): void
  /** The party is no peer any more: blocked, or not allowed. */
  removed?(handle: Handle): void
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
  readonly #credits: Credits
  readonly #couriers = new Map<Handle, Courier>()
  readonly #cancelLazy = new Map<Uid, () => void>()
  readonly #apart: Apart
  /** Of each peer the contract that was last cut off in an answer: the next answer begins behind it. */
  readonly #cutOff = new Map<Handle, Uid>()
  /** Contracts in which something waits until a courier is free. */
  readonly #heldBack = new Set<Uid>()
  #cancelAntiEntropy: (() => void) | undefined
  #turn = 0
  #closed = false

  constructor(ports: GossipPorts) {
    this.#ports = ports
    this.#credits = new Credits(ports.clock)
    this.#apart = new Apart({
      clock: ports.clock,
      // What goes wrong while it closes is no news.
      failed: (contract, error) => this.#closed || ports.report.failed?.(contract, error),
      recovered: (contract) => this.#closed || this.carry(contract),
    })
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
    const { participants, clock, random, timing, report, turns } = this.#ports
    const knowledge = new Knowledge(peer.handle)
    const courier = new Courier(peer, knowledge, {
      participants,
      clock,
      random,
      timing,
      turns,
      take: async (from, message) => {
        await this.#take(from, message, knowledge)
        // What it misses the next call brings: not at once, or who asks for ever would be called for ever.
        for (const contract of message.wants.keys()) if (knowledge.hasWants(contract)) this.#carryLazily(contract)
      },
      failed: (to, error) => report.unreachable(to, error),
      reached: (to) => report.reached?.(to),
      busy: (to, error) => report.busy?.(to, error),
      apart: this.#apart,
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
    this.#cutOff.delete(handle)
    this.#ports.report.removed?.(handle)
  }

  /** The peers that the last call did not reach, and why. */
  troubles(): ReadonlyMap<Handle, unknown> {
    const found = [...this.#couriers].map(([handle, { trouble }]) => [handle, trouble] as const)
    return new Map(found.filter(([, trouble]) => trouble !== undefined))
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
    else this.#carryLazily(participant.contract)
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

  /** An exchange call of an approved peer. Attacker-controlled: `body`. Throws ExchangeMalformed, TooMuch. */
  async answer(peer: Peer, body: string): Promise<string> {
    const waitMs = this.#credits.waitMs(peer.handle)
    if (waitMs > 0)
      throw new TooMuch('exchange_rate_limited', 'more of what was sent had to be refused than this node bears', waitMs)
    const message = await inTurns(decodingOf(body), this.#ports.turns)
    this.#couriers.get(peer.handle)?.isUp()
    // A process that calls nobody knows of the peer what it says in this call.
    const knowledge = this.#couriers.get(peer.handle)?.knowledge ?? new Knowledge(peer.handle)
    await this.#take(peer, message, knowledge)
    const parcel = new Parcel(knowledge, peer)
    let cutOff: Uid | undefined
    for (const [contract, theirs] of behind(message.frontiers, this.#cutOff.get(peer.handle))) {
      const asks = message.wants.has(contract)
      if ((await this.#say(contract, theirs, asks, peer, parcel)) === 'cut off') cutOff ??= contract
    }
    if (cutOff === undefined) this.#cutOff.delete(peer.handle)
    else this.#cutOff.set(peer.handle, cutOff)
    return parcel.encoded([])
  }

  /** What the peer is answered about one contract, after it has said how far it is. `asks`: for values, besides. */
  async #say(
    contract: Uid,
    theirs: Frontier,
    asks: boolean,
    peer: Peer,
    parcel: Parcel,
  ): Promise<'cut off' | undefined> {
    const { participants } = this.#ports
    const atRest = participants.resting(contract)
    // To be passed over in silence would mean that nothing is held of it.
    const frontier = atRest === undefined ? heldBy(participants.find(contract), peer) : frontierAt(atRest, peer)
    if (frontier !== undefined) parcel.says(contract, frontier)
    const isEven = !asks && atRest?.isEvenWith(peer.handle, theirs)
    if (atRest !== undefined && (frontier === undefined || isEven)) return undefined
    return this.#apart.do(contract, async () =>
      participants.use(contract, async (participant) => {
        if (!isPartyTo(participant.state, peer)) return undefined
        return (await parcel.put(participant)) ? 'cut off' : undefined
      }),
    )
  }

  async #take(peer: Peer, message: ExchangeMessage, knowledge: Knowledge): Promise<void> {
    const { participants, report, turns } = this.#ports
    const statements = byContract(message.statements)
    const payloads = Map.groupBy(message.payloads, ({ contract }) => contract)
    for (const [contract, frontier] of message.frontiers) {
      // Of what is not held anybody could make up any number.
      if (!participants.has(contract)) continue
      const atRest = participants.resting(contract)
      // That wakes it, and what is known of it is let go of when it rests again.
      const isOdd = atRest === undefined || (atRest.isPartyTo(peer) && !atRest.isEvenWith(peer.handle, frontier))
      const asks = message.wants.has(contract)
      if (isOdd || statements.has(contract) || asks) knowledge.told(contract, frontier, statements.get(contract) ?? [])
      this.#heardOf(contract, peer, message, knowledge)
    }
    const refused = [...message.refused]
    const credit = this.#credits.of(peer.handle)
    credit.spend(refused.length)
    const deliveries = [...new Set([...statements.keys(), ...payloads.keys()])].map((contract) =>
      this.#apart.do(contract, async () => {
        if (credit.isSpent) return
        const delivered = statements.get(contract) ?? []
        const isNew = !participants.has(contract)
        // Whoever brings them: statements speak for themselves. An invitee may have what a member has lost.
        if (!(await this.#begun(contract, delivered, peer, credit, refused))) return
        const frontier = message.frontiers.get(contract)
        if (isNew && frontier !== undefined) knowledge.told(contract, frontier, delivered)
        const result = await participants.use(contract, (participant) =>
          participant.deliver(delivered, credit, payloads.get(contract) ?? []),
        )
        for (const one of result?.refused ?? []) refused.push(one)
      }),
    )
    await Promise.all(deliveries)
    for (const word of message.words) {
      if (turns?.isOver === true) await turns.next()
      await this.#apart.do(contractOf(word), () => participants.took(word))
    }
    if (refused.length > 0) report.refused(peer, refused)
  }

  /** What a party to the contract says beside what it holds. */
  #heardOf(contract: Uid, peer: Peer, { wants, waits }: ExchangeMessage, knowledge: Knowledge): void {
    const participant = this.#ports.participants.find(contract)
    const isParty =
      participant === undefined
        ? this.#ports.participants.resting(contract)?.isPartyTo(peer)
        : isPartyTo(participant.state, peer)
    if (isParty !== true) return
    knowledge.wanted(contract, wants.get(contract) ?? [])
    participant?.holdsUp(peer.handle, waits.get(contract))
  }

  /** Whether the contract is held, now if not before; what is refused of its beginning is added. */
  async #begun(
    contract: Uid,
    delivered: readonly Decoded[],
    { handle }: Peer,
    credit: Credit,
    refused: StatementRefused[],
  ): Promise<boolean> {
    try {
      return await this.#ports.participants.begin(contract, delivered, handle)
    } catch (error) {
      // Verifying it has cost as much as any other that was sent in vain.
      if (error instanceof StatementRefused || error instanceof EngineUnknown) credit.spend(1)
      if (!(error instanceof StatementRefused)) throw error
      refused.push(error)
      return false
    }
  }

  #carryLazily(contract: Uid): void {
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
function hasNewsFor(courier: Courier, participant: Participant): boolean {
  const { contract, state, words, evidence, unheard, wants } = participant
  if (unheard.includes(courier.peer.handle)) return true
  if (!isPartyTo(state, courier.peer)) return false
  if (wants.length > 0 || courier.knowledge.hasWants(contract)) return true
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

function frontierAt(atRest: AtRest, peer: Peer): Frontier | undefined {
  return atRest.isPartyTo(peer) ? atRest.frontier : undefined
}

function heldBy(participant: Participant | undefined, peer: Peer): Frontier | undefined {
  return participant !== undefined && isPartyTo(participant.state, peer)
    ? frontierOf(participant.state.feeds)
    : undefined
}

/** In turns: the next one first, and last the one in which somebody left off. */
function behind<Value>(contracts: ReadonlyMap<Uid, Value>, last: Uid | undefined): [Uid, Value][] {
  const all = [...contracts]
  const place = all.findIndex(([contract]) => contract === last) + 1
  return [...all.slice(place), ...all.slice(0, place)]
}
