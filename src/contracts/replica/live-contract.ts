import { formerOf } from '../../aggregates/contract/state.ts'
import { type Completion, entriesWanted } from '../../agreement/completing.ts'
import { feedOf } from '../../agreement/feeds.ts'
import { lookBack, type needsHistory, withHistory } from '../../agreement/history/looking-back.ts'
import { canHold } from '../../agreement/keys/key-rules.ts'
import type { Equivocation, OtherBranch } from '../../agreement/reception.ts'
import type { HeldState } from '../../agreement/state.ts'
import { type KnownEntry, WANTED_COMPUTED_MAX, type WantedEntries } from '../../agreement/values/known-entries.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import type { About } from '../../events/about.ts'
import type { EngineVersion, Handle, RequestRef, Seq, Uid } from '../../events/ids.ts'
import type { SignedRevocation } from '../../events/parties/key-change.ts'
import type { Frontier } from '../../events/statement.ts'
import type { SignedStatement } from '../../events/statement-codec.ts'
import type { Credit } from '../../gossip/credit.ts'
import { entriesShownTo } from '../../gossip/exchange.ts'
import type { HoldUp, Wanted } from '../../gossip/message.ts'
import type { WantedPieces } from '../../gossip/piece-line.ts'
import type { PayloadLines } from '../../gossip/replica-port.ts'
import { timestamp } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Approvals } from '../approvals/approvals.ts'
import type { Question } from '../approvals/questions.ts'
import type { PersonsRefusal } from '../commands/queued-command.ts'
import type { Contents } from '../contents/contents.ts'
import { pieceLines } from '../contents/piece-lines.ts'
import type { ObstacleCode } from '../obstacles/obstacles.ts'
import { type Keeping, keeping } from '../passive/keeping.ts'
import type { LocalRequests } from '../requests/local-requests.ts'
import type { HeldUp, Intent, Submission } from '../requests/submission.ts'
import { ContractListeners, type ListenerOf } from './contract-listener.ts'
import { HoldUps } from './hold-ups.ts'
import { oursOf } from './inbound/foreign-payloads.ts'
import { entryLines } from './inbound/known-entries.ts'
import { payloadLines } from './inbound/payload-lines.ts'
import type { DeliveryResult } from './mailbox.ts'
import { type Opened, openReplica } from './opening/open-replica.ts'
import type { Replicated } from './opening/replica-parts.ts'
import { hasToNote, isPassivatable } from './passivation.ts'
import type { ContractPorts } from './ports.ts'
import { ReplicaLoop } from './replica-loop.ts'
import { signingNotBlocked } from './signing-not-blocked.ts'

export type ContractListener = ListenerOf<LiveContract>

/** The node is stopping, or the contract was closed under the caller. */
export class ContractClosed extends ConcordataError {}

/**
 * One contract as a node lives it: what others see of the loop that takes in statements, makes its own when one is due, and keeps
 * everything durable before anybody hears of it (`replica-loop.ts`). What it says is decided by pure code (`agreement`).
 */
export class LiveContract {
  readonly contract: Uid
  readonly self: Handle
  readonly requests: LocalRequests
  readonly approvals: Approvals
  readonly contents: Contents
  readonly #ports: ContractPorts
  readonly #listeners = new ContractListeners<LiveContract>(this)
  readonly #loop: ReplicaLoop
  readonly #holdUps: HoldUps

