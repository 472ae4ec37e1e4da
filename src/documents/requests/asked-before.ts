import { waitingForAnswers } from '../../agreement/confirmable.ts'
import { statementAt } from '../../agreement/feeds.ts'
import { withHistory } from '../../agreement/history/looking-back.ts'
import { findSettled } from '../../contracts/replica/find-settled.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { standingOfRequest } from '../../contracts/requests/progress.ts'
import { heldUpBy, type SubmissionResult, settledVerdict } from '../../contracts/requests/submission.ts'
import { type RequestRef, requestKey } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import type { Request } from '../../events/statement.ts'
import type { Clock } from '../../runtime/clock.ts'
import { pendingResult, type RequestResult, type ResultPorts, resultFor } from '../request-result.ts'
import { createdIn } from './created.ts'

/** A request of this party that its caller had asked for before, found by the key that it was asked for under. */
export interface AskedBefore {
  readonly key: string
  /** The newest of them: after a lock the same is asked for once more. */
  readonly at: RequestRef
  readonly request: Request
}

/** Throws HistoryPruned never, and what the store throws. Undefined: nothing was signed under that key. */
export async function askedBefore(live: LiveContract, key: string): Promise<AskedBefore | undefined> {
  const at = live.requestUnder(key)
  if (at === undefined) return undefined
  const held = await withHistory(live, ({ feeds }) => statementAt(feeds, at.handle, at.seq))
  const request = held?.statement.requests[at.index]
  return request && { key, at, request }
}

interface Ports extends ResultPorts {
  readonly clock: Clock
}

/** What became of it, as whoever asked was, or would have been, answered; waits for that, within the time. */
export async function resultAgain(
  before: AskedBefore,
  live: LiveContract,
  timeoutMs: number | undefined,
  ports: Ports,
): Promise<RequestResult> {
  const fate = await fateOf(before, live, timeoutMs, ports)
  const { request } = before
  const at = placeOf(before, live)
  if (fate === undefined) return pendingAgain(at, request, live)
  const held = await withHistory(live, ({ feeds }) => statementAt(feeds, at.handle, at.seq))
  const asked = { payloads: held?.payloads ?? {}, request }
  if (!('entry' in fate)) return resultFor(fate, asked, live, ports)
  return resultFor(settledVerdict(fate.entry), asked, live, ports, createdIn(fate.entry, live))
}

type Fate = { readonly entry: LedgerEntry } | Exclude<SubmissionResult, { kind: 'settled' }>

/** Undefined: it is not known when the time is over. */
async function fateOf(
  before: AskedBefore,
  live: LiveContract,
  timeoutMs: number | undefined,
  { clock, events }: Ports,
): Promise<Fate | undefined> {
  const look = async (): Promise<Fate | undefined> => {
    const { state } = live
    const at = placeOf(before, live)
    const key = requestKey(at)
    const decided = state.ledger.decisions.get(key)
    if (decided?.decision.decision === 'withdrawn') {
      const { about, code } = decided.decision
      const { seq } = decided.held.statement
      if (code === 'user') return { kind: 'withdrawn', request: at, seq, ...(about !== undefined && { about }) }
      const unanswered = await withHistory(live, (state) => waitingForAnswers(state, at))
      return { kind: 'timed out', request: at, ...heldUpBy(unanswered, (party) => live.holdUpOf(party)) }
    }
    const standing = await withHistory(live, (state) => standingOfRequest(state, at, undefined))
    if (standing !== undefined) return undefined
    const entry = await findSettled(events, live.contract, key)
    const isOver = requestKey(placeOf(before, live)) === key && !live.requests.queue.isToBeSigned(before.request.id)
    if (isLockedOut(entry) && !isOver) return undefined
    return entry === undefined ? { kind: 'dropped' } : { entry }
  }
  const known = await look()
  if (known !== undefined || timeoutMs === 0) return known
  const found = Promise.withResolvers<Fate | undefined>()
  const tell = () => {
    look().then((fate) => fate !== undefined && found.resolve(fate), found.reject)
  }
  const stop = live.listen({ closed: (_, error) => found.reject(error), news: tell, settled: tell })
  const cancel = timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => found.resolve(undefined))
  // What has come about since the first look.
  tell()
  return found.promise.finally(() => {
    stop()
    cancel?.()
  })
}

function placeOf({ at, key }: AskedBefore, live: LiveContract): RequestRef {
  return live.requestUnder(key) ?? at
}

function isLockedOut(entry: LedgerEntry | undefined): boolean {
  return entry?.outcome.kind === 'void' && entry.outcome.reason.code === 'record_locked'
}

/** Between two requests it waits for whoever has the lock. */
async function pendingAgain(request: RequestRef, { id }: Request, live: LiveContract): Promise<RequestResult> {
  const { contract, state } = live
  const { lock } = state.settling.agreed
  if (lock === null || !live.requests.queue.isToBeSigned(id)) return pendingResult(live, request)
  return { contract, kind: 'pending', request, waitingFor: [lock.holder] }
}
