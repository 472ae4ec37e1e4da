import { feedOf, saidToHold } from '../agreement/feeds.ts'
import type { AgreementState } from '../agreement/state.ts'
import { type Handle, type RequestRef, requestKey } from '../events/ids.ts'
import { REASON_CHARACTERS_MAX } from '../events/limits.ts'
import type { Refusal, Request, Statement } from '../events/statement.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { type Policy, ruleFor } from './policy.ts'

/** No person is asked about that request, or not any more. */
export class NotAsked extends ConcordataError {}

/** A request of another party on which this node asks a person. */
export interface Question {
  readonly request: RequestRef
  readonly asked: Request
  /** When the answer is `otherwise`. Unix milliseconds. */
  readonly until: number
  readonly otherwise: 'acknowledge' | 'refuse'
  readonly reason: string
}

type Answer = { readonly refusal: string | undefined }

/** So much of a statement may be refusals: what more this node refuses is for its next one. */
const REFUSALS_SHARE = 0.5
/** Longest refusal in canonical JSON without its reason, in bytes. */
const REFUSAL_BYTES = 130

/**
 * This node's answers to the requests of others: by its policy, or by a person's word. A statement that a person is asked
 * about is left lying, with all that covers it, since its first cover is the answer.
 */
export class Answering {
  readonly #self: Handle
  readonly #policy: Policy
  readonly #clock: Clock
  readonly #changed: () => void
  readonly #questions = new Map<string, Question & { readonly cancel: () => void }>()
  readonly #answers = new Map<string, Answer>()
  #refusalBytes = 0

  /** `changed` is called when what was left lying can be taken up. */
  constructor(self: Handle, policy: Policy, clock: Clock, changed: () => void) {
    this.#self = self
    this.#policy = policy
    this.#clock = clock
    this.#changed = changed
  }

  get questions(): Question[] {
    return [...this.#questions.values()].map(({ cancel: _cancel, ...question }) => question)
  }

  /** A new turn: a new statement, with room for refusals of its own. */
  begin(): void {
    this.#refusalBytes = 0
  }

  /** Whether the statement must wait: for a person, or for room in this node's next statement. */
  parks({ party, seq, requests }: Statement, state: AgreementState, maySpeak: boolean): boolean {
    if (party === this.#self || this.#policy.length === 0) return false
    const longest = longestReason(requests, state)
    let bytes = 0
    let waits = false
    for (const [index, request] of requests.entries()) {
      const answer = this.#answerTo({ handle: party, seq, index }, request)
      if (answer === undefined) waits = true
      else if (answer.refusal !== undefined) bytes += REFUSAL_BYTES + bytesOf(shortened(answer.refusal, longest))
    }
    if (waits) return true
    if (bytes === 0) return false
    const isFull = this.#refusalBytes > 0 && this.#refusalBytes + bytes > roomIn(state)
    if (!maySpeak || isFull || longest < 0) return true
    this.#refusalBytes += bytes
    return false
  }

  /** The refusals that this node's next statement gives: of requests that are held and that it has not covered yet. */
  refusals(state: AgreementState): Refusal[] {
    if (this.#policy.length === 0) return []
    const refusals: Refusal[] = []
    const past = saidToHold(state.feeds, this.#self)
    for (const [handle, feed] of state.feeds) {
      if (handle === this.#self) continue
      for (const { statement } of feedOf(state.feeds, handle).slice((past.get(handle) ?? -1) + 1, feed.size)) {
        for (const [index, request] of statement.requests.entries()) {
          const ref = { handle, index, seq: statement.seq }
          const reason = this.#answerTo(ref, request)?.refusal
          if (reason !== undefined) {
            refusals.push({ reason: shortened(reason, longestReason(statement.requests, state)), request: ref })
          }
        }
      }
    }
    return refusals
  }

  /** A person's word. Throws NotAsked. */
  decide(request: RequestRef, refusal: string | undefined): void {
    const key = requestKey(request)
    const question = this.#questions.get(key)
    if (question === undefined) {
      throw new NotAsked('not_asked', `nobody is asked about ${key}`, { request: key })
    }
    this.#conclude(key, refusal)
  }

  /** What has been answered needs no remembering. */
  forget(statements: readonly { readonly statement: Statement }[]): void {
    if (this.#answers.size === 0) return
    for (const { statement } of statements) {
      statement.requests.forEach((_, index) => {
        this.#answers.delete(requestKey({ handle: statement.party, seq: statement.seq, index }))
      })
    }
  }

  close(): void {
    for (const { cancel } of this.#questions.values()) cancel()
    this.#questions.clear()
  }

  #answerTo(ref: RequestRef, request: Request): Answer | undefined {
    const known = this.#answers.get(requestKey(ref))
    if (known !== undefined) return known
    const rule = ruleFor(this.#policy, ref.handle, request)
    if (rule === undefined || rule.answer === 'acknowledge') return { refusal: undefined }
    if (rule.answer === 'refuse') return { refusal: rule.reason }
    this.#ask(ref, request, rule.forSeconds * 1000, rule.otherwise, rule.reason)
    return undefined
  }

  #ask(ref: RequestRef, asked: Request, forMs: number, otherwise: Question['otherwise'], reason: string): void {
    const key = requestKey(ref)
    if (this.#questions.has(key)) return
    const cancel = this.#clock.after(forMs, () => this.#conclude(key, otherwise === 'refuse' ? reason : undefined))
    this.#questions.set(key, { request: ref, asked, until: this.#clock.now() + forMs, otherwise, reason, cancel })
  }

  #conclude(key: string, refusal: string | undefined): void {
    this.#questions.get(key)?.cancel()
    this.#questions.delete(key)
    this.#answers.set(key, { refusal: refusal?.slice(0, REASON_CHARACTERS_MAX) })
    this.#changed()
  }
}

function roomIn(state: AgreementState): number {
  return state.ledger.document.limits.statementBytes * REFUSALS_SHARE
}

/** So that all requests of one statement can be refused in one: bytes that are left for each reason. */
function longestReason(requests: readonly Request[], state: AgreementState): number {
  return Math.floor(roomIn(state) / requests.length) - REFUSAL_BYTES
}

function bytesOf(text: string): number {
  return Buffer.byteLength(JSON.stringify(text))
}

function shortened(reason: string, bytes: number): string {
  let text = reason
  while (text.length > 0 && bytesOf(text) > bytes) text = text.slice(0, Math.floor(text.length / 2)).toWellFormed()
  return text
}
