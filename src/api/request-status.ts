import { statementAt } from '../agreement/feeds.ts'
import { findSettled } from '../contracts/find-settled.ts'
import type { LiveContract } from '../contracts/live-contract.ts'
import type { HeldUp } from '../contracts/submission.ts'
import { standingOfRequest, type WaitsFor } from '../contracts/tiers.ts'
import { HANDLE_PATTERN, type Handle, type RequestRef, requestKey } from '../events/ids.ts'
import type { Outcome } from '../events/outcome.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { withHistory } from '../runtime/forgotten.ts'
import type { Store } from '../store/port.ts'

/** No statement that is held here carries the request. */
export class NoSuchRequest extends ConcordataError {}

/** How far a request has come, and for whom it waits. */
export interface RequestStatus extends HeldUp {
  readonly request: string
  readonly state: 'pending' | 'withdrawn' | 'acknowledged' | 'settled'
  readonly tier: number
  readonly index?: number
  readonly outcome?: Outcome
  readonly waitsFor?: WaitsFor
}

const form = new RegExp(`^(${HANDLE_PATTERN.slice(1, -1)})\\.(0|[1-9]\\d{0,15})\\.(0|[1-9]\\d{0,5})$`)

/** `key`: `<handle>.<seq>.<index>`. Throws NoSuchRequest. */
export async function requestStatus(live: LiveContract, store: Store, key: string): Promise<RequestStatus> {
  const { request } = await heldRequest(live, key)
  const { state } = live
  const unsettled = state.settling.unsettled.find(({ entry }) => requestKey(entry.request) === key)?.entry
  const entry = unsettled ?? (await findSettled(store.events, live.contract, key))
  const settledAt = unsettled === undefined ? entry?.index : undefined
  const withdrawn = entry === undefined ? live.state.ledger.decisions.get(key)?.decision : undefined
  if (withdrawn?.decision === 'withdrawn') {
    const { request: _request, decision: kind, ...why } = withdrawn
    return { request: key, state: 'withdrawn', tier: 0, outcome: { kind, ...why }, waitingFor: [] }
  }
  const standing = await withHistory(live, () => standingOfRequest(live.state, request, settledAt))
  if (standing === undefined) throw noSuchRequest(live, key)
  const { tier, waitsFor } = standing
  return {
    request: key,
    state: tier === 0 ? 'pending' : tier === 1 ? 'acknowledged' : 'settled',
    tier,
    ...(entry === undefined ? {} : { index: entry.index, outcome: entry.outcome }),
    ...(waitsFor === undefined ? {} : { waitsFor }),
    ...heldUpBy(live, request, tier < 3 ? (waitsFor?.of ?? []) : []),
  }
}

/** What comes of this party's own while a person is asked here waits for that person. */
function heldUpBy({ self, questions }: LiveContract, { handle }: RequestRef, waitingFor: readonly Handle[]): HeldUp {
  const isHere = waitingFor.length > 0 && (handle === self || waitingFor.includes(self)) && questions.length > 0
  return isHere ? { waitingFor: [self], why: 'person_asked' } : { waitingFor }
}

/** The request of that name. Throws NoSuchRequest if no statement that is held carries it. */
export async function heldRequest(live: LiveContract, key: string): Promise<{ request: RequestRef }> {
  const request = parse(key)
  const held = request && (await withHistory(live, () => statementAt(live.state.feeds, request.handle, request.seq)))
  if (request === undefined || held?.statement.requests[request.index] === undefined) {
    throw noSuchRequest(live, key)
  }
  return { request }
}

function noSuchRequest({ contract }: Pick<LiveContract, 'contract'>, key: string): NoSuchRequest {
  return new NoSuchRequest('no_such_request', `no request ${key} is held here`, { contract, request: key })
}

function parse(key: string): RequestRef | undefined {
  const match = form.exec(key)
  if (match === null) return undefined
  return { handle: match[1] as Handle, seq: Number(match[2]), index: Number(match[3]) }
}
