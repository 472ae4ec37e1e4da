import { EngineUnknown } from '../aggregates/contract/engines.ts'
import { lackingIn } from '../agreement/completing.ts'
import { frontierOf } from '../agreement/feeds.ts'
import type { AgreementState } from '../agreement/state.ts'
import type { Handle, Seq, Uid } from '../events/ids.ts'
import type { Frontier } from '../events/statement.ts'
import { type SignedStatement, StatementRefused } from '../events/statement-codec.ts'
import { eachAtOnce } from '../runtime/at-once.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ConcordataError } from '../runtime/errors.ts'
import { HistoryPruned } from '../runtime/history-pruned.ts'
import type { Random } from '../runtime/random.ts'
import { inTurns, type Turns } from '../runtime/turns.ts'
import { AnsweredWants } from './answered-wants.ts'
import { Bulkhead } from './bulkhead.ts'
import { type Credit, Credits } from './credit.ts'
import { Later } from './later.ts'
import { contractOf, decodingOf, type ExchangeMessage, type PayloadLine } from './message.ts'
import { MessageBuilder } from './message-builder.ts'
import { isPartyTo, PeerKnowledge } from './peer-knowledge.ts'
import { PeerSession, type PeerSessionTiming } from './peer-session.ts'
import { RecentLines } from './recent-lines.ts'
import type { AtRest, Peer, ReplicaPort, ReplicasPort } from './replica-port.ts'
import { isUrgent, lazyRecipients, type News, type Recipients, ringOf } from './schedule.ts'
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

