import type { Hash } from '../../crypto/hash.ts'
import type { ElementId, Handle, LedgerIndex, ProposalId, RequestRef, Seq } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import type { Outcome } from '../../events/outcome.ts'
import type { Payloads, Request } from '../../events/statement.ts'
import type { HoldUp } from '../../gossip/message.ts'
import { bytesIn } from './statement-budget.ts'

/** What a local user wants done in a contract, before it is signed. */
export interface Intent {
  readonly request: Request
  /** The opened seals that it names; all those of values. */
  readonly payloads: Payloads
  /** How long a tentative request waits for everybody's answer. Left out: as long as it takes. */
  readonly timeoutMs?: number
  /** How long whoever asks waits for this party's own signature alone: without it the request never comes to be. */
  readonly signedWithinMs?: number
  /**
   * Is requested again when the lock that made it void has ended; a request for the lock itself with growing pauses. Left out:
   * whoever asks is told at once that another party has the lock.
   */
  readonly retry?: true
}

/** For whom something waits. */
export interface HeldUp {
  readonly waitingFor: readonly Handle[]
  /** What those say about themselves; who is not here says no more than that it has not answered. */
  readonly why?: { readonly [handle: Handle]: HoldUp }
}

/** `holdUpOf`: what is known of a party. */
export function heldUpBy(waitingFor: readonly Handle[], holdUpOf: (handle: Handle) => HoldUp | undefined): HeldUp {
  const known = waitingFor.flatMap((handle) => {
    const why = holdUpOf(handle)
    return why === undefined ? [] : [[handle, why] as const]
  })
  return known.length === 0 ? { waitingFor } : { waitingFor, why: Object.fromEntries(known) }
}

/** A candidate that parties are asked to vote on. */
export interface AskedVotes {
  readonly field: ElementId
  readonly proposal: ProposalId
}

/** What a local user is told, once, and never otherwise. */
export type SubmissionResult =
  /** Final everywhere: every member has signed for it. */
  | {
      readonly kind: 'settled'
      readonly request: RequestRef
      readonly index: LedgerIndex
      readonly outcome: Outcome
      /** Values of it that are no more than candidates, since rules ask for votes on them. Left out: there are none. */
      readonly asked?: readonly AskedVotes[]
    }
  /** Not agreed, and never will be: it was withdrawn in time, or, if it has no place, never signed at all. */
  | ({ readonly kind: 'timed out'; readonly request?: RequestRef } & HeldUp)
  /** Confirmed, but not everybody had signed for it when the time ran out: it will settle with the outcome it has. */
  | ({ readonly kind: 'pending'; readonly request: RequestRef } & HeldUp)
  /** Taken back by its user before it was confirmed: not agreed, and never will be. `seq`: of the statement that says so; `about`: seal of what the user says. */
  | { readonly kind: 'withdrawn'; readonly request: RequestRef; readonly seq: Seq; readonly about?: Hash }
  /** The author's own resignation came first, or the contract ended: the request does not exist. */
  | { readonly kind: 'dropped' }

type Phase =
  | { readonly kind: 'queued' }
  | { readonly kind: 'signed'; readonly request: RequestRef }
  | { readonly kind: 'confirmed'; readonly request: RequestRef }
  /** Void because of a lock; it is requested anew when that ends. */
  | { readonly kind: 'locked out'; readonly verdict: SubmissionResult }
  | { readonly kind: 'done' }

/** One intent on its way. `signed` resolves when the request is durable, `verdict` when its fate is. */
export class Submission {
  readonly intent: Intent
  /** What it adds to a statement, and to its line. */
  readonly requestBytes: number
  readonly valueBytes: number
  readonly signed: Promise<RequestRef>
  readonly verdict: Promise<SubmissionResult>
  phase: Phase = { kind: 'queued' }
  /** The time is up: to be withdrawn unless it has been confirmed. */
  expired = false
  /** Nobody waits for the signature any longer: it is dropped unless it has been signed. */
  isOverdue = false
  /** Others took its place in a statement for no fault of any: it goes with none of them. */
  isAlone = false
  /** How often it was void because of a lock. */
  attempts = 0
  #resolveSigned!: (request: RequestRef) => void
  #resolveVerdict!: (verdict: SubmissionResult) => void
  #reject!: (error: unknown) => void

  constructor(intent: Intent) {
    this.intent = intent
    this.requestBytes = bytesIn(intent.request)
    this.valueBytes = bytesIn(intent.payloads)
    const signed = Promise.withResolvers<RequestRef>()
    const verdict = Promise.withResolvers<SubmissionResult>()
    // Not every caller awaits both; a failure is then told through the other.
    signed.promise.catch(() => {})
    verdict.promise.catch(() => {})
    this.signed = signed.promise
    this.verdict = verdict.promise
    this.#resolveSigned = signed.resolve
    this.#resolveVerdict = verdict.resolve
    this.#reject = (error) => {
      signed.reject(error)
      verdict.reject(error)
    }
  }

  becomeSigned(request: RequestRef): void {
    this.phase = { kind: 'signed', request }
    this.#resolveSigned(request)
  }

  /** Once more: the last request came to nothing because of a lock, as `verdict` says. */
  becomeLockedOut(verdict: SubmissionResult): void {
    this.phase = { kind: 'locked out', verdict }
    this.attempts++
  }

  becomeConfirmed(request: RequestRef): void {
    this.phase = { kind: 'confirmed', request }
  }

  conclude(verdict: SubmissionResult): void {
    this.phase = { kind: 'done' }
    this.#resolveVerdict(verdict)
  }

  fail(error: unknown): void {
    this.phase = { kind: 'done' }
    this.#reject(error)
  }
}

/** What an entry puts to the vote. */
export function askedIn({ events }: LedgerEntry): AskedVotes[] {
  return events.flatMap((event): AskedVotes[] =>
    event.type === 'VotersNamed' ? [{ field: event.field, proposal: event.proposal }] : [],
  )
}

export function settledVerdict(entry: LedgerEntry): SubmissionResult {
  const { index, outcome, request } = entry
  const asked = askedIn(entry)
  return { kind: 'settled', request, index, outcome, ...(asked.length > 0 && { asked }) }
}

/** What is void because of a lock is requested anew only for who asks for that: all others are told at once. */
export function asksAgainAfter(outcome: Outcome, { retry }: Intent): boolean {
  const isLockedOut = outcome.kind === 'void' && outcome.reason.code === 'record_locked'
  return isLockedOut && retry === true
}

export function asksForLock({ commands }: Request): boolean {
  return commands.some(({ type }) => type === 'LockRecord')
}
