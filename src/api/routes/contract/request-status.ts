import { statementAt } from '../../../agreement/feeds.ts'
import { withHistory } from '../../../agreement/history/looking-back.ts'
import { findSettled } from '../../../contracts/replica/find-settled.ts'
import type { LiveContract } from '../../../contracts/replica/live-contract.ts'
import { heldAbouts } from '../../../contracts/requests/held-abouts.ts'
import {
  type RequestProgress,
  type RequestStage,
  standingOfRequest,
  type WaitsFor,
} from '../../../contracts/requests/progress.ts'
import { askedIn, type HeldUp, heldUpBy } from '../../../contracts/requests/submission.ts'
import { type Hash, isHash } from '../../../crypto/hash.ts'
import { candidateAt, missingVotes } from '../../../documents/candidates/candidate-at.ts'
import { aboutRef, aboutsIn, type ShownOutcome, shownOutcome } from '../../../documents/shown-outcome.ts'
import { pathOf } from '../../../documents/written-rule.ts'
import type { ShownAbout } from '../../../events/about.ts'
import { HANDLE_PATTERN, type Handle, type ProposalId, type RequestRef, requestKey } from '../../../events/ids.ts'
import type { LedgerEntry } from '../../../events/ledger-entry.ts'
import type { Outcome } from '../../../events/outcome.ts'
import { type ShownUser, shownUser } from '../../../events/parties/user.ts'
import type { Request } from '../../../events/statement.ts'
import { ConcordataError } from '../../../runtime/errors.ts'
import { groupOf } from '../../../store/payload-group.ts'
import type { Store } from '../../../store/port.ts'

/** No statement that is held here carries the request. */
export class NoSuchRequest extends ConcordataError {}

/** How far a request has come, and for whom it waits. */
export interface RequestStatus extends HeldUp {
  readonly request: string
  readonly state: RequestStage
  readonly tier: RequestProgress['tier']
  readonly index?: number
  /** What its author has to say about it. */
  readonly about?: ShownAbout
  /** Who asked for it at its author's: only there is it held, and where somebody has been shown it. */
  readonly user?: ShownUser
  readonly outcome?: ShownOutcome
  readonly waitsFor?: WaitsFor
  /** What of it was put to the vote, with those without whose YES it still waits. */
  readonly candidates?: readonly {
    readonly at: string
    readonly proposal: ProposalId
    readonly waitsFor: readonly Handle[]
  }[]
}

const form = new RegExp(`^(${HANDLE_PATTERN.slice(1, -1)})\\.(0|[1-9]\\d{0,15})\\.(0|[1-9]\\d{0,5})$`)

/** `key`: `<handle>.<seq>.<index>`. Throws NoSuchRequest. */
export async function requestStatus(live: LiveContract, store: Store, key: string): Promise<RequestStatus> {
  const { request, about, user } = await heldRequest(live, key)
  const { state } = live
  const unsettled = state.settling.unsettled.find(({ entry }) => requestKey(entry.request) === key)?.entry
  const entry = unsettled ?? (await findSettled(store.events, live.contract, key))
  const settledAt = unsettled === undefined ? entry?.index : undefined
  const outcome = entry?.outcome ?? withdrawalOf(live, key)
  const held = await heldAbouts(store.payloads, live.contract, [
    ...aboutRef(request.handle, { seq: request.seq, ...(about === undefined ? {} : { about }) }),
    ...(outcome === undefined ? [] : aboutsIn(outcome, request.handle)),
  ])
  const said = {
    ...(about !== undefined && { about: held(about) }),
    ...(user !== undefined && { user: await userUnder(user, request, live, store) }),
  }
  if (entry === undefined && outcome !== undefined) {
    const shown = shownOutcome(outcome, held)
    return { request: key, state: 'withdrawn', tier: 0, ...said, outcome: shown, waitingFor: [] }
  }
  const standing = await withHistory(live, (state) => standingOfRequest(state, request, settledAt))
  if (standing === undefined) throw noSuchRequest(live, key)
  const { stage, tier, waitsFor } = standing
  return {
    request: key,
    state: stage,
    tier,
    ...said,
    ...(entry === undefined ? {} : { index: entry.index, outcome: shownOutcome(entry.outcome, held) }),
    ...(waitsFor === undefined ? {} : { waitsFor }),
    ...(settledAt !== undefined && entry !== undefined && candidatesOf(entry, live)),
    ...heldUp(live, request, tier < 3 ? (waitsFor?.of ?? []) : []),
  }
}

async function userUnder(seal: Hash, request: RequestRef, { contract }: LiveContract, { payloads }: Store) {
  const ref = { group: groupOf(request), seal }
  return shownUser(seal, (await payloads.get(contract, [ref])).get(seal))
}

function candidatesOf(entry: LedgerEntry, { state }: LiveContract): Pick<RequestStatus, 'candidates'> {
  const { agreed } = state.settling
  const asked = askedIn(entry).map((one) => {
    const candidate = candidateAt(agreed, one)
    return { at: pathOf(one.field, agreed), proposal: one.proposal, waitsFor: candidate ? missingVotes(candidate) : [] }
  })
  return asked.length === 0 ? {} : { candidates: asked }
}

/** As the entry will have it, which is not there yet. */
function withdrawalOf({ state }: LiveContract, key: string): Outcome | undefined {
  const decided = state.ledger.decisions.get(key)
  if (decided?.decision.decision !== 'withdrawn') return undefined
  const { request: _request, decision: kind, ...why } = decided.decision
  return { kind, seq: decided.held.statement.seq, ...why }
}

/** What comes of this party's own while it leaves something uncovered waits for this party. */
function heldUp(live: LiveContract, { handle }: RequestRef, waitingFor: readonly Handle[]): HeldUp {
  const { self } = live
  const isOurs = waitingFor.length > 0 && (handle === self || waitingFor.includes(self))
  const isHere = isOurs && live.holdUpOf(self) !== undefined
  return heldUpBy(isHere ? [self] : waitingFor, (party) => live.holdUpOf(party))
}

/** The request of that name. Throws NoSuchRequest if no statement that is held carries it. */
export async function heldRequest(
  live: LiveContract,
  key: string,
): Promise<{ request: RequestRef; about?: Hash; user?: Hash }> {
  const request = parse(key)
  const held = request && (await withHistory(live, ({ feeds }) => statementAt(feeds, request.handle, request.seq)))
  const asked = request && held?.statement.requests[request.index]
  if (request === undefined || asked === undefined) throw noSuchRequest(live, key)
  const { user } = asked
  const about = asked.about ?? aboutOfOnly(asked.commands)
  return { request, ...(about !== undefined && { about }), ...(user !== undefined && { user }) }
}

/** What is said of one command stands with it: a vote, a lock, a resignation. */
function aboutOfOnly(commands: Request['commands']): Hash | undefined {
  const [only, ...more] = commands
  return only !== undefined && more.length === 0 && 'about' in only && isHash(only.about) ? only.about : undefined
}

function noSuchRequest({ contract }: Pick<LiveContract, 'contract'>, key: string): NoSuchRequest {
  return new NoSuchRequest('no_such_request', `no request ${key} is held here`, { contract, request: key })
}

function parse(key: string): RequestRef | undefined {
  const match = form.exec(key)
  if (match === null) return undefined
  return { handle: match[1] as Handle, seq: Number(match[2]), index: Number(match[3]) }
}
