import type { Engines } from '../aggregates/contract/engines.ts'
import { isErased } from '../aggregates/contract/erased-values.ts'
import { type ContractState, type Member, membersOf } from '../aggregates/contract/state.ts'
import type { Hash } from '../crypto/hash.ts'
import type { ContractEvent } from '../events/contract-events.ts'
import { type LedgerIndex, type RequestRef, requestKey } from '../events/ids.ts'
import { answersHash, encodeEntry, type LedgerEntry } from '../events/ledger-entry.ts'
import type { Outcome } from '../events/outcome.ts'
import type { Decision, Payload, Request } from '../events/statement.ts'
import { leafHash } from '../merkle/hashing.ts'
import { assert } from '../runtime/assert.ts'
import { type Feeds, feedOf, firstCovering, saidToHold } from './feeds.ts'
import type { Acknowledged, Decided, Lacking, Ledger } from './ledger.ts'
import { refusalsOf } from './refusals.ts'
import { requestTime } from './request-time.ts'
import { computedFromIn, withEntryIn } from './values/computed-lineage.ts'
import { withComputed } from './values/computed-values.ts'
import { type Determined, knownFate } from './values/known-entries.ts'
import { lackedIn } from './values/lacked-values.ts'
import { openIn } from './values/opened-values.ts'
import { withoutErasedIn, withTaken } from './values/taken-without.ts'
import type { VerifiedStatement } from './verified-statement.ts'
import { covers, emptyVector, type VersionVector, withStatement } from './version-vector.ts'

/** A ledger, and what has been appended to it, oldest first. */
interface Advanced {
  readonly ledger: Ledger
  readonly acknowledged: Acknowledged[]
}

/**
 * Appends every request whose place and outcome these feeds determine. The new entries, oldest first. In steps: an entry each, and as
 * many as the rules take that judge it. Throws EngineUnknown where the ledger goes on in an engine that it does not have.
 */
export function* acknowledging(ledger: Ledger, feeds: Feeds): Generator<void, Advanced> {
  const acknowledged: Acknowledged[] = []
  let current = ledger
  let answered: Answered | undefined
  for (;;) {
    // The requests of one statement have the same answers, unless one of them changes who is a member.
    if (
      answered === undefined ||
      answered.held !== current.open[0] ||
      answered.members !== membersOf(current.document)
    ) {
      answered = answersToNext(current, feeds)
    }
    const step = answered && (yield* acknowledgeNext(current, answered, feeds))
    if (step === undefined) return { ledger: current, acknowledged }
    if ('lacking' in step) return { ledger: { ...current, lacking: step.lacking }, acknowledged }
    acknowledged.push(step.acknowledged)
    current = step.ledger
    yield
  }
}

/** The next statement with requests, and how everybody has answered it. */
interface Answered {
  readonly held: VerifiedStatement
  readonly members: readonly Member[]
  /** Of the other members, in the order of their admission. */
  readonly answers: readonly VerifiedStatement[]
  /** For the requests of it that nobody had to decide. */
  readonly hash: Hash
  /** When its requests were made. */
  readonly time: string
  /** Which of its requests these were first asked for, and what of the feeds it takes to know the fate of that one. */
  readonly first: number
  readonly need: VersionVector
}

function answersToNext(ledger: Ledger, feeds: Feeds): Answered | undefined {
  const [held] = ledger.open
  const members = membersOf(ledger.document)
  if (held === undefined || !hasAllAnswers(held, members, feeds)) return undefined
  const answers = answersTo(held, members, feeds)
  return {
    held,
    members,
    answers,
    hash: hashOfAnswers(answers, undefined),
    time: requestTime(held, answers),
    first: ledger.next,
    need: needOf(ledger.need, held, answers),
  }
}

