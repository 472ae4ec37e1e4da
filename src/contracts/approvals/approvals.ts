import { wouldReadTime } from '../../aggregates/contract/rules/rules-in-force.ts'
import { lackingFor } from '../../agreement/completing.ts'
import { beyond, newestOf, saidToHold } from '../../agreement/feeds.ts'
import { isOpen } from '../../agreement/foreseen.ts'
import { extending } from '../../agreement/history/replay.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { confidentialFor } from '../../agreement/values/lacked-values.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { covers, emptyVector, union, type VersionVector } from '../../agreement/version-vector.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { Audience } from '../../events/audience.ts'
import type { Handle, RequestRef } from '../../events/ids.ts'
import { ceilings } from '../../events/limits.ts'
import { audienceOf } from '../../events/recipients.ts'
import type { Payload, Refusal } from '../../events/statement.ts'
import type { HoldUp } from '../../gossip/message.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { withinSteps } from '../../runtime/turns.ts'
import type { PersonsRefusal } from '../commands/queued-command.ts'
import { SealedAbouts } from '../requests/sealed-abouts.ts'
import { bytesIn, roomIn } from '../requests/statement-budget.ts'
import { ClaimedTimes, isJudgedByTime } from './claimed-times.ts'
import { type Asked, byPolicy, type Finding, type Grounds } from './grounds.ts'
import { type Policy, ruleFor } from './policy.ts'
import { type Question, Questions } from './questions.ts'
import { type AwaitedContents, noContents, ValueGrounds } from './value-grounds.ts'
import { PAYLOAD_WAIT_MS, ValueWaits } from './value-waits.ts'

interface Refused extends Grounds {
  readonly request: RequestRef
  /** Whom the text is for: that of the request. */
  readonly audience?: Audience | undefined
}

/**
 * How much of a statement may be refusals: further ones are for the next statement, unless all refuse requests of one
 * statement, since those stay together.
 */
const REFUSALS_SHARE = 0.5
/** What the seal of an `about` adds to a refusal, in bytes of JSON. */
const ABOUT_BYTES = 75
/** Of what is looked at between turns; a step is a statement, or a rule's evaluation. */
const STEPS_AT_ONCE_MAX = 64

/** What this node's next statement covers of what it holds, and what of that it refuses. */
export interface Coverage {
  /** The view that the statement is made from: all that is held, or less while a person is asked or a value is missing. */
  readonly view: AgreementState
  readonly refusals: readonly Refusal[]
  /** What those have to say, by its seals. */
  readonly payloads: readonly [Hash, Payload][]
}

/**
 * Decides this node's answers to the requests of others: by policy, or by asking a person. Covering a statement
 * answers it, so while a person is asked about a request this node covers neither its statement nor what covers that.
 * The same holds while values of a request are missing: a member waits for some time, then refuses; an observer waits
 * until they arrive (decision 0017).
 */
