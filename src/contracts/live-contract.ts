import { closedInvitationOf, formerOf, memberOf, partyOf } from '../aggregates/contract/state.ts'
import { draft, statementDue } from '../agreement/draft.ts'
import { feedOf, newestOf } from '../agreement/feeds.ts'
import type { Held } from '../agreement/held.ts'
import { canHold, holdDue, isBeingRevoked, isKeyOf, nextKeyOf, revocationsDue } from '../agreement/keys.ts'
import type { Acknowledged } from '../agreement/ledger.ts'
import { type Equivocation, type OtherBranch, type Reception, receive } from '../agreement/receive.ts'
import type { Divergence } from '../agreement/settling.ts'
import { type AgreementState, withHeld } from '../agreement/state.ts'
import type { Signer } from '../crypto/signer.ts'
import type { Handle, RequestRef, Uid } from '../events/ids.ts'
import { type KeyChange, rotationBytes, type SignedRevocation } from '../events/key-change.ts'
import { MESSAGE_VALUES_CHARACTERS_MAX } from '../events/limits.ts'
import type { Frontier, Note } from '../events/statement.ts'
import type { Decoded, StatementRefused } from '../events/statement-codec.ts'
import { assert } from '../runtime/assert.ts'
import { type Clock, timestamp } from '../runtime/clock.ts'
import { ConcordataError } from '../runtime/errors.ts'
import type { Random } from '../runtime/random.ts'
import type { Store } from '../store/port.ts'
import { Answering, type Question } from './answering.ts'
import { noteDue } from './cosigning.ts'
import { GuardRefused, type SigningGuard } from './guard.ts'
import { asksForLock, Outbox, requestBytesMax } from './outbox.ts'
import { OwnFeed } from './own-feed.ts'
import { isNewEvidence, loadContract, loadEvidence, writesFor } from './persistence.ts'
import { acknowledgeAll, type Policy } from './policy.ts'
import { type Intent, Submission } from './submission.ts'

/** What one contract's life in a node needs from outside. */
export interface ContractPorts {
  readonly store: Store
  readonly signer: Signer
  readonly clock: Clock
  readonly random: Random
  readonly guard: SigningGuard
  /** How this node answers others' requests. Left out: it acknowledges all. */
  readonly policy?: Policy
  /** Signers of other keys that this party has, or had: for rotations. */
  signerOf?(publicKey: string): Signer | undefined
  /**
   * Whether a new statement could leave at once. Where it could not, requests wait for others to ride along with them,
   * but no longer than HOLD_MS. Left out: always.
   */
  canSend?(contract: Uid): boolean
}

/** How long requests are held back at most while every peer is being talked to already. Milliseconds. */
const HOLD_MS = 100

/** First pause before a record lock is asked for again; it doubles with each time, up to the second. Milliseconds. */
const LOCK_RETRY_MS = 50
const LOCK_RETRY_MAX_MS = 5_000

/** What others in the node want to hear of. All of it is durable when it is told. */
export interface ContractListener {
  /** Statements were taken in or made: there may be something to carry to others. */
  news?(contract: LiveContract, change: { readonly made: Held | undefined; readonly taken: readonly Held[] }): void
  settled?(contract: LiveContract, entries: readonly Acknowledged[]): void
  refused?(contract: LiveContract, refused: Reception['refused']): void
  equivocated?(contract: LiveContract, equivocations: readonly Equivocation[]): void
  diverged?(contract: LiveContract, divergences: readonly Divergence[]): void
  /** Why this node signs nothing in this contract, when that begins; undefined when it ends. */
  silenced?(contract: LiveContract, obstacle: string | undefined): void
  otherBranch?(contract: LiveContract, branches: readonly OtherBranch[]): void
  /** The store failed; the contract goes on from what it holds. */
  failed?(contract: LiveContract, error: unknown): void
}

/** This node does not have the private key that it was asked to sign with. */
export class KeyUnknown extends ConcordataError {}

/** The request, or its values, is larger than a statement of this contract can be. */
export class RequestTooLarge extends ConcordataError {}

interface Delivery {
  readonly statements: readonly Decoded[]
  readonly done: PromiseWithResolvers<DeliveryResult>
}
/** What became of statements handed to a contract. */
export type DeliveryResult = { readonly refused: readonly StatementRefused[] }

