import { waitingForAnswers, waitingForHeads } from '../agreement/confirm.ts'
import { statementAt } from '../agreement/feeds.ts'
import type { LiveContract } from '../contracts/live-contract.ts'
import { HANDLE_PATTERN, type Handle, type RequestRef, requestKey } from '../events/ids.ts'
import type { LedgerEntry } from '../events/ledger-entry.ts'
import type { Outcome } from '../events/outcome.ts'
import { ConcordataError } from '../runtime/errors.ts'
import type { Store } from '../store/port.ts'
import { contractStream } from '../store/streams.ts'

/** No statement that is held here carries the request. */
export class NoSuchRequest extends ConcordataError {}

/** How far a request has come, and for whom it waits. */
export interface RequestStatus {
  readonly request: string
  readonly state: 'pending' | 'acknowledged' | 'settled'
  readonly index?: number
  readonly outcome?: Outcome
  /** Members without an answer (pending) or without a head beyond it (acknowledged). */
  readonly waitingFor: readonly string[]
}

const form = new RegExp(`^(${HANDLE_PATTERN.slice(1, -1)})\\.(0|[1-9]\\d{0,15})\\.(0|[1-9]\\d{0,5})$`)

/** `key`: `<handle>.<seq>.<index>`. Throws NoSuchRequest. */
export async function requestStatus(live: LiveContract, store: Store, key: string): Promise<RequestStatus> {
  const { state } = live
  const request = parse(key)
  const held = request && statementAt(state.feeds, request.handle, request.seq)
  if (request === undefined || held?.statement.requests[request.index] === undefined) {
    throw new NoSuchRequest('no_such_request', `no request ${key} is held here`, {
      contract: live.contract,
      request: key,
    })
  }
  const unsettled = state.settling.unsettled.find(({ entry }) => requestKey(entry.request) === key)?.entry
  if (unsettled !== undefined) {
    const { index, outcome } = unsettled
    return { request: key, state: 'acknowledged', index, outcome, waitingFor: waitingForHeads(state, index) }
  }
  const settled = await findSettled(live, store, key)
  if (settled !== undefined) {
    const { index, outcome } = settled
    return { request: key, state: 'settled', index, outcome, waitingFor: [] }
  }
  return { request: key, state: 'pending', waitingFor: waitingForAnswers(state, request) }
}

function parse(key: string): RequestRef | undefined {
  const match = form.exec(key)
  if (match === null) return undefined
  return { handle: match[1] as Handle, seq: Number(match[2]), index: Number(match[3]) }
}

async function findSettled(live: LiveContract, store: Store, key: string): Promise<LedgerEntry | undefined> {
  for await (const event of store.events.read(contractStream(live.contract))) {
    const entry = JSON.parse(event.data) as LedgerEntry
    if (requestKey(entry.request) === key) return entry
  }
  return undefined
}
