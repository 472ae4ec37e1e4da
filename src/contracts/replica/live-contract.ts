import { EngineUnknown } from '../../aggregates/contract/engines.ts'
import { closedInvitationOf, formerOf, memberOf, partyOf } from '../../aggregates/contract/state.ts'
import { type Completion, lackingIn } from '../../agreement/completing.ts'
import { type Draft, draft, noWishes, statementDue, type Wishes } from '../../agreement/draft.ts'
import { feedOf, newestOf, statementAt } from '../../agreement/feeds.ts'
import { canHold, isTakeover } from '../../agreement/key-rules.ts'
import type { Acknowledged } from '../../agreement/ledger.ts'
import { pruned } from '../../agreement/pruning.ts'
import {
  type Equivocation,
  groupedByStatement,
  joined,
  nothingReceived,
  type OtherBranch,
  type Reception,
  receive,
  receivingPayloads,
} from '../../agreement/receive.ts'
import type { Divergence } from '../../agreement/settlement.ts'
import { encodeSnapshot, snapshotOf } from '../../agreement/snapshot.ts'
import { type AgreementState, withHeld } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { refusalOfOwn } from '../../agreement/verify-statement.ts'
import { orderedObject } from '../../crypto/canonical-json.ts'
import type { About } from '../../events/about.ts'
import {
  type EngineVersion,
  type Handle,
  type RequestRef,
  requestKey,
  requestOf,
  type Seq,
  type Uid,
} from '../../events/ids.ts'
import type { SignedRevocation } from '../../events/key-change.ts'
import { MESSAGE_VALUES_CHARACTERS_MAX } from '../../events/limits.ts'
import { payloadsInOrder, sealsNamedBy, valueSealsOf } from '../../events/seal.ts'
import type { Frontier, Note, Request } from '../../events/statement.ts'
import { type SignedStatement, type StatementRefused, sortPayloads } from '../../events/statement-codec.ts'
import type { Credit } from '../../gossip/credit.ts'
import type { HoldUp, Wanted } from '../../gossip/message.ts'
import { assert } from '../../runtime/assert.ts'
import { timestamp } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { HistoryPruned, retryWithFullHistory } from '../../runtime/history-pruned.ts'
import { inTurns } from '../../runtime/turns.ts'
import { StoreUnavailable, WrongExpectedRevision } from '../../store/errors.ts'
import type { Kept } from '../../store/snapshot-port.ts'
import { feedStream } from '../../store/streams.ts'
import { Approvals, type Coverage, isDead, type Question, refusalBytes } from '../approvals/approvals.ts'
import { acknowledgeAll } from '../approvals/policy.ts'
import type { CommandQueue } from '../commands/command-queue.ts'
import type { PersonsRefusal } from '../commands/queued-command.ts'
import type { ObstacleCode } from '../obstacles/obstacles.ts'
import { restingOf } from '../passive/passive-contract.ts'
import { standingOfRequest } from '../requests/progress.ts'
import { RoomAsked } from '../requests/request-budget.ts'
import { asksForLock, FORGOTTEN_AFTER_MS, RequestQueue, type Turn } from '../requests/request-queue.ts'
import { requestBytesMax } from '../requests/statement-budget.ts'
import { type HeldUp, heldUpBy, type Intent, Submission } from '../requests/submission.ts'
import { fitRequest } from '../requests/validate-request.ts'
import { noteDue } from '../signing/cosigned-notes.ts'
import { DoubleSignProtection } from '../signing/double-sign-protection.ts'
import { GuardRefused, memoryGuard } from '../signing/signing-guard.ts'
import { FeedKeys } from '../signing/signing-keys.ts'
import { batchesOf } from './batches.ts'
import { FeedTailer } from './feed-tailer.ts'
import { type Change, extendLedger, isNewEvidence, loadEvidence, writesFor } from './journal.ts'
import { type Loaded, loadContract, recallHistory } from './load.ts'
import { payloadLines } from './payload-lines.ts'
import type { ContractPorts, Role } from './ports.ts'
import { ReorderBuffer } from './reorder-buffer.ts'
import { runningAhead } from './running-ahead.ts'
import { UnprovenForks } from './unproven-forks.ts'

/** What others in the node want to hear of. All of it is durable when it is told. */
export interface ContractListener {
  /** It has been loaded, again or for the first time. `hasNews`: while it was at rest, others have stored something of it. */
  woke?(contract: LiveContract, hasNews: boolean): void
  /** It is not in memory any more. */
  rested?(contract: Uid): void
  /** Statements were taken in or made: there may be something to carry to others. */
  news?(
    contract: LiveContract,
    change: { readonly made: VerifiedStatement | undefined; readonly taken: readonly VerifiedStatement[] },
  ): void
  /** Values are missing: the others are to be asked for them, again and again until it has them. */
  wanting?(contract: LiveContract): void
  settled?(contract: LiveContract, entries: readonly Acknowledged[]): void
  refused?(contract: LiveContract, refused: Reception['refused']): void
  equivocated?(contract: LiveContract, equivocations: readonly Equivocation[]): void
  diverged?(contract: LiveContract, divergences: readonly Divergence[]): void
  /** It goes on in an engine that this node does not have; told once. */
  engineUnknown?(contract: LiveContract, error: EngineUnknown): void
  /** Why this node signs nothing in this contract, when that begins; undefined when it ends. */
  silenced?(contract: LiveContract, obstacle: ObstacleCode | undefined): void
  /** Each signer once, as long as there is no proof of what it means. */
  otherBranch?(contract: LiveContract, branches: readonly OtherBranch[]): void
  /** The store failed; the contract goes on from what it holds. */
  failed?(contract: LiveContract, error: unknown): void
}

/** How long requests are held back at most while every peer is being talked to already. Milliseconds. */
const HOLD_MS = 100

/** First pause before a record lock is asked for again; it doubles with each time, up to the second. Milliseconds. */
const LOCK_RETRY_MS = 50
const LOCK_RETRY_MAX_MS = 5_000

/** The request, or its values, is larger than a statement of this contract can be. */
export class RequestTooLarge extends ConcordataError {}

interface Delivery {
  readonly statements: readonly SignedStatement[]
  /** Payloads that came by themselves. */
  readonly payloads: readonly Completion[]
  /** Of who has brought them. Undefined: they are this node's own concern. */
  readonly credit: Credit | undefined
  readonly done: PromiseWithResolvers<DeliveryResult>
}

/** What was refused, by the delivery that brought it. */
type Refused = ReadonlyMap<Delivery, readonly StatementRefused[]>

/** What became of statements handed to a contract. */
export type DeliveryResult = { readonly refused: readonly StatementRefused[] }

/** How often a turn is taken anew because another process of this party was faster. */
const RACES_MAX = 20
/** How long a store that failed is left alone; it doubles with each time, up to the second. Milliseconds. */
const STORE_RETRY_MS = 250
const STORE_RETRY_MAX_MS = 30_000
/** How much longer than its time-out a request waits for the process that signs, to say what has become of it. Milliseconds. */
const TRANSMIT_GRACE_MS = 2_000

const nothingToSay: Turn = {
  wishes: { requests: [], payloads: {}, refusals: [], decided: [] },
  isEmpty: true,
  part: () => {},
  durable: () => {},
}

