import { formerOf, memberOf } from '../aggregates/contract/state.ts'
import { confirmable, waitingForAnswers } from '../agreement/confirm.ts'
import type { Wishes } from '../agreement/draft.ts'
import { saidToHold, statementAt } from '../agreement/feeds.ts'
import type { Acknowledged } from '../agreement/ledger.ts'
import type { AgreementState } from '../agreement/state.ts'
import { type Handle, type RequestRef, requestKey, type Seq } from '../events/ids.ts'
import { MESSAGE_VALUES_CHARACTERS_MAX } from '../events/limits.ts'
import type { Decision, Payload, Request } from '../events/statement.ts'
import { ConcordataError } from '../runtime/errors.ts'
import type { Submission, Verdict } from './submission.ts'

/** What one statement will say for the local users, and what becomes of their submissions once it is durable. */
export interface Turn {
  readonly wishes: Wishes
  readonly isEmpty: boolean
  /** To be called when the statement with these wishes, at `seq`, is durable. */
  durable(seq: Seq): void
}

/** Only a tentative request of this node that it has not confirmed yet can be withdrawn. */
export class NotWithdrawable extends ConcordataError {}

/** Room for everything in a statement but its requests: `seen`, refusals, decisions, head. */
const STATEMENT_OVERHEAD_BYTES = 64 * 1024
const DECISION_BYTES = 256

/** The local users' intents on one contract: many that wait become one statement (group commit). */
export class Outbox {
  readonly #self: Handle
  #queue: Submission[] = []
  readonly #signed = new Map<string, Submission>()
  /** Void because of a lock: to be requested anew when it ends. */
  #lockedOut: Submission[] = []
  /** What users take back, with the reasons, by request key. */
  readonly #withdrawals = new Map<string, string>()

  constructor(self: Handle) {
    this.#self = self
  }

  get length(): number {
    return this.#queue.length
  }

  add(submission: Submission): void {
    this.#queue.push(submission)
  }

  /** Whether requests of this node are signed and not settled yet: then it is for this node to carry the news around. */
  get hasUnsettled(): boolean {
    return this.#signed.size > 0
  }

  /** Takes a request back that this node has not confirmed yet. Throws NotWithdrawable. */
  withdraw(request: RequestRef, reason: string, state: AgreementState): void {
    const key = requestKey(request)
    if (state.undecided.get(key) !== this.#self) {
      const message = `${key} is no tentative request of this party, or its fate is decided`
      throw new NotWithdrawable('not_withdrawable', message, { request: key })
    }
    this.#withdrawals.set(key, reason)
  }

  /**
   * After a lock has ended: those that it made void, to be added again. Those that ask for the lock themselves are
   * to be added after a pause, so that they do not all come at once.
   */
  takeLockedOut(): Submission[] {
    const waited = this.#lockedOut
    this.#lockedOut = []
    return waited
  }

