import { wouldReadTime } from '../../aggregates/contract/rules/rules-in-force.ts'
import { memberOf, membersOf } from '../../aggregates/contract/state.ts'
import { lackingFor } from '../../agreement/completing.ts'
import { beyond, feedOf, firstCovering, newestOf, saidToHold } from '../../agreement/feeds.ts'
import { hasUnfitValue } from '../../agreement/foreseen.ts'
import { extendedTo } from '../../agreement/history/replay.ts'
import { placeAmong, resigningIn } from '../../agreement/open-statements.ts'
import { isVoteToBreakLock, refusalIn } from '../../agreement/refusals.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { confidentialFor, confidentialLackedFor, lackedIn } from '../../agreement/values/lacked-values.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { covers, emptyVector, union, type VersionVector } from '../../agreement/version-vector.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { About } from '../../events/about.ts'
import type { Audience } from '../../events/audience.ts'
import { type Handle, type RequestRef, requestKey, requestOf } from '../../events/ids.ts'
import { ceilings } from '../../events/limits.ts'
import type { RefusalCode } from '../../events/reasons.ts'
import { audienceOf } from '../../events/recipients.ts'
import type { Payload, Refusal, Request } from '../../events/statement.ts'
import type { HoldUp } from '../../gossip/message.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Random } from '../../runtime/random.ts'
import type { PersonsRefusal } from '../commands/queued-command.ts'
import type { Contents } from '../contents/contents.ts'
import { SealedAbouts } from '../requests/sealed-abouts.ts'
import { bytesIn, roomIn } from '../requests/statement-budget.ts'
import { assertAbout } from '../requests/validate-request.ts'
import { ClaimedTimes, isJudgedByTime } from './claimed-times.ts'
import { type Policy, ruleFor } from './policy.ts'
import { PAYLOAD_WAIT_MS, ValueWaits } from './value-waits.ts'

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

/** The contents that requests name: whether they are complete here, and waited for. */
export type AwaitedContents = Pick<Contents, 'lacksAny' | 'lackedIn' | 'isWaitingFor'>

const noContents: AwaitedContents = { lacksAny: () => false, lackedIn: () => [], isWaitingFor: () => false }

type Answer = { readonly refusal: Grounds | undefined }

/** What this node refuses a request for. */
interface Grounds {
  readonly code: RefusalCode
  readonly about?: About | undefined
}

interface Refused extends Grounds {
  readonly request: RequestRef
  /** Whom the text is for: that of the request. */
  readonly audience?: Audience | undefined
}

/**
 * So much of a statement may be refusals: what more this node refuses is for its next one. Unless they are of a single
 * statement: those stand together.
 */
const REFUSALS_SHARE = 0.5
/** What the seal of an `about` adds to a refusal, in bytes of JSON. */
const ABOUT_BYTES = 75

/** What this node's next statement covers of what it holds, and what of that it refuses. */
export interface Coverage {
  /** The view that the statement is made from: all that is held, or less while a person is asked or a value is missing. */
  readonly view: AgreementState
  readonly refusals: readonly Refusal[]
  /** What those have to say, by its seals. */
  readonly payloads: readonly [Hash, Payload][]
}

/** So many questions of one contract are open at once. */
export const QUESTIONS_MAX = 1_000

/**
 * Decides this node's answers to the requests of others: by policy, or by asking a person. Covering a statement
 * answers it, so while a person is asked about a request this node covers neither its statement nor what covers that.
 * The same holds while values of a request are missing: a member waits for some time, then refuses; an observer waits
 * until they arrive (decision 0017).
 */
export class Approvals {
  readonly #self: Handle
  readonly #policy: Policy
  readonly #clock: Clock
  readonly #random: Random
  readonly #changed: () => void
  readonly #questions = new Map<string, Question & { readonly cancel: () => void }>()
  readonly #answers = new Map<string, Answer>()
  readonly #waits: ValueWaits
  readonly #times: ClaimedTimes
  readonly #contents: AwaitedContents
  #isAwaitingValues = false
  /** The last view that a statement could be made from: the next one is made from it. */
  #view: AgreementState | undefined
  #last:
    | {
        readonly state: AgreementState
        readonly revoked: Handle | undefined
        readonly answers: number
        readonly coverage: Coverage
      }
    | undefined
  #answered = 0