/** Contracts that one message has brought something of, and that are taken into memory at once for it. */
const TAKEN_IN_AT_ONCE = 32
/** Of the credit that a refused statement costs, what a line of payloads does that its contract does not lack. */
const IN_VAIN_COST = 1 / 64

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
        await this.#take(from, message, knowledge)
        // What it misses the next call brings: not at once, or who asks for ever would be called for ever.
        for (const contract of message.wants.keys())
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

  /** An exchange call of an approved peer. Attacker-controlled: `body`. Throws ExchangeMalformed, TooMuch. */
  async answer(peer: Peer, body: string): Promise<string> {
    const waitMs = this.#credits.waitMs(peer.handle)
    if (waitMs > 0)
      throw new TooMuch('exchange_rate_limited', 'more of what was sent had to be refused than this node bears', waitMs)
    const message = await inTurns(decodingOf(body), this.#ports.turns)
    this.#sessions.get(peer.handle)?.isUp()
    // A process that calls nobody knows of the peer what it says in this call.
    const knowledge = this.#sessions.get(peer.handle)?.knowledge ?? new PeerKnowledge(peer.handle, this.#lines)
    await this.#take(peer, message, knowledge)
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

  async #take(peer: Peer, message: ExchangeMessage, knowledge: PeerKnowledge): Promise<void> {
    const { replicas, report, turns } = this.#ports
    const statements = byContract(message.statements)
    for (const [contract, frontier] of message.frontiers) {
      // Of what is not held anybody could make up any number.
      if (!replicas.has(contract)) continue
      this.#heardOf(contract, peer, message, knowledge)
      const atRest = replicas.passive(contract)
      // That wakes it, and what is known of it is let go of when it rests again.
      const isOdd = atRest === undefined || (atRest.isPartyTo(peer) && !atRest.isEvenWith(peer.handle, frontier))
      const asks = knowledge.hasWants(contract)
      if (isOdd || statements.has(contract) || asks) knowledge.told(contract, frontier, statements.get(contract) ?? [])
    }
    const refused = [...message.refused]
    const credit = this.#credits.of(peer.handle)
    credit.spend(refused.length)
    const payloads = this.#lacking(message.payloads, peer, credit)
    const contracts = new Set([...statements.keys(), ...payloads.keys()])
    await eachAtOnce(contracts, TAKEN_IN_AT_ONCE, (contract) =>
      this.#bulkhead.do(contract, async () => {
        if (credit.isSpent) return
        const delivered = statements.get(contract) ?? []
        const isNew = !replicas.has(contract)
        // Whoever brings them: statements speak for themselves. An invitee may have what a member has lost.
        if (!(await this.#begun(contract, delivered, peer, credit, refused))) return
        const frontier = message.frontiers.get(contract)
        if (isNew && frontier !== undefined) knowledge.told(contract, frontier, delivered)
        const result = await replicas.use(contract, (replica) =>
          replica.deliver(delivered, credit, payloads.get(contract) ?? []),
        )
        for (const one of result?.refused ?? []) refused.push(one)
      }),
    )
    for (const word of message.words) {
      if (turns?.isOver === true) await turns.next()
      const contract = contractOf(word)
      if (!replicas.has(contract)) continue
      if (this.#isStranger(contract, peer)) credit.spend(1)
      else await this.#bulkhead.do(contract, () => replicas.took(word))
    }
    if (refused.length > 0) report.refused(peer, refused)
  }

  /**
   * The payloads that came by themselves and are missing here, by contract; the others cost their bringer. Nobody was asked for
   * what it may not see; of the members that were asked for the same, all but the first bring it in vain.
   */
  #lacking(lines: readonly PayloadLine[], peer: Peer, credit: Credit): Map<Uid, PayloadLine[]> {
    const lacking = new Map<Uid, PayloadLine[]>()
    for (const [contract, some] of Map.groupBy(lines, ({ contract: of }) => of)) {
      if (this.#isStranger(contract, peer)) {
        credit.spend(some.length)
        continue
      }
      const serving = this.#servingIn(contract, some)
      credit.spend((some.length - serving.length) * IN_VAIN_COST)
      if (serving.length > 0) lacking.set(contract, serving)
    }
    return lacking
  }

  #servingIn(contract: Uid, lines: readonly PayloadLine[]): PayloadLine[] {
    const replica = this.#ports.replicas.find(contract)
    if (replica === undefined) return this.#ports.replicas.passive(contract)?.lacksValues === true ? [...lines] : []
    const places = new Set(lackingIn(replica.state).map(({ statement }) => placeIn(statement)))
    return lines.filter((line) => places.has(placeIn(line)))
  }

  /** Whether the contract is not held, or the peer no party to it. Of one that is just being loaded nobody can tell. */
  #isStranger(contract: Uid, peer: Peer): boolean {
    const { replicas } = this.#ports
    const isLoading = replicas.find(contract) === undefined && replicas.passive(contract) === undefined
    return isLoading ? !replicas.has(contract) : !this.#isParty(contract, peer)
  }

  #isParty(contract: Uid, peer: Peer): boolean {
    const { replicas } = this.#ports
    const replica = replicas.find(contract)
    if (replica !== undefined) return isPartyTo(replica.state, peer)
    return replicas.passive(contract)?.isPartyTo(peer) === true
  }

  /** What a party to the contract says beside what it holds. */
  #heardOf(contract: Uid, peer: Peer, { wants, waits }: ExchangeMessage, knowledge: PeerKnowledge): void {
    if (!this.#isParty(contract, peer)) return
    knowledge.wanted(contract, this.#answeredWants.due(peer.handle, contract, wants.get(contract) ?? []))
    this.#ports.replicas.find(contract)?.holdsUp(peer.handle, waits.get(contract))
  }

  /** Whether the contract is held, now if not before; what is refused of its beginning is added. */
  async #begun(
    contract: Uid,
    delivered: readonly SignedStatement[],
    { handle }: Peer,
    credit: Credit,
    refused: StatementRefused[],
  ): Promise<boolean> {
    try {
      return await this.#ports.replicas.begin(contract, delivered, handle)
    } catch (error) {
      // Verifying it has cost as much as any other invalid statement.
      if (error instanceof StatementRefused || error instanceof EngineUnknown) credit.spend(1)
      if (!(error instanceof StatementRefused)) throw error
      refused.push(error)
      return false
    }
  }

  /** Should none of them be reachable from here, anybody may be able to bring it to them. */
  #reachable(recipients: Recipients): PeerSession[] {
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
  const { contract, state, words, evidence, awaited, wants } = replica
  if (awaited.includes(session.peer.handle)) return true
  if (!isPartyTo(state, session.peer)) return false
  if (wants.length > 0 || session.knowledge.hasWants(contract)) return true
  return words.length > 0 || session.knowledge.lacksProof(contract, evidence) || lacksNews(session, state)
}

/** Where it takes the history to tell, the call will tell. */
function lacksNews({ knowledge }: PeerSession, state: AgreementState): boolean {
  try {
    return knowledge.lacksNews(state)
  } catch (error) {
    if (error instanceof HistoryPruned) return true
    throw error
  }
}

function placeIn({ party, seq }: { readonly party: Handle; readonly seq: Seq }): string {
  return `${party}.${seq}`
}

function byContract(statements: readonly SignedStatement[]): Map<Uid, SignedStatement[]> {
  return Map.groupBy(statements, ({ statement }) => statement.contract)
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
