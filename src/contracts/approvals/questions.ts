import { isDead } from '../../agreement/foreseen.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { type RequestRef, requestKey, requestOf } from '../../events/ids.ts'
import type { Request } from '../../events/statement.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { PersonsRefusal } from '../commands/queued-command.ts'
import { assertAbout } from '../requests/validate-request.ts'
import { type Asked, byPolicy, type Finding, type Grounds } from './grounds.ts'
import type { PolicyRule } from './policy.ts'

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

/** How many questions of one contract may be open at once. */
export const QUESTIONS_MAX = 1_000

/** Undefined: it is acknowledged. */
type Answer = { readonly refusal: Grounds | undefined }

type AskingRule = Extract<PolicyRule, { answer: 'ask' }>

/** What a person is asked, and has answered. */
export class Questions {
  readonly #clock: Clock
  readonly #answered: () => void
  readonly #questions = new Map<string, Question & { readonly cancel: () => void }>()
  readonly #answers = new Map<string, Answer>()

  /** `answered` is called when an answer has come, or the time for it is over. */
  constructor(clock: Clock, answered: () => void) {
    this.#clock = clock
    this.#answered = answered
  }

  get isEmpty(): boolean {
    return this.#questions.size === 0 && this.#answers.size === 0
  }

  get open(): Question[] {
    return [...this.#questions.values()].map(({ cancel: _cancel, ...question }) => question)
  }

  get areOpen(): boolean {
    return this.#questions.size > 0
  }

  answerTo(request: RequestRef): Answer | undefined {
    return this.#answers.get(requestKey(request))
  }

  /** Throws NotAsked. */
  assertAsked(request: RequestRef): void {
    const key = requestKey(request)
    if (!this.#questions.has(key)) throw new NotAsked('not_asked', `nobody is asked about ${key}`, { request: key })
  }

  /** As `Approvals.decide`. */
  decide(request: RequestRef, refusal: PersonsRefusal | undefined): void {
    assertAbout(refusal?.about)
    this.#conclude(requestKey(request), refusal && { code: 'person', about: refusal.about })
  }

  /** Requires that it has no answer yet. */
  find({ ref, request, state, mayWait }: Asked, rule: AskingRule): Finding {
    // Nothing comes of it any more, so nobody is asked, and it holds nothing up. What shows that is only held: a refusal stays
    // right where that comes to be replaced by another branch, or is left out of a continuation.
    if (isDead(ref, request, state)) return { code: 'policy' }
    if (!mayWait) {
      this.#drop(requestKey(ref))
      return { code: 'policy' }
    }
    this.#ask(ref, request, rule)
    return 'waits'
  }

  /** Questions that have become pointless. */
  dropDead(state: AgreementState): void {
    for (const [key, { request, asked }] of this.#questions) if (isDead(request, asked, state)) this.#drop(key)
  }

  /** What has been answered in a statement needs no remembering, nor asking: another process may have answered. */
  forget(isAnswered: (request: RequestRef) => boolean): void {
    for (const key of this.#answers.keys()) if (isAnswered(requestOf(key))) this.#answers.delete(key)
    for (const key of this.#questions.keys()) if (isAnswered(requestOf(key))) this.#drop(key)
  }

  close(): void {
    for (const { cancel } of this.#questions.values()) cancel()
    this.#questions.clear()
  }

  #ask(ref: RequestRef, asked: Request, { forSeconds, otherwise, reason }: AskingRule): void {
    const key = requestKey(ref)
    // Whoever writes on meanwhile is asked about later: what is behind an open question waits in any case.
    if (this.#questions.has(key) || this.#questions.size >= QUESTIONS_MAX) return
    const forMs = forSeconds * 1000
    const cancel = this.#clock.after(forMs, () =>
      this.#conclude(key, otherwise === 'refuse' ? byPolicy(reason) : undefined),
    )
    this.#questions.set(key, { request: ref, asked, until: this.#clock.now() + forMs, otherwise, reason, cancel })
  }

  #drop(key: string): void {
    this.#questions.get(key)?.cancel()
    this.#questions.delete(key)
  }

  #conclude(key: string, refusal: Grounds | undefined): void {
    this.#drop(key)
    this.#answers.set(key, { refusal })
    this.#answered()
  }
}