  private constructor(replicated: Replicated, opened: Opened) {
    this.contract = replicated.contract
    this.self = replicated.self
    this.#ports = replicated.ports
    this.#holdUps = new HoldUps(
      this.self,
      () => this.approvals.holdUp ?? (this.state.ledger.lacking === undefined ? undefined : 'payload'),
    )
    this.#loop = new ReplicaLoop(replicated, opened, this.#listeners, (handle) => this.holdUpOf(handle))
    this.requests = this.#loop.parts.requests
    this.approvals = this.#loop.parts.approvals
    this.contents = this.#loop.parts.contents
  }

  /**
   * Loads what the store has of it: nothing at all is a contract that is about to begin. `told`: that many entries of the ledger
   * it was told of when it was in memory before; of the rest `tellWhatStands` tells. Throws as `openReplica`.
   */
  static async open(
    contract: Uid,
    self: Handle,
    founder: Handle,
    ports: ContractPorts,
    told = Number.POSITIVE_INFINITY,
  ): Promise<LiveContract> {
    const opened = await openReplica(contract, self, founder, ports, told)
    const live = new LiveContract({ contract, self, founder, ports }, opened)
    live.#loop.begin(opened)
    return live
  }

  /** What is held, all of it durable. */
  get state(): HeldState {
    return this.#loop.state
  }

  /** Proofs that a party has signed two statements for one place, one a party. */
  get evidence(): readonly Equivocation[] {
    return this.#loop.evidence
  }

  /** The engine that the contract goes on in, should this node not have it. */
  get engineUnknown(): EngineVersion | undefined {
    return this.#loop.engineUnknown
  }

  /** Where somebody covers another branch of a feed than the one held, as long as no proof tells why. */
  get unprovenForks(): readonly OtherBranch[] {
    const proven = new Set(this.evidence.map(({ party }) => party))
    return this.#loop.parts.unprovenForks.all.filter(({ party }) => !proven.has(party))
  }

  /** Why this node signs nothing in this contract at the moment, should it be so. */
  get obstacle(): ObstacleCode | undefined {
    return this.#loop.parts.author.obstacle(this.#loop.state)
  }

  /** Why its last turn came to nothing: the store, or the signer. Until one has written something again. */
  get trouble(): ObstacleCode | undefined {
    return this.#loop.parts.recovery.trouble
  }

  /** The members that this node has to hear of before it signs anything: after a restore without a guard. */
  get awaited(): readonly Handle[] {
    return this.#loop.duties.signs ? this.#loop.parts.protection.waitsFor(this.#loop.state) : []
  }

  /** What came of a party and runs ahead of what is held here: should that party have lost it, it is to have it back. */
  waitingOf(party: Handle): readonly SignedStatement[] {
    return this.#loop.waiting.filter(({ statement }) => statement.party === party)
  }

  /** The statements whose values the ledger needs and that are missing here, but for requests that come to nothing anyway. */
  get lacking(): readonly VerifiedStatement[] {
    return this.#loop.parts.values.lacking
  }

  /** The values that are missing here, but for requests that come to nothing anyway. */
  get wants(): readonly Wanted[] {
    return this.#loop.parts.values.wanted
  }

  /** What is held here of what a peer wants. */
  payloadLines(peer: Handle, wanted: readonly Wanted[], room: number): Promise<PayloadLines> {
    const { clock, store, turns } = this.#ports
    return withHistory(this, (state) =>
      payloadLines(store.payloads, state, peer, wanted, room, timestamp(clock), turns),
    )
  }

  /** What is held here of the pieces that a peer wants. */
  pieceLines(peer: Handle, wanted: readonly WantedPieces[], room: number): Promise<readonly string[]> {
    const { clock, store, turns } = this.#ports
    return withHistory(this, (state) => pieceLines(store.payloads, state, peer, wanted, room, timestamp(clock), turns))
  }

  /** Entries that are missing, whose values nobody may have any more, or what rules have computed in them; undefined: none. */
  get wantsEntries(): WantedEntries | undefined {
    const wanted = entriesWanted(this.state)
    const late = this.#loop.parts.computed.wanted
    if (late.length === 0) return wanted
    const computed = [...new Set([...(wanted?.computed ?? []), ...late])].slice(0, WANTED_COMPUTED_MAX)
    return { computed: computed.sort((one, other) => one - other), from: wanted?.from ?? this.state.ledger.log.size }
  }

  /** Settled entries for a peer that cannot judge them any more. */
  entryLines(peer: Handle, wanted: WantedEntries, room: number): Promise<readonly string[]> {
    const { entriesAtOnceMax, store } = this.#ports
    return entryLines(store, this.state, entriesShownTo(this.state, peer), wanted, room, entriesAtOnceMax)
  }

  /** For whom a request of this party waits. */
  heldUp(request: RequestRef): Promise<HeldUp> {
    return this.#holdUps.ofRequest(this, request)
  }

  /** Why a party leaves uncovered what it holds: as this one knows, or as the other has said last. */
  holdUpOf(handle: Handle): HoldUp | undefined {
    return this.#holdUps.of(handle)
  }

  /** A party has said it, of itself. */
  holdsUp(party: Handle, why: HoldUp | undefined): void {
    this.#holdUps.said(party, why)
  }

  listen(listener: ContractListener): () => void {
    return this.#listeners.add(listener)
  }

  unlisten(listener: ContractListener): void {
    this.#listeners.remove(listener)
  }

  /** What users have asked for here, and is not signed yet. */
  get queued(): readonly Intent[] {
    return this.requests.queue.queued
  }

  /** The newest request of this party that its caller has asked for under this key, if one is held. */
  requestUnder(key: string): RequestRef | undefined {
    return this.requests.queue.placeUnder(key)
  }

  /** Throws ContractClosed, and as `LocalRequests.submit`; nothing comes of it. */
  assertFit(intent: Intent): void {
    this.#assertOpen()
    this.requests.assertFit(intent)
  }

  /** Throws ContractClosed, and as `LocalRequests.submit`. */
  submit(intent: Intent): Submission {
    this.#assertOpen()
    return this.requests.submit(intent)
  }

  /** Throws ContractClosed, and as `LocalRequests.withdraw`. */
  async withdraw(request: RequestRef, about?: About): Promise<void> {
    this.#assertOpen()
    return this.requests.withdraw(request, about)
  }

  /** Requests of others on which a person is asked here. */
  get questions(): readonly Question[] {
    return this.approvals.questions
  }

  /** A person's answer to a question: without a refusal it is acknowledged. Throws NotAsked. */
  async answer(request: RequestRef, refusal: PersonsRefusal | undefined): Promise<void> {
    this.#assertOpen()
    this.approvals.assertAsked(request)
    await this.requests.commandQueue?.answer(this.contract, request, refusal)
    this.approvals.decide(request, refusal)
  }

  /**
   * An operator's word, whichever process that reaches, that nobody who has not been heard holds statements of this party: it
   * goes on from what is held. Throws SigningNotBlocked where that would change nothing.
   */
  async goOn(): Promise<void> {
    this.#assertOpen()
    const { commandQueue } = this.requests
    if (commandQueue !== undefined) return commandQueue.goOn(this.contract)
    const isHelpful = this.#loop.parts.protection.needsWord(this.#loop.state, this.#loop.waiting)
    if (this.engineUnknown !== undefined || !isHelpful) throw signingNotBlocked(this.contract, this.obstacle)
    this.goOnRegardless()
  }

  /** The same without a look at what stands in the way. If the word is wrong, this party will be convicted of equivocation. */
  goOnRegardless(): void {
    this.#loop.parts.protection.goOnRegardless()
    this.#loop.wake()
  }

  /** From the statement after its next on, this party signs here with another key. Throws KeyUnknown. */
  rotate(publicKey: string): void {
    this.#assertOpen()
    this.#loop.parts.keys.rotate(publicKey)
    this.#loop.wake()
  }

  /** Another party revokes its key: this node says what it holds of that feed. What is not well signed is passed over. */
  revoked(signed: SignedRevocation): void {
    const { party } = signed.revocation
    // Who has left has nothing more to say that a thief could say in its place, but for its last head: without that nothing settles.
    const isGone = formerOf(this.state.settling.agreed, party) !== undefined
    if (this.#loop.isClosed || isGone || !canHold(this.state, this.self, signed)) return
    this.#loop.parts.keys.revoked(signed)
    this.#loop.wake()
  }

  /** A peer has answered what it holds. */
  heard(peer: Handle, frontier: Frontier): void {
    this.#loop.parts.protection.heard(peer, frontier)
    if (!this.#loop.parts.protection.isCertain) this.#loop.wake()
  }

  /** Another process of this party, or this one, has appended to the feed of that party. */
  feedHas(handle: Handle, seq: Seq, line: string): void {
    if (seq < feedOf(this.state.feeds, handle).size) return
    this.#loop.parts.others?.feedHas(handle, seq, line)
    this.#loop.wake()
  }

  /** The same of the settled ledger. */
  ledgerHas(revision: number): void {
    this.#loop.parts.untold.stored(revision + 1)
    this.tellWhatStands()
    const { wantsEntries } = this
    if (wantsEntries !== undefined && wantsEntries.from <= revision) this.#loop.wake()
  }

  /** The same of the evidence. */
  evidenceHasMore(): void {
    if (this.#loop.parts.others !== undefined) this.#loop.parts.others.hasEvidence = true
    this.#loop.wake()
  }

  /** Of what has settled, that which the ledger in the store has. */
  tellWhatStands(): void {
    this.#loop.tellWhatStands()
  }

  /** Hands over statements from elsewhere. Resolves when all that came of them, an own statement too, is durable. */
  deliver(
    statements: readonly SignedStatement[],
    credit?: Credit,
    payloads: readonly Completion[] = [],
    entries: readonly KnownEntry[] = [],
  ): Promise<DeliveryResult> {
    this.#assertOpen()
    const parted = statements.map((decoded) => oursOf(decoded, this.self))
    const foreign = parted.flatMap((one) => one.foreign ?? [])
    credit?.spend(foreign.length)
    const ours = parted.map((one) => one.ours)
    // What does not come to the store is asked for again.
    this.#loop.parts.computed.arrived(entries).catch(() => {})
    const done = this.#loop.parts.mailbox.deliver({ statements: ours, foreign, payloads, entries, credit })
    this.#loop.wake()
    return done
  }

  /** The contract has been idle for a while: a good time to cosign what has settled (design §3, iv). */
  idle(): void {
    this.#loop.parts.author.idle()
    this.#loop.wake()
  }

  /**
   * Whether it can be put down: nobody here waits for anything in it, and this party owes nothing. What others owe will bring
   * it back. Proofs and differing heads are looked at so often that such a contract stays.
   */
  get mayRest(): boolean | typeof needsHistory {
    return lookBack(this.state, () => isPassivatable(this.#loop))
  }

  /** Whether it is to be cosigned when it has been idle. */
  get hasToNote(): boolean {
    return hasToNote(this.#loop)
  }

  /** What is to be kept of it as it is now; by the time that this resolves it may have gone on. */
  keep(): Promise<Keeping | typeof needsHistory> {
    const placesBefore = (seq: Seq) => this.requests.queue.placesBefore(seq)
    return keeping(this.state, this.self, this.evidence.length === 0, placesBefore, this.#ports.turns)
  }

  /** Lets go of what is not likely to be asked for. Requires that what `keep` says is kept, with that `before`. */
  forget(before: Seq): void {
    if (this.evidence.length === 0) this.#loop.prune(before)
  }

  /** Has the whole history in memory again, for work that needs it. Throws ContractDamaged, and what the store throws. */
  recall(): Promise<void> {
    this.#assertOpen()
    return this.#loop.recall()
  }

  /** Looks whether there is something to do. */
  wake(): void {
    this.#loop.wake()
  }

  /** Resolves when nothing is under way, for the moment. */
  async settleDown(): Promise<void> {
    await this.#loop.settleDown()
  }

  /** It is put down: what is kept of it counts from now on. Requires that it may rest. */
  leave(): void {
    this.#loop.close()
    this.#loop.parts.intake.leave()
  }

  /** Resolves when nothing is under way. Later statements are not taken in any more. `why`: told whoever waits for something. */
  async close(why = 'the node is stopping'): Promise<void> {
    this.#loop.close()
    await this.#loop.settleDown()
    const closed = new ContractClosed('contract_closed', why)
    this.#loop.parts.mailbox.fail(closed)
    this.#loop.parts.intake.leave()
    this.requests.queue.failAll(closed)
    this.#listeners.tell('closed', closed)
  }

  #assertOpen(): void {
    if (this.#loop.isClosed) throw new ContractClosed('contract_closed', 'the node is stopping')
  }
}
