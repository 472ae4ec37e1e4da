import type { Handle, LedgerIndex, RequestRef } from '../events/ids.ts'
import type { Outcome } from '../events/outcome.ts'
import type { Payloads, Request } from '../events/statement.ts'

/** What a local user wants done in a contract, before it is signed. */
export interface Intent {
  readonly request: Request
  /** The opened seals that its commands name. */
  readonly payloads: Payloads
  /** How long a tentative request waits for everybody's answer. Left out: as long as it takes. */
  readonly timeoutMs?: number
}

/** What a local user is told, once, and never otherwise. */
export type Verdict =
  /** Final everywhere: every member has signed for it. */
  | {
      readonly kind: 'settled'
      readonly request: RequestRef
      readonly index: LedgerIndex
      readonly outcome: Outcome
    }
  /** Not agreed, and never will be: it was withdrawn in time, or never signed at all. */
  | { readonly kind: 'timed out'; readonly request?: RequestRef; readonly waitingFor: readonly Handle[] }
  /** Confirmed, but not everybody had signed for it when the time ran out: it will settle with the outcome it has. */
  | { readonly kind: 'pending'; readonly request: RequestRef; readonly waitingFor: readonly Handle[] }
  /** The author's own resignation came first, or the contract ended: the request does not exist. */
  | { readonly kind: 'dropped' }

type Phase =
  | { readonly kind: 'queued' }
  | { readonly kind: 'signed'; readonly request: RequestRef }
  | { readonly kind: 'confirmed'; readonly request: RequestRef }
  | { readonly kind: 'done' }

/** One intent on its way. `signed` resolves when the request is durable, `verdict` when its fate is. */
export class Submission {
  readonly intent: Intent
  /** What it adds to a statement, and to its line: JSON has the same members as canonical JSON, so the same size. */
  readonly requestBytes: number
  readonly valueBytes: number
  readonly signed: Promise<RequestRef>
  readonly verdict: Promise<Verdict>
  phase: Phase = { kind: 'queued' }
  /** The time is up: to be withdrawn unless it has been confirmed. */
  expired = false
  #resolveSigned!: (request: RequestRef) => void
  #resolveVerdict!: (verdict: Verdict) => void
  #reject!: (error: unknown) => void

  constructor(intent: Intent) {
    this.intent = intent
    this.requestBytes = Buffer.byteLength(JSON.stringify(intent.request)) + 1
    this.valueBytes = Buffer.byteLength(JSON.stringify(intent.payloads)) + 1
    const signed = Promise.withResolvers<RequestRef>()
    const verdict = Promise.withResolvers<Verdict>()
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

  becomeConfirmed(request: RequestRef): void {
    this.phase = { kind: 'confirmed', request }
  }

  conclude(verdict: Verdict): void {
    this.phase = { kind: 'done' }
    this.#resolveVerdict(verdict)
  }

  fail(error: unknown): void {
    this.phase = { kind: 'done' }
    this.#reject(error)
  }
}