/** Values that are missing are asked for at once, then after a pause that doubles, up to the second. Milliseconds. */
const ASK_AGAIN_MS = 500
const ASK_AGAIN_MAX_MS = 10_000

/** Another process of this party has made a statement meanwhile. */
class OvertakenError extends Error {}

/**
 * One contract as a node lives it: takes in statements, makes its own when one is due, and keeps everything durable
 * before anybody hears of it. What it says is decided by pure code (`agreement`); this is the loop around it. One turn
 * of the loop takes all that has come meanwhile: one statement, one write, whatever the number of requests.
 */
export class LiveContract {
  readonly contract: Uid
  readonly self: Handle
  readonly requestQueue: RequestQueue
  readonly approvals: Approvals
  readonly #ports: ContractPorts
  readonly #founder: Handle
  readonly #role: Role
  readonly #keys: FeedKeys
  /** What other processes of this party write to the store. Undefined: there are none. */
  readonly #following: FeedTailer | undefined
  readonly #listeners = new Set<ContractListener>()
  #state: AgreementState
  #deliveries: Delivery[] = []
  readonly #reorderBuffer: ReorderBuffer
  readonly #roomAsked: RoomAsked
  #running: Promise<void> | undefined
  /** Something has come up while a turn was under way. */
  #isAwaited = false
  #mayNote = false
  #closed = false
  /** Requests are held back: until a peer is free, or this is called off. */
  #cancelHold: (() => void) | undefined
  #holdIsOver = false
  #ownFeed: DoubleSignProtection
  /** How long the own feed was when the guard was found ahead of it, and whether it was taken up under another key in what was read since. */
  #behind: { readonly at: number; readonly revokes: boolean } | undefined
  /** How often in a row the store has failed. */
  #failures = 0
  /** Ends the time in which it is left alone. */
  #endPause: (() => void) | undefined
  /** A write has failed, and may have taken effect all the same: nothing is signed before the store has been read again. */
  #isInDoubt = false
  /** What has settled and is not told yet: its entries are to stand in the ledger before, and another process puts them there. */
  #untold: readonly Acknowledged[] = []
  #ledgerSize = 0
  #evidence: readonly Equivocation[]
  readonly #unprovenForks = new UnprovenForks()
  /** The ledger goes on in an engine that is not here ⇒ nothing is signed, and what leads there is not taken in. */
  #engineUnknown: EngineUnknown | undefined
  #obstacle: ObstacleCode | undefined
  /** Why the last turn came to nothing, as long as none has written anything since. */
  #trouble: ObstacleCode | undefined
  /** Another process has found a proof. */
  #evidenceIsOld = false
  /** What each party says of itself, in its last exchange: why it leaves uncovered what it holds. */
  readonly #holdUps = new Map<Handle, HoldUp>()
  /** Values are missing ⇒ they are asked for again. */
  #cancelAsking: (() => void) | undefined
  /** As of the state for which it was asked last. */
  #wanted: { readonly of: AgreementState; readonly statements: readonly VerifiedStatement[] } | undefined
  #asked = 0
  /** Who waits for the history to be in memory. */
  #recalls: PromiseWithResolvers<void>[] = []

  private constructor(
    contract: Uid,
    self: Handle,
    founder: Handle,
    ports: ContractPorts,
    { state, ledgerSize, settled }: Loaded,
    ownFeed: DoubleSignProtection,
    evidence: readonly Equivocation[],
  ) {
    this.contract = contract
    this.self = self
    this.#founder = founder
    this.#role = ports.role ?? 'node'
    this.#following = this.#role === 'node' ? undefined : new FeedTailer(ports.store)
    const own = this.#role === 'node' ? undefined : feedOf(state.feeds, self).kept
    this.requestQueue = new RequestQueue(
      self,
      ports.clock,
      ports.random,
      own,
      (id) => ports.snapshots?.placeOf(contract, id),
      (handle) => this.holdUpOf(handle),
    )
    const { policy = acknowledgeAll, clock, random, payloadWaitMs } = ports
    this.approvals = new Approvals(self, policy, clock, random, () => this.wake(), payloadWaitMs)
    this.#keys = new FeedKeys(self, ports)
    this.#ownFeed = ownFeed
    this.#evidence = evidence
    this.#ports = ports
    this.#reorderBuffer = ports.reorderBuffer ?? new ReorderBuffer()
    this.#roomAsked = ports.roomAsked ?? new RoomAsked()
    this.#state = state
    this.#ledgerSize = ledgerSize
    this.#untold = settled
  }

  /**
   * Loads what the store has of it: nothing at all is a contract that is about to begin. `told`: of so much of the ledger it
   * was told that it has settled, when the contract was in memory before; of the rest `tellWhatStands` does it.
   */
  static async open(
    contract: Uid,
    self: Handle,
    founder: Handle,
    ports: ContractPorts,
    told = Number.POSITIVE_INFINITY,
  ): Promise<LiveContract> {
    const snapshot = ports.snapshots?.snapshot(contract)
    try {
      return await LiveContract.#open(contract, self, founder, ports, told, snapshot)
    } catch (error) {
      if (error instanceof HistoryPruned) return LiveContract.#open(contract, self, founder, ports, told, undefined)
      throw error
    }
  }