/** Statements that run ahead of what is held are kept up to so many; whoever sent them has them still. */
const WAITING_MAX = 4096

/**
 * One contract as a node lives it: takes in statements, makes its own when one is due, and keeps everything durable
 * before anybody hears of it. What it says is decided by pure code (`agreement`); this is the loop around it. One turn
 * of the loop takes all that has come meanwhile: one statement, one write, whatever the number of requests.
 */
export class LiveContract {
  readonly contract: Uid
  readonly self: Handle
  readonly outbox: Outbox
  readonly answering: Answering
  readonly #ports: ContractPorts
  readonly #listeners = new Set<ContractListener>()
  #state: AgreementState
  #deliveries: Delivery[] = []
  #waiting: readonly Decoded[] = []
  #running: Promise<void> | undefined
  #mayNote = false
  #closed = false
  /** Requests are held back: until a peer is free, or this is called off. */
  #cancelHold: (() => void) | undefined
  #holdIsOver = false
  #ownFeed: OwnFeed
  #evidence: readonly Equivocation[]
  #obstacle: string | undefined
  /** A key that this party's feed is to go on under. */
  #rotation: string | undefined
  /** Revocations of other parties' keys that came from them directly. */
  #revocation: SignedRevocation | undefined

  private constructor(
    contract: Uid,
    self: Handle,
    ports: ContractPorts,
    state: AgreementState,
    ownFeed: OwnFeed,
    evidence: readonly Equivocation[],
  ) {
    this.contract = contract
    this.self = self
    this.outbox = new Outbox(self)
    this.answering = new Answering(self, ports.policy ?? acknowledgeAll, ports.clock, () => this.wake())
    this.#ownFeed = ownFeed
    this.#evidence = evidence
    this.#ports = ports
    this.#state = state
  }

  /** Loads what the store has of it: nothing at all is a contract that is about to begin. */
  static async open(contract: Uid, self: Handle, founder: Handle, ports: ContractPorts): Promise<LiveContract> {
    const state = await loadContract(ports.store, contract, founder)
    const isFounding = self === founder && state.feeds.size === 0
    const ownFeed = await OwnFeed.open(state, self, ports.guard, isFounding)
    const live = new LiveContract(contract, self, ports, state, ownFeed, await loadEvidence(ports.store, state))
    live.#takeUpLost()
    return live
  }

  /** Proofs that a party has signed two statements for one place, one a party. */
  get evidence(): readonly Equivocation[] {
    return this.#evidence
  }

  /** Why this node signs nothing in this contract at the moment, should it be so. */
  get obstacle(): string | undefined {
    return this.#ownFeed.obstacle(this.#state, this.#waiting)
  }

  /** The members that this node has to hear of before it signs anything: after a restore without a guard. */
  get unheard(): readonly Handle[] {
    return this.#ownFeed.waitsFor(this.#state)
  }

  /** What came of a party and runs ahead of what is held here: should that party have lost it, it is to have it back. */
  waitingOf(party: Handle): readonly Decoded[] {
    return this.#waiting.filter(({ statement }) => statement.party === party)
  }

  /** Requests of others on which a person is asked here. */
  get questions(): readonly Question[] {
    return this.answering.questions
  }

