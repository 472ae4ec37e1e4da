import { frontierOf } from '../agreement/feeds.ts'
import { lookBack, needsHistory } from '../agreement/history/looking-back.ts'
import type { HeldState } from '../agreement/state.ts'
import type { Handle, Uid } from '../events/ids.ts'
import type { Frontier } from '../events/statement.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { inTurns, type Turns } from '../runtime/turns.ts'
import { AnsweredWants } from './answered-wants.ts'
import { Arrivals } from './arrivals.ts'
import { Bulkhead } from './bulkhead.ts'
import { Credits } from './credit.ts'
import type { GossipReport } from './gossip-report.ts'
import { Later } from './later.ts'
import { decodingOf } from './message.ts'
import { MessageBuilder } from './message-builder.ts'
import { isPartyTo, PeerKnowledge } from './peer-knowledge.ts'
import { PeerSession, type PeerSessionTiming } from './peer-session.ts'
import { RecentLines } from './recent-lines.ts'
import type { AtRest, Peer, ReplicaPort, ReplicasPort } from './replica-port.ts'
import { type CalledPeers, isUrgent, lazyRecipients, type News, ringOf } from './schedule.ts'
import { TooMuch } from './transport/call-limits.ts'

export interface GossipTiming extends PeerSessionTiming {
  /** How long news that nobody waits for lie before they are carried on: most arrive by other traffic until then. */
  readonly lazyMs: number
  /** How often a member is called anyway, to find out what got lost. */
  readonly antiEntropyMs: number
}

export const defaultTiming: GossipTiming = {
  retryMs: 200,
  retryMaxMs: 10_000,
  lazyMs: 250,
  antiEntropyMs: 10_000,
}

export interface GossipPorts {
  readonly replicas: ReplicasPort
  readonly clock: Clock
  readonly random: Random
  readonly timing: GossipTiming
  readonly report: GossipReport
  /** Left out: whatever comes is worked off at once. */
  readonly turns?: Turns | undefined
}

/**
 * The traffic of one node: one session a peer, and the answers to those who call. Urgent is what a user waits for:
 * own requests, decisions, and heads while own requests are unsettled. Everything else is sent lazily (design §6).
 */
export class Gossip {
  readonly #ports: GossipPorts
  readonly #credits: Credits
  readonly #answeredWants: AnsweredWants
  readonly #sessions = new Map<Handle, PeerSession>()
  readonly #later: Later
  readonly #bulkhead: Bulkhead
  readonly #lines = new RecentLines()
  readonly #arrivals: Arrivals
  /** Of each peer the contract that was last cut off in an answer: the next answer begins behind it. */
  readonly #cutOff = new Map<Handle, Uid>()
  /** Contracts in which something waits until a session is free. */
  readonly #heldBack = new Set<Uid>()
  #cancelAntiEntropy: (() => void) | undefined
  #turn = 0
  #closed = false