  static async #open(
    contract: Uid,
    self: Handle,
    founder: Handle,
    ports: ContractPorts,
    told: number,
    snapshot: string | undefined,
  ) {
    const { role = 'node', store } = ports
    const sharing = role === 'node' ? 'alone' : role === 'serve' ? 'watching' : 'shared'
    const loaded = await loadContract(store, contract, founder, sharing, snapshot, ports.engines)
    const { state } = loaded
    const settled = loaded.settled.filter(({ entry }) => entry.index >= told)
    const isFounding = self === founder && state.feeds.size === 0
    const ownFeed = await DoubleSignProtection.open(
      state,
      self,
      ports.guard ?? memoryGuard(),
      isFounding,
      role !== 'node',
    )
    // Another process of this node has signed since the feed was read: the first turn takes that in.
    const isStored = async (seq: number) => (await store.events.lastRevision(feedStream(contract, self))) >= seq
    const { isCertain, standsAt } = ownFeed
    const isGoneOn = sharing === 'shared' && standsAt !== undefined && (await isStored(standsAt))
    // What was signed has to be found out: that looks at everything, again and again. Who never signs does not ask.
    if (snapshot !== undefined && role !== 'serve' && !isCertain && !isGoneOn)
      throw new HistoryPruned('the history of the own feed')
    const live = new LiveContract(
      contract,
      self,
      founder,
      ports,
      { ...loaded, settled },
      ownFeed,
      await loadEvidence(store, state),
    )
    // What was stored while this was loaded may be in no event that is still to come.
    live.#following?.doubts(state)
    live.#takeUpLost()
    if (role === 'transmit') live.#rememberForgotten()
    return live
  }

  /** Proofs that a party has signed two statements for one place, one a party. */
  get evidence(): readonly Equivocation[] {
    return this.#evidence
  }

  /** Where somebody covers another branch of a feed than the one held, as long as no proof tells why. */
  get unprovenForks(): readonly OtherBranch[] {
    return this.#unprovenForks.all.filter(({ party }) => !this.#evidence.some((proof) => proof.party === party))
  }

  /** Why this node signs nothing in this contract at the moment, should it be so. */
  get obstacle(): ObstacleCode | undefined {
    return this.#obstacleIn(this.#state)
  }

  #obstacleIn(state: AgreementState): ObstacleCode | undefined {
    if (this.#role === 'serve') return undefined
    if (this.#engineUnknown !== undefined) return 'engine_unknown'
    const obstacle = this.#ownFeed.obstacle(state, this.#waiting)
    // Its own statements are here, behind a request that everybody has acknowledged.
    const isBehindValues = this.wants.length > 0 && this.waitingOf(this.self).length > 0
    if (obstacle !== undefined && isBehindValues) return 'values_missing'
    if (obstacle === 'members_unheard' && this.#ownFeed.waitsFor(state).length === 0) return 'statement_lost'
    if (obstacle !== undefined) return obstacle
    const isSilent = !this.#hasPart(state) || formerOf(state.ledger.document, this.self) !== undefined
    if (isSilent) return undefined
    if (state.ledger.lacking !== undefined) return 'values_missing'
    return this.#keys.signer(state) !== undefined ? undefined : 'key_missing'
  }

  /** Why its last turn came to nothing: the store, or the signer. Until one has written something again. */
  get trouble(): ObstacleCode | undefined {
    return this.#trouble
  }

  /** The engine that the contract goes on in, should this node not have it. */
  get engineUnknown(): EngineVersion | undefined {
    return this.#engineUnknown?.engine
  }

  /** The members that this node has to hear of before it signs anything: after a restore without a guard. */
  get unheard(): readonly Handle[] {
    if (this.#role === 'serve') return []
    return this.#ownFeed.waitsFor(this.#state)
  }

  /** What came of a party and runs ahead of what is held here: should that party have lost it, it is to have it back. */
  waitingOf(party: Handle): readonly SignedStatement[] {
    return this.#waiting.filter(({ statement }) => statement.party === party)
  }

  /** Requests of others on which a person is asked here. */
  get questions(): readonly Question[] {
    return this.approvals.questions
  }

  /** For whom a request of this party waits. Throws Forgotten. */
  heldUp(request: RequestRef): HeldUp {
    const holdUpOf = (handle: Handle) => this.holdUpOf(handle)
    if (holdUpOf(this.self) !== undefined) return heldUpBy([this.self], holdUpOf)
    const standing = standingOfRequest(this.#state, request, undefined)
    return heldUpBy(standing?.waitsFor?.of ?? [], holdUpOf)
  }

  /** Why a party leaves uncovered what it holds: as this one knows, or as the other has said last. */
  holdUpOf(handle: Handle): HoldUp | undefined {
    if (handle !== this.self) return this.#holdUps.get(handle)
    return this.approvals.holdUp ?? (this.#state.ledger.lacking === undefined ? undefined : 'payload')
  }

  /** A party has said it, of itself. */
  holdsUp(party: Handle, why: HoldUp | undefined): void {
    if (why === undefined) this.#holdUps.delete(party)
    else this.#holdUps.set(party, why)
  }

  /** What is held here of what a peer wants. */
  payloadLines(peer: Handle, wanted: readonly Wanted[], room: number): Promise<string[]> {
    const { store, turns } = this.#ports
    return retryWithFullHistory(this, () => payloadLines(store.payloads, this.#state, peer, wanted, room, turns))
  }

  /** The statements whose values are missing here, but for requests that come to nothing anyway; in ledger order. */
  get wants(): readonly VerifiedStatement[] {
    const state = this.#state
    if (this.#wanted?.of !== state) this.#wanted = { of: state, statements: lackingIn(state).filter(isWantedIn(state)) }
    return this.#wanted.statements
  }

  /** A peer has answered what it holds. */
  heard(peer: Handle, frontier: Frontier): void {
    this.#ownFeed.heard(peer, frontier)
    if (!this.#ownFeed.isCertain) this.wake()
  }

  /**
   * A person's word, after a restore without a guard, that nobody who has not been heard holds statements of this party: it
   * goes on from what is held. If that is wrong, it will be convicted of equivocation.
   */
  goOnRegardless(): void {
    this.#ownFeed.goOnRegardless()
    this.wake()
  }

  /** The same as an operator asks for it, whichever process that reaches. Throws NotSilenced where that would change nothing. */
  async goOn(): Promise<void> {
    this.#assertOpen()
    const commandQueue = this.#commandQueue
    if (commandQueue !== undefined) return commandQueue.goOn(this.contract)
    const { obstacle } = this
    if (this.#engineUnknown !== undefined || !this.#ownFeed.needsWord(this.#state, this.#waiting)) {
      const message =
        obstacle === undefined
          ? 'nothing keeps this node from signing in that contract'
          : `no word of a person helps: ${obstacle}`
      throw new NotSilenced('not_silenced', message, { contract: this.contract, obstacle: obstacle ?? null })
    }
    this.goOnRegardless()
  }

  /** Takes a request back. Throws NotWithdrawable; what becomes of it its verdict says, and the ledger. */
  async withdraw(request: RequestRef, about?: About): Promise<void> {
    this.#assertOpen()
    this.requestQueue.assertWithdrawable(request, this.#state)
    const commandQueue = this.#commandQueue
    if (commandQueue !== undefined) return commandQueue.withdraw(this.contract, request, about)
    this.requestQueue.withdraw(request, about)
    this.wake()
  }

  /** A person's answer to a question: without a refusal it is acknowledged. Throws NotAsked. */
  async answer(request: RequestRef, refusal: PersonsRefusal | undefined): Promise<void> {
    this.#assertOpen()
    this.approvals.assertAsked(request)
    const commandQueue = this.#commandQueue
    if (commandQueue !== undefined) await commandQueue.answer(this.contract, request, refusal)
    this.approvals.decide(request, refusal)
  }

  /** From the statement after its next on, this party signs here with another key. Throws KeyUnknown. */
  rotate(publicKey: string): void {
    this.#assertOpen()
    this.#keys.rotate(publicKey)
    this.wake()
  }

  /** Another party revokes its key: this node says what it holds of that feed. What is not well signed is passed over. */
  revoked(signed: SignedRevocation): void {
    const { party } = signed.revocation
    // Who has left has nothing more to say that a thief could say in its place.
    const isGone = formerOf(this.#state.ledger.document, party) !== undefined
    if (this.#closed || isGone || !canHold(this.#state, this.self, signed)) return
    this.#keys.revoked(signed)
    this.wake()
  }

  /** How many statements are held, in memory or not. */
  get statements(): number {
    return this.#state.feeds.reduce((sum, feed) => sum + feed.size, 0)
  }

  /** What is held, all of it durable. */
  get state(): AgreementState {
    return this.#state
  }

  listen(listener: ContractListener): () => void {
    this.#listeners.add(listener)
    return () => this.unlisten(listener)
  }

  unlisten(listener: ContractListener): void {
    this.#listeners.delete(listener)
  }

  /**
   * Takes an intent on its way. Throws NotMember, EngineUnknown, RequestsTooMany, and RequestUnfit and RequestTooLarge when no
   * statement could carry it.
   */
  submit(asked: Intent): Submission {
    this.#assertOpen()
    const { document } = this.#state.ledger
    if (document.isOpen && memberOf(document, this.self) === undefined) {
      throw new NotMember('not_a_member', `${this.self} is no member of ${this.contract}`, { contract: this.contract })
    }
    const request = fitRequest(asked.request, asked.payloads, document.limits)
    const intent = this.#withDeadline({ ...asked, request })
    this.#assertEngineOf(request)
    const bytesMax = requestBytesMax(this.#state)
    const submission = new Submission(intent)
    const { requestBytes: bytes, valueBytes } = submission
    if (bytes > bytesMax || valueBytes > MESSAGE_VALUES_CHARACTERS_MAX) {
      const message = `the request has ${bytes} bytes and ${valueBytes} of values; ${bytesMax} and ${MESSAGE_VALUES_CHARACTERS_MAX} fit`
      throw new RequestTooLarge('request_too_large', message, { bytes, bytesMax, valueBytes })
    }
    this.#roomAsked.take(this.contract, submission)
    this.requestQueue.add(submission)
    this.#expireInTime(submission)
    const commandQueue = this.#commandQueue
    if (commandQueue === undefined) this.wake()
    else
      commandQueue
        .queue(this.contract, submission.intent)
        .catch((error: unknown) => this.requestQueue.fail(submission, error))
    return submission
  }

  #assertEngineOf({ commands }: Request): void {
    const { engines } = this.#state.ledger
    const missing = this.#engineUnknown?.engine ?? engines.missingFor(commands)
    if (missing !== undefined) throw new EngineUnknown(missing, engines.versions)
  }

  /** An intent from the outbox that was signed before, by this process or another one, goes on. Requires that it is open. */
  resume(intent: Intent, request: RequestRef): Submission {
    const submission = new Submission(intent)
    this.requestQueue.resume(submission, request, !this.#state.undecided.has(requestKey(request)))
    this.#expireInTime(submission)
    this.wake()
    return submission
  }

  #expireInTime(submission: Submission): void {
    const { timeoutMs, signedWithinMs } = submission.intent
    if (timeoutMs === undefined) {
      if (signedWithinMs !== undefined) this.#dropUnsigned(submission, signedWithinMs)
      return
    }
    const { clock } = this.#ports
    let stop = clock.after(timeoutMs, () => {
      this.requestQueue.expire(submission, this.#state)
      this.wake()
      // Another process was to sign, or to decide: it may be down.
      if (this.#role === 'serve') stop = clock.after(TRANSMIT_GRACE_MS, () => this.#giveUp(submission))
    })
    const settle = () => stop()
    submission.verdict.then(settle, settle)
  }

  /** Nothing was heard of it any more. */
  #giveUp(submission: Submission): void {
    this.#commandQueue?.takenUp(false)
    this.requestQueue.giveUp(submission)
  }

  /** What stands in the outbox of the store is carried out all the same when somebody signs again. */
  #dropUnsigned(submission: Submission, afterMs: number): void {
    const stop = this.#ports.clock.after(afterMs, () => {
      if (submission.phase.kind !== 'queued') return
      if (this.#role === 'serve') return this.#giveUp(submission)
      submission.isOverdue = true
      this.wake()
    })
    submission.signed.then(stop, stop)
    submission.verdict.then(stop, stop)
  }

  /** Another process of this party, or this one, has appended to the feed of that party. */
  feedHas(handle: Handle, seq: Seq, line: string): void {
    if (seq < feedOf(this.#state.feeds, handle).size) return
    // Who signs, too, reads it: else two would answer at the same moment, and one of them in vain.
    if (this.#role === 'serve') this.#following?.heard(handle, seq, line)
    else this.#following?.hears(handle)
    this.wake()
  }

  /** The same of the settled ledger. */
  ledgerHas(revision: number): void {
    this.#ledgerSize = Math.max(this.#ledgerSize, revision + 1)
    this.tellWhatStands()
  }

  /** The same of the evidence. */
  evidenceHasMore(): void {
    this.#evidenceIsOld = true
    this.wake()
  }

  /** Hands over statements from elsewhere. Resolves when all that came of them, an own statement too, is durable. */
  deliver(
    statements: readonly SignedStatement[],
    credit?: Credit,
    payloads: readonly Completion[] = [],
  ): Promise<DeliveryResult> {
    this.#assertOpen()
    const done = Promise.withResolvers<DeliveryResult>()
    this.#deliveries.push({ statements, payloads, credit, done })
    this.wake()
    return done.promise
  }

  /** The contract has been idle for a while: a good time to cosign what has settled (design §3, iv). */
  idle(): void {
    this.#mayNote = true
    this.wake()
  }

  /** Where a process without a key leaves what its users ask for. */
  get #commandQueue(): CommandQueue | undefined {
    return this.#role === 'serve' ? this.#ports.commandQueue : undefined
  }

  /**
   * Whether it can be put down: nobody here waits for anything in it, and this party owes nothing. What others owe will bring
   * it back. Proofs and differing heads are looked at so often that such a contract stays. Throws Forgotten.
   */
  get mayRest(): boolean {
    const isBusy = this.#running !== undefined || this.#closed || this.#mayNote || this.#cancelHold !== undefined
    const hasNews = this.#following?.hasNews === true || this.#evidenceIsOld || this.#failures > 0
    if (isBusy || hasNews || this.#engineUnknown !== undefined) return false
    if (this.#deliveries.length + this.#waiting.length + this.#untold.length + this.#recalls.length > 0) return false
    const state = this.#state
    if (this.#hasSaid(state) && this.#evidence.length + state.settling.divergences.length > 0) return false
    if (!this.requestQueue.isIdle || !this.approvals.isIdle) return false
    // Who is not in it yet has nothing to say before the values come; whoever asks for the contract asks for them anew.
    if (state.ledger.lacking !== undefined && memberOf(state.ledger.document, this.self) !== undefined) return false
    if (this.#role === 'serve') return true
    if ((!this.#ownFeed.isCertain && this.#hasSaid(state)) || this.#keys.hasMoreToSay(state)) return false
    if ([...state.undecided.values()].includes(this.self) || this.hasToNote) return false
    // An observer leaves uncovered what lacks values.
    const { view } = this.#coverage(state)
    return !this.#maySpeak(view) || statementDue(view, this.self) === undefined
  }

  /** Whether this party is a member, or has signed something: as long as not, what others hold of its feed can wait. */
  #hasSaid({ ledger, feeds }: AgreementState): boolean {
    return feedOf(feeds, this.self).size > 0 || memberOf(ledger.document, this.self) !== undefined
  }

  /** Whether it is to be cosigned when it has been idle. */
  get hasToNote(): boolean {
    if (this.#role === 'receive' || this.#role === 'serve') return false
    try {
      return noteDue(this.#state, this.self, 0) !== undefined && this.#maySpeak(this.#state)
    } catch (error) {
      if (error instanceof HistoryPruned) return true
      throw error
    }
  }

  /** What is to be kept of it. Throws Forgotten: it is to be asked again after `recall`. */
  keep(): Kept {
    const isPlain = this.#evidence.length === 0
    const state = isPlain ? pruned(this.#state) : this.#state
    const resting = restingOf(this.#state, this.self)
    return {
      snapshot: encodeSnapshot(snapshotOf(state)),
      resting: JSON.stringify(resting),
      parties: Object.keys(resting.parties) as Handle[],
      requests: this.requestQueue.placesBefore(feedOf(state.feeds, this.self).base),
    }
  }

  /** Lets go of what is not likely to be asked for. Requires that what `keep` says is kept. */
  forget(): void {
    if (this.#evidence.length > 0) return
    this.#state = pruned(this.#state)
    this.approvals.forgetView()
    this.requestQueue.forgetBefore(feedOf(this.#state.feeds, this.self).base)
  }

  /** Has the whole history in memory again, for who was told Forgotten. Throws ContractDamaged, and what the store throws. */
  recall(): Promise<void> {
    this.#assertOpen()
    const done = Promise.withResolvers<void>()
    this.#recalls.push(done)
    this.wake()
    return done.promise
  }

  async #recallHistory(): Promise<void> {
    this.#state = await recallHistory(this.#ports.store, this.#state)
  }

  /** Resolves when nothing is under way, for the moment. */
  async settleDown(): Promise<void> {
    this.#endPause?.()
    await this.#running
  }

  /** It is put down: what is kept of it counts from now on. Requires that it may rest. */
  leave(): void {
    this.#closed = true
    this.#cancelAsking?.()
    this.#reorderBuffer.leave(this.contract)
    this.approvals.close()
  }

  /** Looks whether there is something to do; if a turn is under way, once more after it: it may have looked too early. */
  wake(): void {
    if (this.#closed) return
    if (this.#running !== undefined) {
      this.#isAwaited = true
      // Where intents are not durable, whoever asks for something is told at once whether the store still fails.
      if (this.#isInDoubt) this.#endPause?.()
      return
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      if (this.#isAwaited || this.#hasWork()) this.wake()
    })
  }

  /** Resolves when nothing is under way. Later statements are not taken in any more. `why`: told whoever waits for something. */
  async close(why = 'the node is stopping'): Promise<void> {
    this.#closed = true
    this.#cancelAsking?.()
    this.approvals.close()
    this.#endPause?.()
    await this.#running
    this.#reorderBuffer.leave(this.contract)
    this.requestQueue.failAll(new ContractClosed('contract_closed', why))
  }

  #assertOpen(): void {
    if (this.#closed) throw new ContractClosed('contract_closed', 'the node is stopping')
  }

  #hasWork(): boolean {
    const isAsked = this.#deliveries.length + this.#recalls.length > 0
    if (isAsked || this.#mayNote || this.#following?.hasNews === true || this.#isInDoubt) return true
    if (this.#role === 'receive' || this.#role === 'serve') return false
    try {
      const { view } = this.#coverage(this.#state)
      return this.#maySpeak(view) && this.requestQueue.hasTurn(view, this.#holdsBack())
    } catch (error) {
      if (error instanceof HistoryPruned) return true
      throw error
    }
  }

  async #run(): Promise<void> {
    // Whatever else arrives in this turn of the event loop rides along.
    await Promise.resolve()
    const { turns } = this.#ports
    if (turns?.isOver === true) await turns.next()
    this.#isAwaited = false
    const deliveries = this.#deliveries
    const recalls = this.#recalls
    this.#deliveries = []
    this.#recalls = []
    try {
      if (this.#isInDoubt) await this.#readAgain()
      if (recalls.length > 0) await this.#recallHistory()
      for (const done of recalls) done.resolve()
      const refused = await this.#turnWithHistory(deliveries)
      for (const delivery of deliveries) delivery.done.resolve({ refused: refused.get(delivery) ?? [] })
    } catch (error) {
      for (const { done } of deliveries) done.reject(error)
      for (const done of recalls) done.reject(error)
      await this.#recover(error)
    }
  }

  /** A turn; should it ask for what is left out of memory, once more with that. */
  async #turnWithHistory(arrived: readonly Delivery[]): Promise<Refused> {
    try {
      return await this.#turnAmongOthers(arrived)
    } catch (error) {
      if (!(error instanceof HistoryPruned)) throw error
      await this.#recallHistory()
      // What had been read of the store was not taken in.
      this.#following?.doubts(this.#state)
      return this.#turnAmongOthers(arrived)
    }
  }

  /** A turn, once more for each time that another process of this party was faster. */
  async #turnAmongOthers(arrived: readonly Delivery[]): Promise<Refused> {
    if (this.#following === undefined) return this.#turn(arrived)
    // What comes from elsewhere and is our own, another process has made: it stands in the store already.
    const isOwn = ({ statement }: SignedStatement) => statement.party === this.self
    if (arrived.some(({ statements }) => statements.some(isOwn))) this.#following.hears(this.self)
    for (let race = 0; ; race++) {
      try {
        await this.#catchUp(this.#following)
        const refused = await this.#turn(arrived)
        this.#failures = 0
        return refused
      } catch (error) {
        const isRace = error instanceof WrongExpectedRevision || error instanceof OvertakenError
        if (!isRace) throw error
        if (race === RACES_MAX) throw error instanceof OvertakenError ? (error.cause ?? tooSlow(this.contract)) : error
        this.#following.doubts(this.#state)
      }
    }
  }

  /** What was read counts although the others have gone on meanwhile: else a process that is slower than they are never gets anywhere. */
  async #catchUp(following: FeedTailer): Promise<void> {
    while (!(await this.#follow(following))) following.hears(this.self)
  }

  /** Takes in what other processes of this party have stored. False: the guard knows of more of the own feed than was read. */
  async #follow(following: FeedTailer): Promise<boolean> {
    if (this.#evidenceIsOld) {
      await this.#lookAtEvidence()
      this.#evidenceIsOld = false
    }
    const before = this.#state
    const reception = await following.read(before)
    if (reception === undefined || reception.taken.length + reception.completions.length === 0) {
      return this.#behind === undefined || this.#meet(before, [])
    }
    if (reception.taken.some(({ statement }) => statement.party === this.self)) this.#commandQueue?.takenUp(true)
    const { state, settled } = reception
    const own = reception.taken.filter(({ statement }) => statement.party === this.self)
    let isMet = true
    if (this.#role !== 'serve') {
      const isToBeMet = own.length > 0 || this.obstacle !== undefined || this.#behind !== undefined
      if (isToBeMet) isMet = await this.#meet(state, own)
      const texts = settled.map(({ text }) => text)
      await extendLedger(this.#ports.store, this.contract, before.settling.settled, texts)
    }
    this.#state = state
    this.requestQueue.noticed(own, before)
    this.approvals.forget(state)
    const divergences = state.settling.divergences.slice(before.settling.divergences.length)
    if (this.#role === 'serve') this.#untold = [...this.#untold, ...settled]
    this.#tell(reception, own.at(-1), this.#role === 'serve' ? [] : settled, divergences)
    this.tellWhatStands()
    return isMet
  }

  /** Of what has settled, that which the ledger in the store has. */
  tellWhatStands(): void {
    const standing = this.#untold.filter(({ entry }) => entry.index < this.#ledgerSize)
    if (standing.length === 0) return
    this.#untold = this.#untold.slice(standing.length)
    this.requestQueue.settled(standing)
    for (const listener of this.#listeners) listener.settled?.(this, standing)
  }

  /** The guard first, then everybody else. False: it stands further on, and what comes before it may be shown. */
  async #meet(state: AgreementState, own: readonly VerifiedStatement[]): Promise<boolean> {
    const revokes = own.some(isTakeover) || this.#behind?.revokes === true
    const before = this.#behind
    this.#behind = undefined
    if ((await this.#ownFeed.meet(state, revokes)) === 'met') return true
    // The guard is told after the store, so the rest must be there now; if it is not, the store was set back.
    const at = feedOf(state.feeds, this.self).size
    if (at === before?.at) {
      await this.#ownFeed.setBack(this.contract)
      return true
    }
    this.#behind = { at, revokes }
    return false
  }

  async #turn(arrived: readonly Delivery[]): Promise<Refused> {
    const { reception, refused } = await this.#receive(this.#state, arrived)
    const waited = this.#waiting
    this.#keepAhead(reception.waiting, arrived)
    try {
      await this.#go(reception)
    } catch (error) {
      // What was taken in from among them is not, after all.
      this.#keepAhead(waited, arrived)
      throw error
    }
    return refused
  }

  /** From what has been received to what everybody is told. */
  async #go(reception: Reception): Promise<void> {
    const before = this.#state
    this.#lookAtOwn(reception)
    if (reception.unjudged[0] !== undefined) this.#goesOnIn(reception.unjudged[0].error)
    if (this.#following !== undefined) {
      // After a restore they come back from others, with what must not be signed again.
      this.requestQueue.noticed(
        reception.taken.filter(({ statement }) => statement.party === this.self),
        before,
      )
    } else this.requestQueue.dropExpired()
    const made = await this.#makeStatement(reception.state)
    const state = made?.state ?? reception.state
    const settled = [...reception.settled, ...(made?.settled ?? [])]
    const equivocations = isNewEvidence(this.#evidence, reception.equivocations)
    const divergences = state.settling.divergences.slice(before.settling.divergences.length)
    await this.#write({
      before,
      held: made === undefined ? reception.taken : [...reception.taken, made.held],
      completions: reception.completions,
      settled,
      equivocations,
      divergences,
    })
    if (made !== undefined || reception.taken.some(({ statement }) => statement.party === this.self)) {
      // Nobody gets to see a statement before the guard knows of it.
      const revokes = made !== undefined && isTakeover(made.held)
      if (made !== undefined || this.#ownFeed.obstacle(state, this.#waiting) === undefined) {
        const advanced = await this.#ownFeed.advance(state, revokes)
        // Of two that made the very same statement only one has made it; the other finds it in the store.
        if (made !== undefined && advanced !== 'won' && this.#following !== undefined) throw new OvertakenError()
      }
    }
    this.#state = state
    this.#evidence = [...this.#evidence, ...equivocations]
    made?.durable()
    if (made !== undefined) this.approvals.forget(state)
    const otherBranches = this.#unprovenForks.notice(state, reception.otherBranches, this.#evidence)
    this.#tell({ ...reception, equivocations, otherBranches }, made?.held, settled, divergences)
  }

  /** Verifies what has come, a piece at a time, as long as who has brought it has credit. */
  async #receive(
    before: AgreementState,
    arrived: readonly Delivery[],
  ): Promise<{ readonly reception: Reception; readonly refused: Refused }> {
    const { turns } = this.#ports
    const refused = new Map<Delivery, readonly StatementRefused[]>()
    // What waits may have its past by now, also where nothing comes: other processes of this party write, too.
    let reception = this.#takeIn(nothingReceived(before, this.#waiting), [])
    for (const delivery of arrived) {
      const { credit, statements } = delivery
      const start = reception.refused.length
      const ahead = reception.waiting
      for (const batch of batchesOf(statements)) {
        if (credit?.isSpent === true) break
        if (turns?.isOver === true) await turns.next()
        const refusedBefore = reception.refused.length
        reception = this.#takeIn(reception, batch)
        credit?.spend(reception.refused.length - refusedBefore)
      }
      // Only now: the key that signs one of them may be brought in by a statement of a later piece.
      const { kept, unsigned, givenUp } = runningAhead(reception.waiting, ahead, this.self, (decoded) =>
        this.#ownFeed.isSignedOrLost(reception.state, decoded),
      )
      reception = { ...reception, waiting: kept }
      credit?.spend(unsigned)
      this.#reorderBuffer.gaveUp(credit?.peer ?? this.self, givenUp)
      const errors = reception.refused.slice(start).map(({ error }) => error)
      if (delivery.payloads.length > 0) {
        const grouped = groupedByStatement(delivery.payloads)
        const unnamed = await inTurns(unnamedAmong(grouped, reception.state), turns)
        credit?.spend(unnamed.length)
        errors.push(...unnamed)
        const convicted = this.#convicted(reception)
        reception = await inTurns(receivingPayloads(reception, grouped, this.self, convicted), turns)
      }
      refused.set(delivery, errors)
    }
    return { reception, refused }
  }

  #keepAhead(waiting: readonly SignedStatement[], arrived: readonly Delivery[]): void {
    if (waiting === this.#waiting) return
    const broughtBy = new Map<SignedStatement, Handle>()
    for (const { statements, credit } of arrived)
      if (credit !== undefined) for (const decoded of statements) broughtBy.set(decoded, credit.peer)
    const isOwn = ({ statement }: SignedStatement) => statement.party === this.self
    this.#reorderBuffer.keep(this.contract, waiting, (decoded) =>
      isOwn(decoded) ? this.self : (broughtBy.get(decoded) ?? this.self),
    )
  }

  /** Statements that run ahead of what is held. */
  get #waiting(): readonly SignedStatement[] {
    return this.#reorderBuffer.waitingIn(this.contract)
  }

  #takeIn(before: Reception, arrived: readonly SignedStatement[]): Reception {
    const { state, waiting } = before
    if (waiting.length + arrived.length === 0) return before
    return joined(before, receive(state, [...waiting, ...arrived], this.self, this.#convicted(before)))
  }

  /** Of whom a proof is held. Of its own feed a node looks at every fork: after one it signs nothing any more. */
  #convicted({ equivocations }: Reception): ReadonlySet<Handle> {
    const convicted = new Set([...this.#evidence, ...equivocations].map(({ party }) => party))
    convicted.delete(this.self)
    return convicted
  }

  /** Among other processes the ledger is written apart: they append the same entries. */
  async #write(change: Change): Promise<void> {
    const { store } = this.#ports
    const isAlone = this.#following === undefined
    const writes = writesFor(isAlone ? change : { ...change, settled: [] })
    if (writes.length > 0) {
      await store.write(writes)
      this.#trouble = undefined
    }
    if (isAlone) return
    const texts = change.settled.map(({ text }) => text)
    await extendLedger(store, this.contract, change.before.settling.settled, texts)
  }

  async #makeStatement(held: AgreementState) {
    const mayNote = this.#mayNote
    this.#mayNote = false
    const { view: state, refusals, payloads } = this.#coverage(held)
    await this.#keys.learn(state)
    this.#reportObstacle(state)
    if (!this.#maySpeak(state)) return undefined
    const isAuthor = this.#role !== 'receive'
    const key = await this.#keys.change(state, held)
    const due = statementDue(state, this.self) ?? (key === undefined ? undefined : 'answer')
    // A statement that is due anyway takes along what waits.
    const turn = isAuthor
      ? this.requestQueue.turn(state, due === undefined && this.#holdsBack(), refusalBytes(refusals))
      : nothingToSay
    this.#holdIsOver = false
    const note = mayNote && isAuthor && turn.isEmpty && due === undefined ? await this.#note(state) : undefined
    if (turn.isEmpty && due === undefined && note === undefined) return undefined
    const wishes = {
      ...turn.wishes,
      refusals,
      payloads: payloadsInOrder([...Object.entries(turn.wishes.payloads), ...payloads]),
      ...(note === undefined ? {} : { note }),
      ...(key === undefined ? {} : { key }),
    }
    const drafted = this.#draft(state, wishes)
    if ('problem' in drafted) return this.#refrain(state, turn, drafted.problem)
    const signed = drafted.sign(await this.#sign(state, drafted.bytesToSign))
    // Made from less than is held, it becomes a part of all that is.
    const progress = state === held ? signed : withHeld(held, signed.held)
    return { ...progress, held: signed.held, durable: () => turn.durable(signed.held.statement.seq) }
  }

  #coverage(held: AgreementState): Coverage {
    return this.approvals.coverage(held, this.#keys.holdOwed(held)?.revocation.party)
  }

  #goesOnIn(error: EngineUnknown): undefined {
    if (this.#engineUnknown !== undefined) return
    this.#engineUnknown = error
    for (const listener of this.#listeners) listener.engineUnknown?.(this, error)
    this.requestQueue.failAll(error)
  }

  /** The statement with these wishes, or why nobody would take it. Throws Forgotten. */
  #draft(state: AgreementState, wishes: Wishes): Draft | { readonly problem: unknown } {
    try {
      const drafted = draft(state, this.self, wishes, timestamp(this.#ports.clock))
      // Who lacks a value refuses the request that names it, so that no word of its own makes its ledger stop.
      assert(!drafted.lacksValue, 'the head of an own statement is the one that its past makes')
      const problem = refusalOfOwn(state, drafted.text, wishes.payloads)
      return problem === undefined ? drafted : { problem }
    } catch (error) {
      if (error instanceof HistoryPruned) throw error
      return { problem: error }
    }
  }

  /**
   * A fault of this software, or more than it foresaw: rather than a feed that nobody takes, users are told. Each request is
   * looked at by itself, so that what is wrong with one is told to its user alone.
   */
  #refrain(state: AgreementState, turn: Turn, problem: unknown): undefined {
    // This party's own word would take the contract into an engine that is not here.
    if (problem instanceof EngineUnknown) return this.#goesOnIn(problem)
    if (turn.wishes.requests.length === 0) throw problem
    turn.part((only) => {
      const drafted = this.#draft(state, { ...noWishes, ...only })
      if ('problem' in drafted) return drafted.problem
      // Nothing is left to be parted from: then it is what else the statement says.
      return turn.wishes.requests.length === 1 ? problem : undefined
    })
    for (const listener of this.#listeners) listener.failed?.(this, problem)
    this.wake()
  }

  /** A signer that refuses since the guard is there already says that another process of this party was faster. */
  async #sign(state: AgreementState, bytes: Uint8Array): Promise<string> {
    try {
      return await this.#keys.signerFor(state).sign(bytes)
    } catch (error) {
      if (this.#following === undefined || !(error instanceof GuardRefused)) throw error
      throw new OvertakenError('', { cause: error })
    }
  }

  #holdsBack(): boolean {
    if (this.requestQueue.length === 0 || this.#holdIsOver || (this.#ports.canSend?.(this.contract) ?? true)) {
      this.#cancelHold?.()
      this.#cancelHold = undefined
      return false
    }
    this.#cancelHold ??= this.#ports.clock.after(HOLD_MS, () => {
      this.#cancelHold = undefined
      this.#holdIsOver = true
      this.wake()
    })
    return true
  }

  /** The founder from the start, others from their invitation on, nobody after everyone holds its resignation. */
  #maySpeak(state: AgreementState): boolean {
    if (this.#role === 'serve' || this.#engineUnknown !== undefined) return false
    const { document, lacking } = state.ledger
    // Its head would be shorter than what it covers has it.
    if (lacking !== undefined) return false
    const obstacle = this.#ownFeed.obstacle(state, this.#waiting)
    // What stands in the way of the old key does not concern the one that takes the feed over.
    if (obstacle !== undefined) {
      const signing = this.#keys.takeover(state)?.revocation.signing
      if (signing === undefined || !this.#ownFeed.mayBeTakenUp(state, signing, this.#waiting)) return false
    }
    if (!document.isOpen) return true
    if (!this.#hasPart(state) || this.#keys.signer(state) === undefined) return false
    const former = formerOf(document, this.self)
    // Who has left still takes its feed over: the others have promised to wait for that.
    if (former === undefined || this.#keys.takeover(state) !== undefined) return true
    return (newestOf(state.feeds, this.self)?.statement.head.size ?? 0) <= former.resignedAt
  }

  /** Whether this party has anything to say in it: from its invitation on, until that came to nothing. */
  #hasPart({ ledger: { document } }: AgreementState): boolean {
    if (!document.isOpen) return false
    return partyOf(document, this.self) !== undefined && closedInvitationOf(document, this.self) === undefined
  }

  async #note(state: AgreementState): Promise<Note | undefined> {
    const due = noteDue(state, this.self, Math.floor(this.#ports.clock.now() / 1000))
    if (due === undefined) return undefined
    const { root, size } = due.head
    return { root, signature: await this.#keys.signerFor(state).sign(due.bytes), size, time: due.time }
  }

  /** A tentative request with a time-out says so: nobody waits for it after a restart. */
  #withDeadline(intent: Intent): Intent {
    const { request, timeoutMs } = intent
    if (!request.tentative || timeoutMs === undefined || request.deadline !== undefined) return intent
    const deadline = new Date(this.#ports.clock.now() + timeoutMs).toISOString()
    return { ...intent, request: orderedObject(Object.entries({ ...request, deadline })) as Request }
  }

  /** Statements of the own feed that this node has not signed: its own from before a restore, or somebody else's. */
  #lookAtOwn({ taken, equivocations }: Reception): void {
    const isOwn = ({ party }: { readonly party: Handle }) => party === this.self
    if (equivocations.some(isOwn)) {
      const message = 'two different statements were signed with the key of this party for one place of its feed'
      this.#ownFeed.foundFork(new GuardRefused('guard_refused', message, { contract: this.contract }))
    }
    for (const { statement } of taken) if (isOwn(statement)) this.#ownFeed.foundUnknown(statement.seq)
  }

  /** In a turn only: before the first one, another process of this party may have moved the guard along what is not held yet. */
  #reportObstacle(state: AgreementState): void {
    const obstacle = this.#obstacleIn(state)
    if (obstacle === this.#obstacle) return
    this.#obstacle = obstacle
    for (const listener of this.#listeners) listener.silenced?.(this, obstacle)
  }

  /** Puts the last statement that was signed back into the feed, should the store have lost it. */
  #takeUpLost(): void {
    const { lost } = this.#ownFeed
    if (lost === undefined) return
    const done = Promise.withResolvers<DeliveryResult>()
    // Nobody waits for it; a turn that fails is told to the listeners.
    done.promise.catch(() => {})
    this.#deliveries.push({ statements: [lost], payloads: [], credit: undefined, done })
  }

  /** Requests once more what a lock has made void, when that has ended. */
  #afterLock(): void {
    if (this.#role === 'serve') return
    const { lock } = this.#state.settling.agreed
    if (lock !== null && lock.holder !== this.self) return
    for (const submission of this.requestQueue.takeLockedOut()) {
      if (!asksForLock(submission.intent.request)) {
        this.#addAgain(submission)
        continue
      }
      const pause = Math.min(LOCK_RETRY_MAX_MS, LOCK_RETRY_MS * 2 ** submission.attempts)
      this.#ports.clock.after(pause * this.#ports.random.fraction(), () => {
        if (!this.#closed) this.#addAgain(submission)
      })
    }
  }

  #addAgain(submission: Submission): void {
    retryWithFullHistory(this, () => this.requestQueue.addAgain(submission, this.#state)).then(
      () => this.wake(),
      (error: unknown) => this.requestQueue.fail(submission, error),
    )
  }

  #tell(
    reception: Reception,
    made: VerifiedStatement | undefined,
    settled: readonly Acknowledged[],
    divergences: readonly Divergence[],
  ): void {
    this.requestQueue.settled(settled)
    this.#askForValues(reception.taken.some(({ lacks }) => lacks.length > 0))
    this.#afterLock()
    if (formerOf(this.#state.settling.agreed, this.self) !== undefined) this.requestQueue.dropAll()
    for (const listener of this.#listeners) {
      if (settled.length > 0) listener.settled?.(this, settled)
      if (made !== undefined || reception.taken.length > 0) listener.news?.(this, { made, taken: reception.taken })
      if (reception.refused.length > 0) listener.refused?.(this, reception.refused)
      if (reception.equivocations.length > 0) listener.equivocated?.(this, reception.equivocations)
      if (divergences.length > 0) listener.diverged?.(this, divergences)
      if (reception.otherBranches.length > 0) listener.otherBranch?.(this, reception.otherBranches)
    }
  }

  /** As long as values are missing. `isNew`: there are more of them than before. */
  #askForValues(isNew: boolean): void {
    const isLacking = this.wants.length > 0
    if (isNew || !isLacking) {
      this.#cancelAsking?.()
      this.#cancelAsking = undefined
      this.#asked = 0
    }
    if (!isLacking || this.#cancelAsking !== undefined || this.#closed) return
    for (const listener of this.#listeners) listener.wanting?.(this)
    const pause = Math.min(ASK_AGAIN_MAX_MS, ASK_AGAIN_MS * 2 ** this.#asked++)
    this.#cancelAsking = this.#ports.clock.after(pause, () => {
      this.#cancelAsking = undefined
      this.#askForValues(false)
      // Another process of this party may have got them.
      if (this.#following === undefined) return
      this.#following.doubts(this.#state)
      this.wake()
    })
  }

  /** What is held is held still; the store is left alone for a while, and then asked again, as long as it takes. */
  async #recover(error: unknown): Promise<void> {
    this.#trouble = troubleOf(error)
    for (const listener of this.#listeners) listener.failed?.(this, error)
    // Intents are durable, and go on when the store answers again.
    if (this.#following !== undefined) this.#following.doubts(this.#state)
    else if (await this.#isSureAfter(error)) return
    if (this.#closed || (this.#isInDoubt && this.#isAwaited)) return
    const pauseMs = Math.min(STORE_RETRY_MAX_MS, STORE_RETRY_MS * 2 ** this.#failures++)
    await new Promise<void>((resolve) => {
      const stop = this.#ports.clock.after(pauseMs, resolve)
      this.#endPause = () => {
        stop()
        resolve()
      }
    })
    this.#endPause = undefined
  }

  /** Where nobody else writes and intents are in memory only: a store that failed just once is read again at once. */
  async #isSureAfter(error: unknown): Promise<boolean> {
    this.requestQueue.failAll(error)
    if (this.#isInDoubt) return false
    this.#isInDoubt = true
    try {
      await this.#readAgain()
    } catch {
      // The next turn begins with it, and says what is in the way.
    }
    return !this.#isInDoubt
  }

  /** After a write of unknown outcome only the store knows what stands: nothing was emitted, so that is what counts. */
  async #readAgain(): Promise<void> {
    const { store, guard = memoryGuard() } = this.#ports
    const { state } = await loadContract(store, this.contract, this.#founder, 'alone', undefined, this.#ports.engines)
    const isFounding = this.self === this.#founder && state.feeds.size === 0
    this.#ownFeed = await DoubleSignProtection.open(state, this.self, guard, isFounding)
    this.#state = state
    this.#isInDoubt = false
    this.#failures = 0
    this.#trouble = undefined
    this.#takeUpLost()
  }

  async #lookAtEvidence(): Promise<void> {
    const found = isNewEvidence(this.#evidence, await loadEvidence(this.#ports.store, this.#state))
    this.#evidence = [...this.#evidence, ...found]
    if (found.length > 0) for (const listener of this.#listeners) listener.equivocated?.(this, found)
  }

  /** Tentative requests whose intent does not come back are withdrawn some time after their deadline. */
  #rememberForgotten(): void {
    const { clock } = this.#ports
    for (const [key, handle] of this.#state.undecided) {
      if (handle !== this.self) continue
      const { seq, index } = requestOf(key)
      const deadline = statementAt(this.#state.feeds, handle, seq)?.statement.requests[index]?.deadline
      if (deadline === undefined) continue
      clock.after(Math.max(0, Date.parse(deadline) + FORGOTTEN_AFTER_MS - clock.now()) + 1, () => this.wake())
    }
  }
}

/** Whether one of its requests lacks a value, and may come to something. */
function isWantedIn(state: AgreementState) {
  return (held: VerifiedStatement): boolean => {
    const { party, seq, requests } = held.statement
    const lacked = new Set(held.lacks)
    return requests.some(
      (request, index) =>
        [...valueSealsOf([request])].some((seal) => lacked.has(seal)) &&
        !isDead({ handle: party, seq, index }, request, state),
    )
  }
}

/** What came by itself as payloads of statements that are in memory and do not name them. */
function* unnamedAmong(
  grouped: readonly Completion[],
  { contract, feeds }: AgreementState,
): Generator<void, StatementRefused[]> {
  const refused: StatementRefused[] = []
  for (const { party, seq, payloads } of grouped) {
    const feed = feedOf(feeds, party)
    const statement = seq < feed.base ? undefined : feed.get(seq)?.statement
    if (statement === undefined) continue
    yield
    const named = sealsNamedBy(statement)
    const { mismatch } = sortPayloads({ contract, party, seq }, payloads, (seal) => named.has(seal))
    if (mismatch !== undefined) refused.push(mismatch)
  }
  return refused
}

/** Nothing is wrong, and it is tried again: the others do what this one would do. */
function tooSlow(contract: Uid): StoreUnavailable {
  const message = `other processes of this party were faster ${RACES_MAX} times`
  return new StoreUnavailable('store_unavailable', message, { contract })
}

/** That another one signs the guard remembers, and an engine that is missing the contract. */
function troubleOf(error: unknown): ObstacleCode | undefined {
  const code = error instanceof ConcordataError ? error.code : undefined
  switch (code) {
    case 'guard_refused':
    case 'engine_unknown':
      return undefined
    case 'signer_unreachable':
    case 'signer_refused':
      return 'signer_unreachable'
    case 'contract_damaged':
      return 'contract_damaged'
    default:
      return 'store_failing'
  }
}

/** A person's word would not make this node sign. Evidence: `obstacle`. */
export class NotSilenced extends ConcordataError {}

/** The node is stopping, or the contract was closed under the caller. */
export class ContractClosed extends ConcordataError {}

/** Only members make requests; this node's party is invited, has resigned, or is a stranger. */
export class NotMember extends ConcordataError {}