/** The next entry, or undefined while the author of a tentative request has not decided (design §4), or what its fate takes is not held. */
function* acknowledgeNext(
  ledger: Ledger,
  answered: Answered,
  feeds: Feeds,
): Generator<void, { ledger: Ledger; acknowledged: Acknowledged } | { lacking: Lacking } | undefined> {
  const { held, members, answers, hash, time } = answered
  const { party, seq, requests } = held.statement
  const request = requests[ledger.next] as Request
  const ref: RequestRef = { handle: party, seq, index: ledger.next }
  const decided = ledger.decisions.get(requestKey(ref))
  if (request.tentative && decided === undefined) return undefined

  // Behind the first of them the ledger needs the answers already.
  const answeredNeed = ledger.next === answered.first ? answered.need : ledger.need
  const decision = decided?.held.statement
  const need = decision === undefined ? answeredNeed : withStatement(answeredNeed, decision.party, decision.seq)
  const index: LedgerIndex = ledger.log.size
  const determined: Determined = {
    answers: decided === undefined ? hash : hashOfAnswers(answers, decided),
    author: party,
    index,
    request: { handle: party, index: ref.index, seq },
    statement: held.core,
  }
  const judged = yield* fateOf(request, ref, answered, decided, ledger, feeds)
  const fate = 'missing' in judged ? takenFate(ledger, determined, judged.missing, request) : judged
  if (fate === undefined) return { lacking: { request: ref, index, need, seals: (judged as Missing).missing } }
  const { outcome, events, document, computed } = fate
  const resigned = events.some((event) => event.type === 'PartyResigned')
  const isLast = ledger.next === requests.length - 1 || resigned
  // Members in canonical order, here and in the events: then writing them costs least.
  const entry: LedgerEntry = {
    answers: determined.answers,
    author: party,
    events,
    index,
    outcome,
    ...(isLast ? { record: ledger.engines.recordHash(document) } : {}),
    request: determined.request,
    statement: determined.statement,
    ...(isTimed(ledger.engines, ledger.document, document) && { time }),
  }
  const text = encodeEntry(entry)
  const next: Ledger = {
    engines: ledger.engines,
    log: ledger.log.append(leafHash(text)),
    document,
    open: resigned
      ? ledger.open.filter((other) => other.statement.party !== party)
      : isLast
        ? ledger.open.slice(1)
        : ledger.open,
    next: isLast ? 0 : ledger.next + 1,
    decisions: decided === undefined ? ledger.decisions : ledger.decisions.delete(requestKey(ref)),
    need,
    lacking: undefined,
    lackingAhead: undefined,
    computed: withComputed(ledger.computed, computed, events, document),
    computedFrom: ledger.computedFrom,
    lineage: withEntryIn(ledger.lineage, entry, ledger.document),
    known: fate === judged ? ledger.known.delete(index) : ledger.known,
    takenUntil: fate === judged ? ledger.takenUntil : index + 1,
    takenWithout: withoutErasedIn(
      fate === judged ? ledger.takenWithout : withTaken(ledger, ref, lackedIn(held, request)),
      ledger.document,
      document,
    ),
    ...withNewParties(ledger, events, need),
  }
  return { ledger: next, acknowledged: { entry, text, members, document, computed } }
}

function isTimed(engines: Engines, before: ContractState, after: ContractState): boolean {
  return engines.readsTime(before) || (after !== before && engines.readsTime(after))
}

function hasAllAnswers(held: VerifiedStatement, members: readonly Member[], feeds: Feeds): boolean {
  const { party, seq } = held.statement
  return members.every(({ card }) => card.handle === party || covers(saidToHold(feeds, card.handle), party, seq))
}

/** The answers of the other members, in the order of their admission. Requires that all have answered. */
function answersTo(held: VerifiedStatement, members: readonly Member[], feeds: Feeds): VerifiedStatement[] {
  const { party, seq } = held.statement
  return members
    .filter(({ card }) => card.handle !== party)
    .map(({ card }) => {
      const answer = firstCovering(feedOf(feeds, card.handle), party, seq)
      assert(answer !== undefined, 'every member has answered')
      return answer
    })
}

function hashOfAnswers(answers: readonly VerifiedStatement[], decided: Decided | undefined): Hash {
  return answersHash({
    answered: answers.map(({ statement, core }) => ({ handle: statement.party, statement: core })),
    decided: decided?.held.core ?? null,
  })
}

interface Fate {
  readonly outcome: Outcome
  readonly events: readonly ContractEvent[]
  readonly document: ContractState
  readonly computed: ReadonlyMap<Hash, Payload>
}

/** It takes values that are not held. */
interface Missing {
  readonly missing: ReadonlySet<Hash>
}

const nothingComputed: ReadonlyMap<Hash, Payload> = new Map()