  constructor(ports: GossipPorts) {
    this.#ports = ports
    this.#credits = new Credits(ports.clock)
    this.#answeredWants = new AnsweredWants(ports.clock)
    const { clock, random, timing, replicas } = ports
    this.#later = new Later({
      clock,
      random,
      lazyMs: timing.lazyMs,
      progressOf: (contract) => replicas.find(contract) ?? replicas.passive(contract),
      carry: (contract, to) => this.#carryTo(contract, this.#reachable(to)),
    })
    this.#bulkhead = new Bulkhead({
      clock: ports.clock,
      // What goes wrong while it closes is no news.
      failed: (contract, error) => this.#closed || ports.report.failed?.(contract, error),
      recovered: (contract) => this.#closed || this.carry(contract),
    })
    this.#arrivals = new Arrivals({
      replicas,
      report: ports.report,
      turns: ports.turns,
      credits: this.#credits,
      answeredWants: this.#answeredWants,
      bulkhead: this.#bulkhead,
    })
  }

  /** Calls everybody once, since after a restart others know what this node missed; then keeps an eye on the ring. */
  start(): void {
    for (const session of this.#sessions.values()) {
      this.#urgeAll(session)
      session.sweep('all')
    }
    this.#scheduleAntiEntropy()
  }

  close(): void {
    this.#closed = true
    this.#cancelAntiEntropy?.()
    this.#later.close()
    for (const session of this.#sessions.values()) session.close()
  }

  /** A party was approved, or has moved: from now on it is called there. */
  setPeer(peer: Peer): void {
    this.#sessions.get(peer.handle)?.close()
    const { replicas, clock, random, timing, report, turns } = this.#ports
    const knowledge = new PeerKnowledge(peer.handle, this.#lines)
    const session = new PeerSession(peer, knowledge, {
      replicas,
      clock,
      random,
      timing,
      turns,
      take: async (from, message) => {
        await this.#arrivals.take(from, message, knowledge)
        // What it misses the next call brings: not at once, or who asks for ever would be called for ever.
        for (const contract of new Set([...message.wants.keys(), ...message.lacks.keys(), ...message.pieces.keys()]))
          if (knowledge.hasWants(contract)) this.#later.carry(contract, new Set([from.handle]))
      },
      failed: (to, error) => report.unreachable(to, error),
      reached: (to) => report.reached?.(to),
      busy: (to, error) => report.busy?.(to, error),
      bulkhead: this.#bulkhead,
      answeredWants: this.#answeredWants,
      idle: () => {
        const heldBack = [...this.#heldBack]
        this.#heldBack.clear()
        for (const contract of heldBack) replicas.find(contract)?.wake()
      },
    })
    this.#sessions.set(peer.handle, session)
    this.#urgeAll(session)
    session.sweep('all')
  }

  removePeer(handle: Handle): void {
    this.#sessions.get(handle)?.close()
    this.#sessions.delete(handle)
    this.#cutOff.delete(handle)
    this.#answeredWants.drop(handle)
    this.#ports.report.removed?.(handle)
  }

  /** The peers that the last call did not reach, and why. */
  troubles(): ReadonlyMap<Handle, unknown> {
    const found = [...this.#sessions].map(([handle, { trouble }]) => [handle, trouble] as const)
    return new Map(found.filter(([, trouble]) => trouble !== undefined))
  }

  /** Whether a new statement could leave at once: while every session has a call under way, it may as well wait and grow. */
  canSend(contract: Uid): boolean {
    const replica = this.#ports.replicas.find(contract)
    if (replica === undefined) return true
    const sessions = [...this.#sessions.values()].filter(({ peer }) => isPartyTo(replica.state, peer))
    const isFree = sessions.length === 0 || sessions.some((session) => !session.isBusy)
    if (!isFree) this.#heldBack.add(contract)
    return isFree
  }

  /** The contract made or took in statements. All of it is durable. */
  news(replica: ReplicaPort, news: News): void {
    const { contract, hasUnsettled, self, state } = replica
    if (isUrgent(news, hasUnsettled)) this.carry(contract)
    else this.#later.carry(contract, lazyRecipients(state, self, news, hasUnsettled))
    this.#later.watch(contract, state.settling.settled)
  }

  /** Requests have settled. `authors`: whose they were. */
  settled({ contract, hasUnsettled, self }: ReplicaPort, authors: ReadonlySet<Handle>): void {
    if (!authors.has(self)) this.#later.carry(contract, authors)
    else if (!hasUnsettled) this.carry(contract)
  }

  /** Has everybody told at once: for what a local user waits for, and for what just settled (design §6, round 3). */
  carry(contract: Uid): void {
    this.#carryTo(contract, this.#sessions.values())
  }

  /**
   * Has whoever may have pieces that are missing here asked for them. Nobody else is called: this comes with the end of each call, and
   * of a peer that never takes what it lacks, as on another branch of a feed, there would be no end (decision 0148).
   */
  askForPieces(contract: Uid): void {
    const replica = this.#ports.replicas.find(contract)
    if (replica === undefined) return
    for (const session of this.#sessions.values()) if (lacksPiecesOf(session, replica)) session.urge(contract)
  }

  #carryTo(contract: Uid, sessions: Iterable<PeerSession>): void {
    const replica = this.#ports.replicas.find(contract)
    const atRest = replica === undefined ? this.#ports.replicas.passive(contract) : undefined
    for (const session of sessions) {
      const isDue = replica === undefined ? atRest?.isPartyTo(session.peer) : hasNewsFor(session, replica)
      if (isDue === true) session.urge(contract)
    }
  }

  /** A contract is not in memory any more. */
  passivated(contract: Uid): void {
    for (const { knowledge } of this.#sessions.values()) knowledge.drop(contract)
  }

  /** A contract is in memory again. */
  activated({ contract, awaited }: ReplicaPort): void {
    for (const session of this.#sessions.values()) if (awaited.includes(session.peer.handle)) session.urge(contract)
  }

  /** An exchange call of an approved peer (decision 0079). Attacker-controlled: `body`. Throws ExchangeMalformed, TooMuch. */
  async answer(peer: Peer, body: string): Promise<string> {
    const waitMs = this.#credits.waitMs(peer.handle)
    if (waitMs > 0)
      throw new TooMuch('exchange_rate_limited', 'more of what was sent had to be refused than this node bears', waitMs)
    const message = await inTurns(decodingOf(body), this.#ports.turns)
    this.#sessions.get(peer.handle)?.isUp()
    // A process that calls nobody knows of the peer what it says in this call.
    const knowledge = this.#sessions.get(peer.handle)?.knowledge ?? new PeerKnowledge(peer.handle, this.#lines)
    await this.#arrivals.take(peer, message, knowledge)
    const builder = new MessageBuilder(knowledge, peer, this.#answeredWants)
    let cutOff: Uid | undefined
    for (const [contract, theirs] of behind(message.frontiers, this.#cutOff.get(peer.handle))) {
      const asks = knowledge.hasWants(contract)
      if ((await this.#say(contract, theirs, asks, peer, builder)) === 'cut off') cutOff ??= contract
    }
    if (cutOff === undefined) this.#cutOff.delete(peer.handle)
    else this.#cutOff.set(peer.handle, cutOff)
    return builder.encoded([])
  }

  /** What the peer is answered about one contract, after it has said how far it is. `asks`: for values, besides. */
  async #say(
    contract: Uid,
    theirs: Frontier,
    asks: boolean,
    peer: Peer,
    builder: MessageBuilder,
  ): Promise<'cut off' | undefined> {
    const { replicas } = this.#ports
    const atRest = replicas.passive(contract)
    // Leaving a contract out of a message would mean that nothing of it is held.
    const frontier = atRest === undefined ? heldBy(replicas.find(contract), peer) : frontierAt(atRest, peer)
    if (frontier !== undefined) builder.says(contract, frontier)
    const isEven = !asks && atRest?.isEvenWith(peer.handle, theirs)
    if (atRest !== undefined && (frontier === undefined || isEven)) return undefined
    return this.#bulkhead.do(contract, async () =>
      replicas.use(contract, async (replica) => {
        if (!isPartyTo(replica.state, peer)) return undefined
        return (await builder.put(replica)) ? 'cut off' : undefined
      }),
    )
  }

  /** Should none of them be reachable from here, anybody may be able to bring it to them. */
  #reachable(recipients: CalledPeers): PeerSession[] {
    const sessions = [...this.#sessions.values()]
    if (recipients === 'all') return sessions
    const reachable = sessions.filter(({ peer, isUnreachable }) => recipients.has(peer.handle) && !isUnreachable)
    return reachable.length > 0 ? reachable : sessions
  }

  #scheduleAntiEntropy(): void {
    if (this.#closed) return
    const { clock, random, timing, replicas } = this.#ports
    this.#cancelAntiEntropy = clock.after(timing.antiEntropyMs * (0.75 + random.fraction() / 2), () => {
      const ring = ringOf(
        replicas.self,
        [...this.#sessions.values()].map((session) => ({ handle: session.peer.handle, session })),
      )
      const next = ring[this.#turn++ % Math.max(1, ring.length)]?.session
      if (next !== undefined) {
        this.#urgeAll(next)
        next.sweep('some')
      }
      this.#scheduleAntiEntropy()
    })
  }

  #urgeAll(session: PeerSession): void {
    for (const { contract, state, awaited } of this.#ports.replicas.active()) {
      if (isPartyTo(state, session.peer) || awaited.includes(session.peer.handle)) session.urge(contract)
    }
  }
}

/** Or has a question: what the peer holds of this party's own feed. */
function hasNewsFor(session: PeerSession, replica: ReplicaPort): boolean {
  const { contract, state, words, evidence, awaited, wants, wantsEntries } = replica
  if (awaited.includes(session.peer.handle)) return true
  if (!isPartyTo(state, session.peer)) return false
  if (wants.length > 0 || wantsEntries !== undefined || session.knowledge.hasWants(contract)) return true
  if (lacksPiecesOf(session, replica)) return true
  return words.length > 0 || session.knowledge.lacksProof(contract, evidence) || lacksNews(session, state)
}

function lacksPiecesOf({ peer }: PeerSession, { contents, state }: ReplicaPort): boolean {
  return isPartyTo(state, peer) && contents.lacksPiecesOf(peer.handle)
}

/** Where it takes the history to tell, the call will tell. */
function lacksNews({ knowledge }: PeerSession, held: HeldState): boolean {
  const isLacking = lookBack(held, (state) => knowledge.lacksNews(state))
  return isLacking === needsHistory || isLacking
}

function frontierAt(atRest: AtRest, peer: Peer): Frontier | undefined {
  return atRest.isPartyTo(peer) ? atRest.frontier : undefined
}

function heldBy(replica: ReplicaPort | undefined, peer: Peer): Frontier | undefined {
  return replica !== undefined && isPartyTo(replica.state, peer) ? frontierOf(replica.state.feeds) : undefined
}

/** In turns: the next one first, and last the one in which somebody left off. */
function behind<Value>(contracts: ReadonlyMap<Uid, Value>, last: Uid | undefined): [Uid, Value][] {
  const all = [...contracts]
  const place = all.findIndex(([contract]) => contract === last) + 1
  return [...all.slice(place), ...all.slice(0, place)]
}