  /** `changed` is called when an answer has come, or the time for it is over. */
  constructor(
    self: Handle,
    policy: Policy,
    clock: Clock,
    random: Random,
    changed: () => void,
    payloadWaitMs = PAYLOAD_WAIT_MS,
    contents = noContents,
  ) {
    this.#contents = contents
    this.#self = self
    this.#times = new ClaimedTimes(clock)
    this.#waits = new ValueWaits(payloadWaitMs, clock, () => {
      this.#answered++
      changed()
    })
    this.#policy = policy
    this.#clock = clock
    this.#random = random
    this.#changed = changed
  }

  /** A content is complete, or not waited for any more. */
  contentsChanged(): void {
    this.#answered++
    this.#changed()
  }

  /** Whether nobody is asked, no value is waited for, and no answer is still to be said. */
  get isIdle(): boolean {
    return this.#questions.size === 0 && this.#answers.size === 0 && this.#waits.isIdle
  }

  /** Why this node leaves uncovered what it holds, should it do so. */
  get holdUp(): HoldUp | undefined {
    if (this.#questions.size > 0) return 'person'
    return this.#isAwaitingValues ? 'payload' : undefined
  }

  get questions(): Question[] {
    return [...this.#questions.values()].map(({ cancel: _cancel, ...question }) => question)
  }

  /**
   * Looks at all that is held and not covered yet; asks what is to be asked. `revoked`: the party whose key is being revoked, if
   * this node owes its word on that: the word is of all that is held of its feed, so nobody is asked what keeps that back, nor are
   * values waited for.
   */
  coverage(state: AgreementState, revoked?: Handle): Coverage {
    const lacking = lackingFor(state, this.#self)
    this.#waits.lacking(lacking)
    const isOrdinary = !hasConfidential(state, this.#self) && !wouldReadTime(state.ledger.document)
    const isPlain = this.#policy.length === 0 && !asksForMissingEngine(state) && isOrdinary
    if (lacking.length === 0 && isPlain && !this.#contents.lacksAny(state)) {
      this.#isAwaitingValues = false
      this.#view = state
      return { view: state, refusals: [], payloads: [] }
    }
    const last = this.#last
    if (last?.state === state && last.revoked === revoked && last.answers === this.#answered) return last.coverage
    const coverage = this.#cover(state, revoked === undefined ? emptyVector : vectorOf(state, revoked))
    this.#last = { state, revoked, answers: this.#answered, coverage }
    return coverage
  }

  /** `unasked`: what nobody is asked about. */
  #cover(state: AgreementState, unasked: VersionVector): Coverage {
    this.#dropDead(state)
    this.#isAwaitingValues = false
    const refusals: Refusal[] = []
    const abouts = new SealedAbouts(this.#random)
    const left: VerifiedStatement[] = []
    let past = saidToHold(state.feeds, this.#self)
    const share = roomIn(state) * REFUSALS_SHARE
    let room = share
    for (const held of beyond(state.feeds, past)) {
      const found = this.#refusalsOf(held, state, unasked)
      // So that all requests of one statement can be refused in one.
      const refused = found !== undefined && bytesOf(found) > share ? found.map(withoutAbout) : found
      const bytes = bytesOf(refused ?? [])
      const count = refusals.length + (refused?.length ?? 0)
      const fits =
        (bytes <= room || (refusals.length === 0 && bytes <= roomIn(state))) && count <= ceilings.requestsPerStatement
      const follows = left.some((other) => covers(held.past, other.statement.party, other.statement.seq))
      if (refused === undefined || follows || !fits) {
        left.push(held)
        continue
      }
      room -= bytes
      for (const { request, code, about, audience } of refused)
        refusals.push({ ...abouts.member(about, audience), code, request })
      past = union(past, held.past)
    }
    const view = left.length === 0 ? state : extendedTo(this.#view, state, past)
    this.#view = view
    return { view, refusals, payloads: abouts.payloads }
  }

  /** Undefined: a person is asked about one of its requests, or values of it are waited for. */
  #refusalsOf(held: VerifiedStatement, state: AgreementState, unasked: VersionVector): Refused[] | undefined {
    const { party, seq, requests } = held.statement
    if (party === this.#self) return []
    const refusals: Refused[] = []
    const mayAsk = !covers(unasked, party, seq)
    let isAsked = false
    for (const [index, request] of requests.entries()) {
      const ref = { handle: party, index, seq }
      const answer = this.#answerTo(ref, request, held, state, mayAsk)
      if (answer === undefined) isAsked = true
      else if (answer.refusal !== undefined) {
        const { about } = answer.refusal
        const audience = about && audienceOf(request, (handle) => state.ledger.cards.has(handle))
        refusals.push({ ...answer.refusal, request: ref, audience })
      }
    }
    return isAsked ? undefined : refusals
  }

  /** Questions that have become pointless. */
  #dropDead(state: AgreementState): void {
    for (const [key, { request, asked }] of this.#questions) if (isDead(request, asked, state)) this.#drop(key)
  }

  #drop(key: string): void {
    this.#questions.get(key)?.cancel()
    this.#questions.delete(key)
  }

  /** Throws NotAsked. */
  assertAsked(request: RequestRef): void {
    const key = requestKey(request)
    if (!this.#questions.has(key)) throw new NotAsked('not_asked', `nobody is asked about ${key}`, { request: key })
  }

  /** The decision of a person, which may arrive before this process asks: another process asked. Throws RequestUnfit, NotCanonicalizable. */
  decide(request: RequestRef, refusal: PersonsRefusal | undefined): void {
    assertAbout(refusal?.about)
    this.#conclude(requestKey(request), refusal && { code: 'person', about: refusal.about })
  }

  /** What has been answered needs no remembering, nor asking: another process may have answered. */
  forget(state: AgreementState): void {
    const past = saidToHold(state.feeds, this.#self)
    const isAnswered = (key: string) => {
      const { handle, seq } = requestOf(key)
      return covers(past, handle, seq)
    }
    for (const key of this.#answers.keys()) if (isAnswered(key)) this.#answers.delete(key)
    for (const key of this.#questions.keys()) if (isAnswered(key)) this.#drop(key)
  }

  /** Keeps no view in memory beside the contract's own. */
  forgetView(): void {
    this.#view = undefined
    this.#last = undefined
  }

  close(): void {
    this.#waits.close()
    for (const { cancel } of this.#questions.values()) cancel()
    this.#questions.clear()
  }

  #answerTo(
    ref: RequestRef,
    request: Request,
    held: VerifiedStatement,
    state: AgreementState,
    mayAsk: boolean,
  ): Answer | undefined {
    if (state.ledger.engines.missingFor(request.commands) !== undefined) return { refusal: { code: 'engine_unknown' } }
    const known = this.#answers.get(requestKey(ref))
    if (known?.refusal !== undefined) return known
    const rule = ruleFor(this.#policy, ref.handle, request)
    if (known === undefined && rule?.answer === 'refuse') return { refusal: byPolicy(rule.reason) }
    if (known === undefined && isOpen(ref, state) && isJudgedByTime(state, request) && this.#times.isOff(held)) {
      return { refusal: { code: 'time_off' } }
    }
    if (lackedIn(held, request).length > 0 && isOpen(ref, state)) {
      const isMember = memberOf(state.ledger.document, this.#self) !== undefined
      const isWaiting = mayAsk && !isDead(ref, request, state) && (!isMember || this.#waits.isWaitingFor(held))
      // What has been acknowledged everybody holds: so it is refused, whatever else is known of it.
      if (!isWaiting) return { refusal: { code: 'payload_missing' } }
      this.#isAwaitingValues = true
      return undefined
    }
    if (isOpen(ref, state) && !isDead(ref, request, state)) {
      // Nothing in the ledger depends on it, so it is not waited for any longer by whoever is no member yet.
      if (confidentialLackedFor(held, request, this.#self).length > 0) {
        if (!mayAsk || !this.#waits.isWaitingFor(held)) return { refusal: { code: 'payload_missing' } }
        this.#isAwaitingValues = true
        return undefined
      }
      if (hasUnfitValue(state, held, ref.index, this.#self)) return { refusal: { code: 'value_unfit' } }
      const contents = this.#contents.lackedIn(held, request)
      if (contents.length > 0) {
        const isMember = memberOf(state.ledger.document, this.#self) !== undefined
        // Of what nobody brings the members refuse what names it, so whoever is none of them is not kept for ever.
        const isWaiting = contents.every((content) => this.#contents.isWaitingFor(content)) || !isMember
        if (!mayAsk || !isWaiting) return { refusal: { code: 'payload_missing' } }
        this.#isAwaitingValues = true
        return undefined
      }
    }
    if (known !== undefined) return known
    if (rule === undefined || rule.answer !== 'ask') return { refusal: undefined }
    // Nothing comes of it any more, so nobody is asked, and it holds nothing up. What shows that is only held: a refusal stays
    // right where that comes to be replaced by another branch, or is left out of a continuation.
    if (isDead(ref, request, state)) return { refusal: { code: 'policy' } }
    if (!mayAsk) {
      this.#drop(requestKey(ref))
      return { refusal: { code: 'policy' } }
    }
    this.#ask(ref, request, rule.forSeconds * 1000, rule.otherwise, rule.reason)
    return undefined
  }

  #ask(ref: RequestRef, asked: Request, forMs: number, otherwise: Question['otherwise'], reason: string): void {
    const key = requestKey(ref)
    // Whoever writes on meanwhile is asked about later: what is behind an open question waits in any case.
    if (this.#questions.has(key) || this.#questions.size >= QUESTIONS_MAX) return
    const cancel = this.#clock.after(forMs, () =>
      this.#conclude(key, otherwise === 'refuse' ? byPolicy(reason) : undefined),
    )
    this.#questions.set(key, { request: ref, asked, until: this.#clock.now() + forMs, otherwise, reason, cancel })
  }

  #conclude(key: string, refusal: Grounds | undefined): void {
    this.#drop(key)
    this.#answers.set(key, { refusal })
    this.#answered++
    this.#changed()
  }
}

/** All that is held of a feed, and what it covers. */
function vectorOf({ feeds }: AgreementState, party: Handle): VersionVector {
  return newestOf(feeds, party)?.past ?? emptyVector
}

/** Whether it has no place in the ledger yet: then its fate may take its values. */
function isOpen({ handle, seq, index }: RequestRef, { ledger: { open, next } }: AgreementState): boolean {
  const place = placeAmong(open, handle, seq)
  if (place === undefined) return false
  return place > 0 || (place === 0 && index >= next)
}

/** Whether something open has confidential values for a party: then it looks at them before it answers. */
function hasConfidential({ ledger: { open } }: AgreementState, party: Handle): boolean {
  return open.some((held) => confidentialFor(held, party).length > 0)
}

/** What has not been answered by everybody is open. */
function asksForMissingEngine({ ledger: { engines, open } }: AgreementState): boolean {
  return open.some(({ statement }) =>
    statement.requests.some(({ commands }) => engines.missingFor(commands) !== undefined),
  )
}

/**
 * Whether a request can be accepted no more, as far as is held here: its author has withdrawn it, or another member, who will
 * still be one when its turn comes, has refused it.
 */
export function isDead(ref: RequestRef, request: Request, state: AgreementState): boolean {
  const { decisions, document, open } = state.ledger
  if (request.tentative === true && decisions.get(requestKey(ref))?.decision.decision === 'withdrawn') return true
  // Of BreakLock the refusal of the holder does not count (design §4).
  if (isVoteToBreakLock(request)) return false
  return membersOf(document).some(({ card: { handle } }) => {
    if (handle === ref.handle) return false
    const answer = firstCovering(feedOf(state.feeds, handle), ref.handle, ref.seq)
    const refuses = answer !== undefined && refusalIn(answer.statement, ref) !== undefined
    return refuses && !resigningIn(open).has(handle)
  })
}

/** What they take of a statement. */
export function refusalBytes(refusals: readonly Refusal[]): number {
  return refusals.reduce((sum, refusal) => sum + bytesIn(refusal), 0)
}

function byPolicy(reason: string): Grounds {
  return { code: 'policy', about: { text: reason.toWellFormed() } }
}

function withoutAbout({ request, code }: Refused): Refused {
  return { request, code }
}

/** What they come to in a statement, before their texts are sealed. */
function bytesOf(refused: readonly Refused[]): number {
  const each = ({ request, code, about, audience }: Refused) =>
    bytesIn({ ...(audience && { audience }), code, request }) + (about === undefined ? 0 : ABOUT_BYTES)
  return refused.reduce((sum, refusal) => sum + each(refusal), 0)
}