/** As whoever had the values has judged it. */
function takenFate(
  { document, engines, known }: Ledger,
  determined: Determined,
  missing: ReadonlySet<Hash>,
  { commands }: Request,
): Fate | undefined {
  const entry = known.get(determined.index)
  if (entry?.erased !== undefined && !missing.isSubsetOf(entry.erased)) return undefined
  return entry && knownFate(entry, determined, document, engines, commands)
}

/**
 * The four outcomes, in order of precedence (design §4). Whoever lacked one when it answered has refused, so what everybody has acknowledged every member held.
 */
function* fateOf(
  request: Request,
  ref: RequestRef,
  { held, answers, time }: Answered,
  decided: Decided | undefined,
  ledger: Ledger,
  feeds: Feeds,
): Generator<void, Fate | Missing> {
  const without = (outcome: Outcome): Fate => {
    return { outcome, events: [], document: ledger.document, computed: nothingComputed }
  }
  if (decided?.decision.decision === 'withdrawn') {
    const { code, about } = decided.decision
    const { seq } = decided.held.statement
    return without({ ...(about === undefined ? {} : { about }), code, kind: 'withdrawn', seq })
  }
  const by = refusalsOf(request, ref, answers, ledger.document)
  if (by.length > 0) return without({ by, kind: 'refused' })
  const lacked = lackedIn(held, request).filter((seal) => !isErased(ledger.document, seal))
  if (lacked.length > 0) return { missing: new Set(lacked) }
  const { log } = ledger
  const verdict = yield* ledger.engines.deciding(request.commands, ledger.document, {
    index: log.size,
    author: ref.handle,
    ...(request.changeSet && { changeSet: request.about === undefined ? {} : { about: request.about } }),
    request: ref,
    contract: held.statement.contract,
    time,
    reveal: (seal) => held.payloads[seal],
    open: openIn(ledger, feeds),
    computedFrom: computedFromIn(ledger.lineage, ledger.document, ledger.engines),
    rootAt: (size) => (size <= log.size ? log.rootAt(size) : undefined),
  })
  if (verdict.kind === 'void') return without({ kind: 'void', reason: verdict.reason })
  if (verdict.kind === 'lacking') return { missing: verdict.seals }
  const { computed, events, state } = verdict
  return { outcome: { kind: 'accepted' }, events, document: state, computed }
}

/**
 * Whether its author has withdrawn a request, or a member refused it, so that it takes no values; also where it is in the ledger
 * by now. Requires that all have answered its statement.
 */
export function isTurnedDown(ledger: Ledger, feeds: Feeds, held: VerifiedStatement, index: number): boolean {
  const { party, seq, requests } = held.statement
  const request = requests[index] as Request
  const ref: RequestRef = { handle: party, seq, index }
  const answers = answersTo(held, membersOf(ledger.document), feeds)
  if (refusalsOf(request, ref, answers, ledger.document).length > 0) return true
  if (request.tentative !== true) return false
  const key = requestKey(ref)
  const isWithdrawal = ({ decision, request: of }: Decision) => decision === 'withdrawn' && requestKey(of) === key
  return feedOf(feeds, party).find(({ statement }) => statement.decided.some(isWithdrawal)) !== undefined
}

function needOf(before: VersionVector, held: VerifiedStatement, answers: readonly VerifiedStatement[]): VersionVector {
  let need = withStatement(before, held.statement.party, held.statement.seq)
  for (const { statement } of answers) need = withStatement(need, statement.party, statement.seq)
  return need
}

function withNewParties(
  ledger: Ledger,
  events: readonly ContractEvent[],
  need: VersionVector,
): Pick<Ledger, 'invited' | 'admitted' | 'cards'> {
  let { invited, admitted, cards } = ledger
  for (const event of events) {
    if (event.type === 'ContractOpened') {
      invited = invited.set(event.founder.handle, emptyVector)
      admitted = admitted.set(event.founder.handle, emptyVector)
      cards = cards.set(event.founder.handle, event.founder)
    }
    if (event.type === 'PartyInvited') {
      invited = invited.set(event.party.handle, need)
      cards = cards.set(event.party.handle, event.party)
    }
    if (event.type === 'PartyAdmitted') admitted = admitted.set(event.handle, need)
  }
  return { invited, admitted, cards }
}
