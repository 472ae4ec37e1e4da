import { waitingForAnswers } from '../../agreement/confirmable.ts'
import { statementAt } from '../../agreement/feeds.ts'
import type { Acknowledged } from '../../agreement/ledger.ts'
import type { AgreementState, HeldState } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import type { About } from '../../events/about.ts'
import { type Handle, type RequestRef, requestKey, type Seq } from '../../events/ids.ts'
import { payloadsInOrder } from '../../events/seal.ts'
import type { Decision } from '../../events/statement.ts'
import type { HoldUp } from '../../gossip/message.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Random } from '../../runtime/random.ts'
import { type Decisions, decideOwn, type Withdrawal } from './decisions.ts'
import { lateFor } from './late-parties.ts'
import { standingOfRequest } from './progress.ts'
import { RequestPlaces } from './request-places.ts'
import { SealedAbouts } from './sealed-abouts.ts'
import { roomIn } from './statement-budget.ts'
import { asksAgainAfter, type HeldUp, heldUpBy, type Intent, type Submission, settledVerdict } from './submission.ts'
import { TransmitterSilent } from './transmitter-silent.ts'
import { chosenFrom, mayRequest, type Turn } from './turn.ts'
import { assertAbout, RequestUnfit } from './validate-request.ts'

/** Only a tentative request of this node that it has not confirmed yet can be withdrawn. */
export class NotWithdrawable extends ConcordataError {}

/** How long after the deadline of a tentative request its intent may still come back. Milliseconds. */
export const FORGOTTEN_AFTER_MS = 60_000

/** The local users' intents on one contract: many that wait become one statement (group commit) (decision 0050). */
export class RequestQueue {
  readonly #self: Handle
  readonly #clock: Clock
  readonly #random: Random
  #queue: Submission[] = []
  readonly #signed = new Map<string, Submission>()
  readonly #places: RequestPlaces
  /** Intents are durable before they are signed, and come back after a restart; other processes of this party sign them, too. */
  readonly #isShared: boolean
  /** Void because of a lock: to be requested anew when it ends. */
  #lockedOut: Submission[] = []
  /** The lock has ended: they are added again, maybe after a pause. */
  readonly #pausing = new Set<Submission>()
  /** What users take back, with what they say about it, by request key. */
  readonly #withdrawals = new Map<string, Withdrawal>()

  readonly #holdUpOf: (handle: Handle) => HoldUp | undefined
  readonly #awaitsValues: (held: VerifiedStatement) => boolean

  /**
   * `own`: what is in memory of the own feed. `older`: finds the requests that are not. `isShared`: intents are durable before they are
   * signed, and other processes sign them, too. `holdUpOf`: why a party leaves uncovered what it holds, as far as that is known.
   * `awaitsValues`: as for `decideOwn`.
   */
  constructor(
    self: Handle,
    clock: Clock,
    random: Random,
    own: Iterable<VerifiedStatement> = [],
    older: (name: string) => RequestRef | undefined = () => undefined,
    holdUpOf: (handle: Handle) => HoldUp | undefined = () => undefined,
    isShared = false,
    awaitsValues: (held: VerifiedStatement) => boolean = () => false,
  ) {
    this.#holdUpOf = holdUpOf
    this.#awaitsValues = awaitsValues
    this.#self = self
    this.#clock = clock
    this.#random = random
    this.#isShared = isShared
    this.#places = new RequestPlaces(own, older, { keepsIds: isShared })
  }