  /** A peer has answered what it holds. */
  heard(peer: Handle, frontier: Frontier): void {
    this.#ownFeed.heard(peer, frontier)
    if (this.#obstacle !== undefined) this.wake()
  }

  /**
   * A person's word, after a restore without a guard, that nobody who has not been heard holds statements of this party: it
   * goes on from what is held. If that is wrong, it will be convicted of equivocation.
   */
  goOnRegardless(): void {
    this.#ownFeed.goOnRegardless()
    this.wake()
  }

  /** Takes a request back. Throws NotWithdrawable; what becomes of it its verdict says, and the ledger. */
  withdraw(request: RequestRef, reason: string): void {
    this.#assertOpen()
    this.outbox.withdraw(request, reason, this.#state)
    this.wake()
  }

  /** From the statement after its next on, this party signs here with another key. Throws KeyUnknown. */
  rotate(publicKey: string): void {
    this.#assertOpen()
    if (this.#ports.signerOf?.(publicKey) === undefined) {
      throw new KeyUnknown('key_unknown', 'the node does not have the private key to rotate to', { publicKey })
    }
    this.#rotation = publicKey
    this.wake()
  }

  /** Another party revokes its key: this node says what it holds of that feed. What is not well signed is passed over. */
  revoked(signed: SignedRevocation): void {
    const { party } = signed.revocation
    // Who has left has nothing more to say that a thief could say in its place.
    const isGone = formerOf(this.#state.ledger.document, party) !== undefined
    if (this.#closed || isGone || !canHold(this.#state, this.self, signed)) return
    this.#revocation = signed
    this.wake()
  }

  /** What is held, all of it durable. */
  get state(): AgreementState {
    return this.#state
  }

  listen(listener: ContractListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes an intent on its way. Throws NotMember, and RequestTooLarge when no statement could carry it. */
  submit(intent: Intent): Submission {
    this.#assertOpen()
    const { document } = this.#state.ledger
    if (document.isOpen && memberOf(document, this.self) === undefined) {
      throw new NotMember('not_a_member', `${this.self} is no member of ${this.contract}`, { contract: this.contract })
    }
    const bytesMax = requestBytesMax(this.#state)
    const submission = new Submission(this.#withDeadline(intent))
    const { requestBytes: bytes, valueBytes } = submission
    if (bytes > bytesMax || valueBytes > MESSAGE_VALUES_CHARACTERS_MAX) {
      const message = `the request has ${bytes} bytes and ${valueBytes} of values; ${bytesMax} and ${MESSAGE_VALUES_CHARACTERS_MAX} fit`
      throw new RequestTooLarge('request_too_large', message, { bytes, bytesMax, valueBytes })
    }
    this.outbox.add(submission)
    if (intent.timeoutMs !== undefined) {
      const stop = this.#ports.clock.after(intent.timeoutMs, () => {
        this.outbox.expire(submission, this.#state)
        this.wake()
      })
      const settle = () => stop()
      submission.verdict.then(settle, settle)
    }
    this.wake()
    return submission
  }

  /** Hands over statements from elsewhere. Resolves when all that came of them, an own statement too, is durable. */
  deliver(statements: readonly Decoded[]): Promise<DeliveryResult> {
    this.#assertOpen()
    const done = Promise.withResolvers<DeliveryResult>()
    this.#deliveries.push({ statements, done })
    this.wake()
    return done.promise
  }

  /** The contract has been idle for a while: a good time to cosign what has settled (design §3, iv). */
  idle(): void {
    this.#mayNote = true
    this.wake()
  }

  /** Looks whether there is something to do. */
  wake(): void {
    if (this.#running !== undefined || this.#closed) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      if (this.#hasWork()) this.wake()
    })
  }

  /** Resolves when nothing is under way. Later statements are not taken in any more. */
  async close(): Promise<void> {
    this.#closed = true
    this.answering.close()
    await this.#running
    this.outbox.failAll(new ContractClosed('contract_closed', 'the node is stopping'))
  }

  #assertOpen(): void {
    if (this.#closed) throw new ContractClosed('contract_closed', 'the node is stopping')
  }

  #hasWork(): boolean {
    if (this.#deliveries.length > 0 || this.#mayNote) return true
    const { view } = this.answering.coverage(this.#state)
    return this.#maySpeak(view) && this.outbox.hasTurn(view, this.#holdsBack())
  }

  async #run(): Promise<void> {
    // Whatever else arrives in this turn of the event loop rides along.
    await Promise.resolve()
    const deliveries = this.#deliveries
    this.#deliveries = []
    try {
      const refused = await this.#turn(deliveries.flatMap(({ statements }) => statements))
      for (const { done } of deliveries) done.resolve({ refused })
    } catch (error) {
      for (const { done } of deliveries) done.reject(error)
      await this.#recover(error)
    }
  }

  async #turn(arrived: readonly Decoded[]): Promise<readonly StatementRefused[]> {
    const before = this.#state
    const reception = receive(before, [...this.#waiting, ...arrived], this.self)
    this.#lookAtOwn(reception)
    this.#waiting = reception.waiting.slice(0, WAITING_MAX)
    this.outbox.dropExpired(reception.state)
    const made = await this.#makeStatement(reception.state)
    const state = made?.state ?? reception.state
    const settled = [...reception.settled, ...(made?.settled ?? [])]
    const equivocations = isNewEvidence(this.#evidence, reception.equivocations)
    const divergences = state.settling.divergences.slice(before.settling.divergences.length)
    const writes = writesFor({
      before,
      held: made === undefined ? reception.taken : [...reception.taken, made.held],
      settled,
      equivocations,
      divergences,
    })
    if (writes.length > 0) await this.#ports.store.write(writes)
    if (made !== undefined || reception.taken.some(({ statement }) => statement.party === this.self)) {
      // Nobody gets to see a statement before the guard knows of it.
      const key = made?.held.statement.key
      const revokes = key !== undefined && 'revoke' in key
      if (made !== undefined || this.#ownFeed.obstacle(state, this.#waiting) === undefined)
        await this.#ownFeed.advance(state, revokes)
    }
    this.#state = state
    this.#evidence = [...this.#evidence, ...equivocations]
    made?.durable()
    if (made !== undefined) this.answering.forget(state)
    this.#tell({ ...reception, equivocations }, made?.held, settled, divergences)
    return reception.refused.map(({ error }) => error)
  }

  async #makeStatement(held: AgreementState) {
    const mayNote = this.#mayNote
    this.#mayNote = false
    const { view: state, refusals } = this.answering.coverage(held)
    if (!this.#maySpeak(state)) return undefined
    const key = await this.#keyChange(state)
    const due = statementDue(state, this.self) ?? (key === undefined ? undefined : 'answer')
    // A statement that is due anyway takes along what waits.
    const turn = this.outbox.turn(state, due === undefined && this.#holdsBack())
    this.#holdIsOver = false
    const note = mayNote && turn.isEmpty && due === undefined ? await this.#note(state) : undefined
    if (turn.isEmpty && due === undefined && note === undefined) return undefined
    const wishes = {
      ...turn.wishes,
      refusals,
      ...(note === undefined ? {} : { note }),
      ...(key === undefined ? {} : { key }),
    }
    const drafted = draft(state, this.self, wishes, timestamp(this.#ports.clock))
    const signed = drafted.sign(await this.#signerFor(state).sign(drafted.bytesToSign))
    // Made from less than is held, it becomes a part of all that is.
    const progress = state === held ? signed : withHeld(held, signed.held)
    return { ...progress, held: signed.held, durable: () => turn.durable(signed.held.statement.seq) }
  }

  #holdsBack(): boolean {
    if (this.outbox.length === 0 || this.#holdIsOver || (this.#ports.canSend?.(this.contract) ?? true)) {
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
    const { document } = state.ledger
    const obstacle = this.#ownFeed.obstacle(state, this.#waiting)
    this.#reportObstacle(obstacle)
    // What stands in the way of the old key does not concern the one that takes the feed over.
    if (obstacle !== undefined && this.#takeover(state) === undefined) return false
    if (!document.isOpen) return true
    if (partyOf(document, this.self) === undefined || closedInvitationOf(document, this.self) !== undefined)
      return false
    if (this.#signer(state) === undefined) return false
    const former = formerOf(document, this.self)
    // Who has left still takes its feed over: the others have promised to wait for that.
    if (former === undefined || this.#takeover(state) !== undefined) return true
    return (newestOf(state.feeds, this.self)?.statement.head.size ?? 0) <= former.resignedAt
  }

  async #note(state: AgreementState): Promise<Note | undefined> {
    const due = noteDue(state, this.self, Math.floor(this.#ports.clock.now() / 1000))
    if (due === undefined) return undefined
    return { ...due.head, time: due.time, signature: await this.#signerFor(state).sign(due.bytes) }
  }

  /** What this party's next statement says about keys. */
  async #keyChange(state: AgreementState): Promise<KeyChange | undefined> {
    const revoke = this.#takeover(state)
    if (revoke !== undefined) return { revoke }
    const told = this.#revocation
    const hold = holdDue(state, this.self) ?? (told && canHold(state, this.self, told) ? told : undefined)
    if (hold !== undefined) return { hold }
    const signing = this.#rotation
    if (signing === undefined || isBeingRevoked(state, this.self)) return undefined
    if (isKeyOf(state, this.self, signing)) {
      this.#rotation = undefined
      return undefined
    }
    const { contract } = this
    const rotation = { contract, party: this.self, seq: feedOf(state.feeds, this.self).size, signing }
    const proof = await this.#keyOf(signing)?.sign(rotationBytes(rotation))
    return proof === undefined ? undefined : { rotate: { signing, proof } }
  }

  /** The revocation under which this party's feed goes on with a key that the node has, once all have said what they hold. */
  #takeover(state: AgreementState): SignedRevocation | undefined {
    return revocationsDue(state, this.self).find(({ revocation }) => this.#keyOf(revocation.signing) !== undefined)
  }

  #keyOf(publicKey: string): Signer | undefined {
    const { signer, signerOf } = this.#ports
    return signer.publicKey === publicKey ? signer : signerOf?.(publicKey)
  }

  /** Who signs this party's next statement; undefined: this node does not have its key. */
  #signer(state: AgreementState): Signer | undefined {
    const key = this.#takeover(state)?.revocation.signing ?? nextKeyOf(state, this.self)
    return key === undefined ? this.#ports.signer : this.#keyOf(key)
  }

  #signerFor(state: AgreementState): Signer {
    const signer = this.#signer(state)
    assert(signer !== undefined, 'who may speak has a key')
    return signer
  }

  /** A tentative request with a time-out says so: nobody waits for it after a restart. */
  #withDeadline(intent: Intent): Intent {
    const { request, timeoutMs } = intent
    if (!request.tentative || timeoutMs === undefined || request.deadline !== undefined) return intent
    const deadline = new Date(this.#ports.clock.now() + timeoutMs).toISOString()
    return { ...intent, request: { ...request, deadline } }
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

  #reportObstacle(obstacle: string | undefined): void {
    if (obstacle === this.#obstacle) return
    this.#obstacle = obstacle
    for (const listener of this.#listeners) listener.silenced?.(this, obstacle)
  }

  /** Puts the last statement that was signed back into the feed, should the store have lost it. */
  #takeUpLost(): void {
    const { lost } = this.#ownFeed
    if (lost !== undefined) this.#deliveries.push({ statements: [lost], done: Promise.withResolvers() })
  }

  /** Requests once more what a lock has made void, when that has ended. */
  #afterLock(): void {
    const { lock } = this.#state.settling.agreed
    if (lock !== null && lock.holder !== this.self) return
    for (const submission of this.outbox.takeLockedOut()) {
      if (!asksForLock(submission.intent.request)) {
        this.outbox.add(submission)
        continue
      }
      const pause = Math.min(LOCK_RETRY_MAX_MS, LOCK_RETRY_MS * 2 ** submission.attempts)
      this.#ports.clock.after(pause * this.#ports.random.fraction(), () => {
        if (this.#closed) return
        this.outbox.add(submission)
        this.wake()
      })
    }
  }

  #tell(
    reception: Reception,
    made: Held | undefined,
    settled: readonly Acknowledged[],
    divergences: readonly Divergence[],
  ): void {
    this.outbox.settled(settled)
    this.#afterLock()
    if (formerOf(this.#state.settling.agreed, this.self) !== undefined) this.outbox.dropAll()
    for (const listener of this.#listeners) {
      if (settled.length > 0) listener.settled?.(this, settled)
      if (made !== undefined || reception.taken.length > 0) listener.news?.(this, { made, taken: reception.taken })
      if (reception.refused.length > 0) listener.refused?.(this, reception.refused)
      if (reception.equivocations.length > 0) listener.equivocated?.(this, reception.equivocations)
      if (divergences.length > 0) listener.diverged?.(this, divergences)
      if (reception.otherBranches.length > 0) listener.otherBranch?.(this, reception.otherBranches)
    }
  }

  /** After a write of unknown outcome only the store knows what stands: nothing was emitted, so that is what counts. */
  async #recover(error: unknown): Promise<void> {
    for (const listener of this.#listeners) listener.failed?.(this, error)
    this.outbox.failAll(error)
    const founder = [...this.#state.ledger.admitted.keys()][0] ?? this.self
    this.#state = await loadContract(this.#ports.store, this.contract, founder)
    this.#ownFeed = await OwnFeed.open(this.#state, this.self, this.#ports.guard, this.#state.feeds.size === 0)
    this.#takeUpLost()
  }
}

/** The node is stopping, or the contract was closed under the caller. */
export class ContractClosed extends ConcordataError {}

/** Only members make requests; this node's party is invited, has resigned, or is a stranger. */
export class NotMember extends ConcordataError {}