export class Approvals {
  readonly #self: Handle
  readonly #policy: Policy
  readonly #random: Random
  readonly #changed: () => void
  readonly #questions: Questions
  readonly #values: ValueGrounds
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
  /** Counts how often views were let go: one that is in the making then is not kept either. */
  #views = 0

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
    this.#self = self
    this.#policy = policy
    this.#changed = changed
    this.#contents = contents
    this.#times = new ClaimedTimes(clock)
    this.#waits = new ValueWaits(payloadWaitMs, clock, () => this.#answersChanged())
    this.#values = new ValueGrounds(self, this.#waits, contents)
    this.#questions = new Questions(clock, () => this.#answersChanged())
    this.#random = random
  }

  /** A content is complete, or not waited for any more. */
  contentsChanged(): void {
    this.#answersChanged()
  }

  /** Whether nobody is asked, no value is waited for, and no answer is still to be said. */
  get isIdle(): boolean {
    return this.#questions.isEmpty && this.#waits.isIdle
  }

  /** Why this node leaves uncovered what it holds, should it do so. */
  get holdUp(): HoldUp | undefined {
    if (this.#questions.areOpen) return 'person'
    return this.#isAwaitingValues ? 'payload' : undefined
  }

  /** Whether there is still time for the values of a statement, whoever made it. */
  awaitsValuesOf(held: VerifiedStatement): boolean {
    return this.#waits.isWaitingFor(held)
  }

  get questions(): Question[] {
    return this.#questions.open
  }

  /**
   * Looks at all statements that are held and not covered yet, and asks what is to be asked. `revoked`: the party
   * whose key is being revoked, if this node owes its `hold` on that. A `hold` speaks of everything that is held of
   * the feed: so nobody is asked about what holds it back, and no values are waited for. In steps.
   */
  *covering(state: AgreementState, revoked?: Handle): Generator<void, Coverage> {
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
    const [answers, views] = [this.#answered, this.#views]
    const coverage = yield* this.#cover(state, revoked === undefined ? emptyVector : vectorOf(state, revoked))
    if (views !== this.#views) return coverage
    this.#view = coverage.view
    this.#last = { state, revoked, answers, coverage }
    return coverage
  }

  /** The same, if it is found soon; undefined: it is for a turn of the contract, which can let others have theirs. */
  coverage(state: AgreementState, revoked?: Handle): Coverage | undefined {
    return withinSteps(this.covering(state, revoked), STEPS_AT_ONCE_MAX)
  }

  /** `unasked`: what nobody is asked about. */
  *#cover(state: AgreementState, unasked: VersionVector): Generator<void, Coverage> {
    this.#questions.dropDead(state)
    this.#isAwaitingValues = false
    const refusals: Refusal[] = []
    const abouts = new SealedAbouts(this.#random)
    const left: VerifiedStatement[] = []
    let past = saidToHold(state.feeds, this.#self)
    const share = roomIn(state) * REFUSALS_SHARE
    let room = share
    for (const held of beyond(state.feeds, past)) {
      const found = yield* this.#refusalsOf(held, state, unasked)
      yield
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
    const view = left.length === 0 ? state : yield* extending(this.#view, state, past)
    return { view, refusals, payloads: abouts.payloads }
  }

  /** Undefined: a person is asked about one of its requests, or values of it are waited for. */
  *#refusalsOf(
    held: VerifiedStatement,
    state: AgreementState,
    unasked: VersionVector,
  ): Generator<void, Refused[] | undefined> {
    const { party, seq, requests } = held.statement
    if (party === this.#self) return []
    const refusals: Refused[] = []
    const mayWait = !covers(unasked, party, seq)
    let isWaiting = false
    for (const [index, request] of requests.entries()) {
      const ref = { handle: party, index, seq }
      const found = yield* this.#find({ ref, request, held, state, mayWait })
      if (found === 'waits') isWaiting = true
      else if (found !== undefined) {
        const { about } = found
        const audience = about && audienceOf(request, (handle) => state.ledger.cards.has(handle))
        refusals.push({ ...found, request: ref, audience })
      }
    }
    return isWaiting ? undefined : refusals
  }

  /** Throws NotAsked. */
  assertAsked(request: RequestRef): void {
    this.#questions.assertAsked(request)
  }

  /** The decision of a person, which may arrive before this process asks: another process asked. Throws RequestUnfit, NotCanonicalizable. */
  decide(request: RequestRef, refusal: PersonsRefusal | undefined): void {
    this.#questions.decide(request, refusal)
  }

  /** What a statement of this party has answered, of whichever process. */
  forget(state: AgreementState): void {
    const past = saidToHold(state.feeds, this.#self)
    this.#questions.forget(({ handle, seq }) => covers(past, handle, seq))
  }

  /** Keeps no view in memory beside the contract's own. */
  forgetView(): void {
    this.#view = undefined
    this.#last = undefined
    this.#views++
  }

  close(): void {
    this.#waits.close()
    this.#questions.close()
  }

  /** What is found first is what the others are told. */
  *#find(asked: Asked): Generator<void, Finding> {
    const { ref, request, state } = asked
    if (state.ledger.engines.missingFor(request.commands) !== undefined) return { code: 'engine_unknown' }
    const answer = this.#questions.answerTo(ref)
    if (answer?.refusal !== undefined) return answer.refusal
    const rule = answer === undefined ? ruleFor(this.#policy, ref.handle, request) : undefined
    if (rule?.answer === 'refuse') return byPolicy(rule.reason)
    if (answer === undefined && this.#isTimeOff(asked)) return { code: 'time_off' }
    const found = yield* this.#values.find(asked)
    if (found === 'waits') this.#isAwaitingValues = true
    return found ?? (rule?.answer === 'ask' ? this.#questions.find(asked, rule) : undefined)
  }

  #isTimeOff({ ref, request, held, state }: Asked): boolean {
    return isOpen(ref, state) && isJudgedByTime(state, request) && this.#times.isOff(held)
  }

  #answersChanged(): void {
    this.#answered++
    this.#changed()
  }
}

/** All that is held of a feed, and what it covers. */
function vectorOf({ feeds }: AgreementState, party: Handle): VersionVector {
  return newestOf(feeds, party)?.past ?? emptyVector
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

/** What they take of a statement. */
export function refusalBytes(refusals: readonly Refusal[]): number {
  return refusals.reduce((sum, refusal) => sum + bytesIn(refusal), 0)
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