  /** Concludes those whose time was up before they were signed: nothing of them ever leaves this node. */
  dropExpired(state: AgreementState): void {
    const expired = this.#queue.filter((submission) => submission.expired)
    if (expired.length === 0) return
    this.#queue = this.#queue.filter((submission) => !submission.expired)
    for (const submission of expired) {
      if (submission.phase.kind === 'locked out') submission.conclude(submission.phase.verdict)
      else submission.conclude({ kind: 'timed out', waitingFor: othersIn(state, this.#self) })
    }
  }

  /** Whether `turn` would have anything to say; cheaper than that. */
  hasTurn(state: AgreementState, holdsBack: boolean): boolean {
    const hasRequests = this.#queue.length > 0 && !holdsBack && this.#mayRequest(state)
    return hasRequests || this.#decisions(state).length > 0
  }

  /**
   * What the next statement says for them. Decides each tentative request at most once. `holdsBack`: new requests wait,
   * unless something must be said anyway.
   */
  turn(state: AgreementState, holdsBack = false): Turn {
    const decided = this.#decisions(state)
    const chosen = holdsBack && decided.length === 0 ? [] : this.#chooseRequests(state, decided.length)
    const payloads = inOrder(chosen.flatMap(({ intent }) => Object.entries(intent.payloads)))
    const requests = chosen.map(({ intent }) => intent.request)
    return {
      wishes: { requests, payloads, refusals: [], decided },
      isEmpty: requests.length === 0 && decided.length === 0,
      durable: (seq) => {
        const taken = new Set(chosen)
        this.#queue = this.#queue.filter((submission) => !taken.has(submission))
        chosen.forEach((submission, index) => {
          const request = { handle: this.#self, seq, index }
          this.#signed.set(requestKey(request), submission)
          submission.becomeSigned(request)
        })
        for (const decision of decided) this.#decisionIsDurable(decision, state)
      },
    }
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
      const verdict: Verdict = { kind: 'settled', request: entry.request, index: entry.index, outcome: entry.outcome }
      if (isLockedOut(verdict) && asksAgain(submission)) {
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
    this.#signed.clear()
  }

  failAll(error: unknown): void {
    for (const submission of this.#all()) submission.fail(error)
    this.#queue = []
    this.#lockedOut = []
    this.#signed.clear()
  }

  /** The time of a confirmed request ran out before it settled: it will, but nobody waits here any longer. */
  expire(submission: Submission, state: AgreementState): void {
    if (submission.phase.kind === 'done') return
    submission.expired = true
    if (submission.phase.kind === 'locked out' && this.#lockedOut.includes(submission)) {
      this.#lockedOut = this.#lockedOut.filter((other) => other !== submission)
      submission.conclude(submission.phase.verdict)
    }
    if (submission.phase.kind !== 'confirmed') return
    const { request } = submission.phase
    submission.conclude({ kind: 'pending', request, waitingFor: lateFor(state, request) })
  }

  #all(): Submission[] {
    return [...this.#queue, ...this.#signed.values(), ...this.#lockedOut]
  }

  #decisions(state: AgreementState): Decision[] {
    const withdrawn: Decision[] = []
    for (const [key, handle] of state.undecided) {
      if (handle !== this.#self) continue
      const submission = this.#signed.get(key)
      const request = refOf(key)
      const reason = this.#withdrawals.get(key) ?? whyWithdraw(state, request, submission)
      if (reason !== undefined) withdrawn.push({ request, decision: 'withdrawn', reason })
    }
    const gone = new Set(withdrawn.map(({ request }) => requestKey(request)))
    const confirmed = confirmable(state, this.#self, gone).map(
      (request): Decision => ({ request, decision: 'confirmed' }),
    )
    return [...withdrawn, ...confirmed]
  }

  #decisionIsDurable({ request, decision }: Decision, before: AgreementState): void {
    const key = requestKey(request)
    const submission = this.#signed.get(key)
    const reason = this.#withdrawals.get(key)
    this.#withdrawals.delete(key)
    if (submission === undefined || submission.phase.kind === 'done') return
    if (decision === 'confirmed') submission.becomeConfirmed(request)
    else if (reason !== undefined) submission.conclude({ kind: 'withdrawn', request, reason })
    else submission.conclude({ kind: 'timed out', request, waitingFor: waitingForAnswers(before, request) })
  }

  #mayRequest({ ledger }: AgreementState): boolean {
    return !ledger.document.isOpen || memberOf(ledger.document, this.#self) !== undefined
  }

  #chooseRequests(state: AgreementState, decisions: number): Submission[] {
    if (!this.#mayRequest(state)) return []
    const { limits } = state.ledger.document
    const bytesMax = requestBytesMax(state) - decisions * DECISION_BYTES
    const chosen: Submission[] = []
    let bytes = 0
    let valueCharacters = 0
    for (const submission of this.#queue) {
      bytes += submission.requestBytes
      valueCharacters += submission.valueBytes
      const isFull = bytes > bytesMax || valueCharacters > MESSAGE_VALUES_CHARACTERS_MAX
      if (chosen.length > 0 && (isFull || chosen.length === limits.requestsPerStatement)) break
      chosen.push(submission)
    }
    return chosen
  }
}

function isLockedOut(verdict: Verdict): boolean {
  if (verdict.kind !== 'settled' || verdict.outcome.kind !== 'void') return false
  return verdict.outcome.reason.code === 'record_locked'
}

/** Of what is void because of a lock everything is requested anew by itself, but for the lock itself. */
function asksAgain({ intent, expired }: Submission): boolean {
  return !expired && (intent.retry === true || !asksForLock(intent.request))
}

export function asksForLock({ commands }: Request): boolean {
  return commands.some(({ type }) => type === 'LockRecord')
}

/** A request without a deadline outlives a restart; for one with a deadline nobody waits after it. */
function whyWithdraw(
  state: AgreementState,
  request: RequestRef,
  submission: Submission | undefined,
): string | undefined {
  if (submission !== undefined) return submission.expired ? 'time-out' : undefined
  const held = statementAt(state.feeds, request.handle, request.seq)
  return held?.statement.requests[request.index]?.deadline === undefined ? undefined : 'restart'
}

/** By seal, in the order in which canonical JSON has them. */
function inOrder(payloads: readonly [string, Payload][]): { [seal: string]: Payload } {
  return Object.fromEntries(payloads.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** The largest request that a statement of this contract can carry, in bytes of JSON. */
export function requestBytesMax(state: AgreementState): number {
  return state.ledger.document.limits.statementBytes - STATEMENT_OVERHEAD_BYTES
}

function refOf(key: string): RequestRef {
  const [handle, seq, index] = key.split('.') as [Handle, string, string]
  return { handle, seq: Number(seq), index: Number(index) }
}

function othersIn(state: AgreementState, self: Handle): Handle[] {
  return [...state.ledger.admitted.keys()].filter(
    (handle) => handle !== self && formerOf(state.ledger.document, handle) === undefined,
  )
}

/** Who has not answered, or, if all have, who has not said that it holds what decides the request. */
function lateFor(state: AgreementState, request: RequestRef): Handle[] {
  const unanswered = waitingForAnswers(state, request)
  if (unanswered.length > 0) return unanswered
  const own = saidToHold(state.feeds, request.handle).get(request.handle) ?? 0
  return othersIn(state, request.handle).filter(
    (handle) => (saidToHold(state.feeds, handle).get(request.handle) ?? -1) < own,
  )
}