  /** Whether nobody waits here for anything. */
  get isIdle(): boolean {
    const isUnderWay = [...this.#signed.values()].some(({ phase }) => phase.kind !== 'done')
    return (
      !isUnderWay && this.#queue.length + this.#lockedOut.length + this.#pausing.size + this.#withdrawals.size === 0
    )
  }

  /** Where own requests stand that are before this place of the feed. They are forgotten when somebody else keeps them. */
  placesBefore(seq: Seq): ReadonlyMap<string, RequestRef> {
    return this.#places.before(seq)
  }

  forgetBefore(seq: Seq): void {
    this.#places.forgetBefore(seq)
  }

  get length(): number {
    return this.#queue.length
  }

  /** What waits to be signed, oldest first. */
  get queued(): readonly Intent[] {
    return this.#queue.map(({ intent }) => intent)
  }

  add(submission: Submission): void {
    this.#queue.push(submission)
  }

  /** After a lock. Another process may have requested it anew already. Where it needs history nothing has happened yet. */
  addAgain(submission: Submission, state: AgreementState): void {
    // Meanwhile it may have come to its end here, as when the node stops.
    if (!this.#pausing.has(submission)) return
    const { phase, intent } = submission
    const newest = this.placeOf(intent.request.id)
    const last = phase.kind === 'locked out' && 'request' in phase.verdict ? phase.verdict.request : undefined
    if (phase.kind !== 'locked out' || newest === undefined || requestKey(newest) === (last && requestKey(last)))
      this.add(submission)
    else if (standingOfRequest(state, newest, undefined) === undefined) submission.conclude(phase.verdict)
    else this.resume(submission, newest, !state.undecided.has(requestKey(newest)))
    this.#pausing.delete(submission)
  }

  /** Whether it waits to be signed, for the first time or once more after a lock. */
  isToBeSigned(id: string): boolean {
    const waiting = [...this.#queue, ...this.#lockedOut, ...this.#pausing]
    return waiting.some(({ intent }) => intent.request.id === id)
  }

  /** Where the newest request of that id stands in the own feed: before anything is signed anew, that is looked at. */
  placeOf(id: string): RequestRef | undefined {
    return this.#isShared ? this.#places.of(id) : undefined
  }

  /** The same for the key in the id of one that its caller has named. */
  placeUnder(key: string): RequestRef | undefined {
    return this.#places.of(key)
  }

  /** These are held of the own feed, whoever has signed them, and whether or not the write was known to have come about. */
  readonly holds = (own: Iterable<VerifiedStatement>): void => this.#places.rememberAll(own)

  /** Goes on with what was signed in a former life of this process, or by another one, and has not settled. */
  resume(submission: Submission, request: RequestRef, isConfirmed: boolean): void {
    this.#signed.set(requestKey(request), submission)
    submission.becomeSigned(request)
    if (isConfirmed) submission.becomeConfirmed(request)
  }

  /** Another process of this party has made these statements: what they carry is signed, and what they decide is decided. */
  noticed(own: readonly VerifiedStatement[], before: HeldState): void {
    for (const held of own) {
      const { seq, requests, decided } = held.statement
      this.#places.remember(held)
      requests.forEach(({ id }, index) => {
        const submission = this.#takeById(id)
        if (submission !== undefined) this.resume(submission, { handle: this.#self, index, seq }, false)
      })
      for (const decision of decided) this.#decisionIsDurable(decision, seq, before)
    }
  }

  #takeById(id: string): Submission | undefined {
    const isIt = ({ intent }: Submission) => intent.request.id === id
    const found = this.#queue.find(isIt) ?? this.#lockedOut.find(isIt)
    if (found === undefined) return undefined
    this.#queue = this.#queue.filter((submission) => submission !== found)
    this.#lockedOut = this.#lockedOut.filter((submission) => submission !== found)
    return found
  }

  /** Whether requests of this node are signed and not settled yet: then it is for this node to carry the news around. */
  get hasUnsettled(): boolean {
    return this.#signed.size > 0
  }

  /** Throws NotWithdrawable. */
  assertWithdrawable(request: RequestRef, state: HeldState): void {
    const key = requestKey(request)
    if (state.undecided.get(key) !== this.#self) {
      const message = `${key} is no tentative request of this party, or its fate is decided`
      throw new NotWithdrawable('not_withdrawable', message, { request: key })
    }
  }

  /** Takes a request back. Requires that it is withdrawable. Throws RequestUnfit, NotCanonicalizable. */
  withdraw(request: RequestRef, about: About | undefined): void {
    assertAbout(about)
    this.#withdrawals.set(requestKey(request), { code: 'user', about })
  }

  /**
   * After a lock has ended: those that it made void, to be added again. Those that ask for the lock themselves are
   * to be added after a pause, so that they do not all come at once.
   */
  takeLockedOut(): Submission[] {
    const waited = this.#lockedOut
    this.#lockedOut = []
    for (const submission of waited) this.#pausing.add(submission)
    return waited
  }

  /**
   * Concludes those whose time was up before they were signed: nothing of them ever leaves this node. Unless another process
   * may be signing them just now: then they are signed and withdrawn, so that the feed decides.
   */
  dropExpired(): void {
    if (this.#isShared) return
    const over = this.#queue.filter(({ expired, isOverdue }) => expired || isOverdue)
    if (over.length === 0) return
    this.#leave(over)
    for (const submission of over) {
      if (submission.phase.kind === 'locked out') submission.conclude(submission.phase.verdict)
      else submission.conclude({ kind: 'timed out', waitingFor: [this.#self] })
    }
  }

  /** Whether `turn` would have anything to say; cheaper than that. */
  hasTurn(state: AgreementState, holdsBack: boolean): boolean {
    const hasRequests = this.#queue.length > 0 && !holdsBack && mayRequest(state, this.#self)
    return hasRequests || this.#decide(state, roomIn(state), new SealedAbouts(this.#random)).decided.length > 0
  }

  /**
   * What the next statement says for them. Decides each tentative request at most once. `holdsBack`: new requests wait,
   * unless something must be said anyway. `taken`: how many bytes of the statement have another use already.
   */
  turn(state: AgreementState, holdsBack = false, taken = 0): Turn {
    const room = roomIn(state)
    this.#dropTooLarge(room)
    const abouts = new SealedAbouts(this.#random)
    const { decided, left } = this.#decide(state, room - taken, abouts)
    const chosen = holdsBack && decided.length === 0 ? [] : chosenFrom(this.#queue, state, this.#self, left)
    const opened = chosen.flatMap(({ intent }) => Object.entries(intent.payloads))
    const payloads = payloadsInOrder([...opened, ...abouts.payloads])
    const requests = chosen.map(({ intent }) => intent.request)
    return {
      wishes: { requests, payloads, refusals: [], decided },
      isEmpty: requests.length === 0 && decided.length === 0,
      part: (problemOf) => this.#part(chosen, problemOf),
      durable: (seq) => {
        this.#leave(chosen)
        chosen.forEach((submission, index) => {
          const request = { handle: this.#self, index, seq }
          this.#places.set(submission.intent.request.id, request)
          this.#signed.set(requestKey(request), submission)
          submission.becomeSigned(request)
        })
        for (const decision of decided) this.#decisionIsDurable(decision, seq, state)
      },
    }
  }

  /** Members that came meanwhile have taken the room that it had when it was submitted. */
  #dropTooLarge(room: number): void {
    const large = this.#queue.filter(({ requestBytes }) => requestBytes > room)
    if (large.length === 0) return
    this.#leave(large)
    const error = new RequestUnfit('request_too_large', `a statement has room for ${room} bytes now`, {
      bytesMax: room,
    })
    for (const submission of large) submission.fail(error)
  }

  #part(chosen: readonly Submission[], problemOf: Parameters<Turn['part']>[0]): void {
    const problems = chosen.map(({ intent: { request, payloads } }) => problemOf({ requests: [request], payloads }))
    const failed = chosen.filter((_, index) => problems[index] !== undefined)
    this.#leave(failed)
    chosen.forEach((submission, index) => {
      if (problems[index] !== undefined) submission.fail(problems[index])
      else submission.isAlone = failed.length === 0
    })
  }

  #leave(chosen: readonly Submission[]): void {
    const gone = new Set(chosen)
    this.#queue = this.#queue.filter((submission) => !gone.has(submission))
  }

  /** Tells the authors of the requests in these entries what has become of them. */
  settled(entries: readonly Acknowledged[]): void {
    for (const { entry } of entries) {
      if (entry.author !== this.#self) continue
      const key = requestKey(entry.request)
      const submission = this.#signed.get(key)
      if (submission === undefined) continue
      this.#signed.delete(key)
      if (submission.phase.kind === 'done') continue
      const verdict = settledVerdict(entry)
      if (!submission.expired && asksAgainAfter(entry.outcome, submission.intent)) {
        submission.becomeLockedOut(verdict)
        this.#lockedOut.push(submission)
      } else {
        submission.conclude(verdict)
      }
    }
  }

  /** After this party's resignation nothing of it is in the contract any more. */
  dropAll(): void {
    for (const submission of this.#all()) {
      if (submission.phase.kind !== 'done') submission.conclude({ kind: 'dropped' })
    }
    this.#queue = []
    this.#lockedOut = []
    this.#pausing.clear()
    this.#signed.clear()
  }

  /** All but the signed ones with these keys. */
  failAll(error: unknown, open: ReadonlySet<string> = new Set()): void {
    const kept = [...this.#signed].filter(([key]) => open.has(key))
    const keeps = new Set(kept.map(([, submission]) => submission))
    for (const submission of this.#all()) if (!keeps.has(submission)) submission.fail(error)
    this.#queue = []
    this.#lockedOut = []
    this.#pausing.clear()
    this.#signed.clear()
    for (const [key, submission] of kept) this.#signed.set(key, submission)
  }

  failSigned(keys: Iterable<string>, error: unknown): void {
    for (const key of keys) {
      const submission = this.#signed.get(key)
      this.#signed.delete(key)
      if (submission !== undefined && submission.phase.kind !== 'done') submission.fail(error)
    }
  }

  /** The time of a confirmed request ran out before it settled: it will, but nobody waits here any longer. */
  expire(submission: Submission, state: HeldState): void {
    if (submission.phase.kind === 'done') return
    submission.expired = true
    if (submission.phase.kind === 'locked out' && this.#lockedOut.includes(submission)) {
      this.#lockedOut = this.#lockedOut.filter((other) => other !== submission)
      submission.conclude(submission.phase.verdict)
    }
    if (submission.phase.kind !== 'confirmed') return
    const { request } = submission.phase
    submission.conclude({ kind: 'pending', request, ...this.#heldUp(lateFor(state, request)) })
  }

  /** Nothing was heard of it any more: the process that signs may be down. */
  giveUp(submission: Submission): void {
    const { phase } = submission
    if (phase.kind === 'queued') this.fail(submission, new TransmitterSilent())
    if (phase.kind !== 'signed') return
    submission.conclude({ kind: 'pending', request: phase.request, waitingFor: [this.#self] })
  }

  /** It never came to be signed, as the process that signs says. */
  reject(id: string, error: unknown): void {
    this.#takeById(id)?.fail(error)
  }

  fail(submission: Submission, error: unknown): void {
    this.#takeById(submission.intent.request.id)
    this.#pausing.delete(submission)
    if (submission.phase.kind !== 'done') submission.fail(error)
  }

  /** As long as this party leaves something uncovered, it says nothing of what comes after: so nobody else holds it up. */
  #heldUp(waitingFor: readonly Handle[]): HeldUp {
    const isHere = this.#holdUpOf(this.#self) !== undefined
    return heldUpBy(isHere ? [this.#self] : waitingFor, this.#holdUpOf)
  }

  #all(): Submission[] {
    return [...this.#queue, ...this.#signed.values(), ...this.#lockedOut, ...this.#pausing]
  }

  /**
   * A request without a deadline outlives a restart; for one with a deadline nobody waits after it. Unless intents are
   * durable before they are signed: then whoever asked may still wait, and the intent comes back with what is left of its
   * time. If it does not, by some time after that, it never will.
   */
  #whyWithdraw(state: AgreementState, request: RequestRef, submission: Submission | undefined): Withdrawal | undefined {
    if (submission !== undefined) return submission.expired ? { code: 'timed_out' } : undefined
    const held = statementAt(state.feeds, request.handle, request.seq)
    const deadline = held?.statement.requests[request.index]?.deadline
    if (deadline === undefined) return undefined
    if (!this.#isShared) return { code: 'restarted' }
    return this.#clock.now() > Date.parse(deadline) + FORGOTTEN_AFTER_MS ? { code: 'timed_out' } : undefined
  }

  /** As many as fit. */
  #decide(state: AgreementState, room: number, abouts: SealedAbouts): Decisions {
    const why = (key: string, request: RequestRef) =>
      this.#withdrawals.get(key) ?? this.#whyWithdraw(state, request, this.#signed.get(key))
    return decideOwn(state, this.#self, room, abouts, why, this.#awaitsValues)
  }

  #decisionIsDurable(decision: Decision, seq: Seq, before: HeldState): void {
    const { request } = decision
    const key = requestKey(request)
    const submission = this.#signed.get(key)
    this.#withdrawals.delete(key)
    if (submission === undefined || submission.phase.kind === 'done') return
    if (decision.decision === 'confirmed') submission.becomeConfirmed(request)
    else if (decision.code === 'user') {
      const { about } = decision
      submission.conclude({ kind: 'withdrawn', request, seq, ...(about === undefined ? {} : { about }) })
    } else submission.conclude({ kind: 'timed out', request, ...this.#heldUp(waitingForAnswers(before, request)) })
  }
}
