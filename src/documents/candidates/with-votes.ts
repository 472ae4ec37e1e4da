import { settledFrom } from '../../contracts/replica/find-settled.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { type AskedVotes, askedIn } from '../../contracts/requests/submission.ts'
import { type LedgerIndex, type RequestRef, requestKey, requestOf } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Store } from '../../store/port.ts'
import { type DryRun, noChange } from '../dry-run.ts'
import type { RequestResult } from '../request-result.ts'
import { pathOf } from '../written-rule.ts'
import { candidateAt } from './candidate-at.ts'
import { type Awaited, type CandidateFate, Fates } from './fates.ts'

/** How long a withdrawal that a strict client is told of may take to settle. Milliseconds. */
const WITHDRAWN_WITHIN_MS = 60_000

interface Voting {
  readonly live: LiveContract
  readonly store: Store
  readonly clock: Clock
  readonly newRequestId: () => string
}

interface VoteWait {
  /** Milliseconds since the epoch. */
  readonly begun: number
  /** From then on. Undefined: as long as it takes. */
  readonly timeoutMs?: number
  /** Nobody waits for more than a signature. */
  readonly signedWithinMs?: number
  readonly isDryRun?: true
  readonly isStrict?: true
  /** It was asked for before: what is withdrawn for a strict client may have been then. */
  readonly isAgain?: true
}

/**
 * The result of a write, with the votes that rules ask for on what it proposes, or has proposed before (`awaited`, as
 * of the ledger size `from`): these are waited for as well (decision 0125). `result`: of the request; undefined:
 * nothing new is asked for.
 */
export async function withVotes(
  result: RequestResult | undefined,
  { awaited, from }: { readonly awaited: readonly Awaited[]; readonly from: LedgerIndex },
  wait: VoteWait,
  voting: Voting,
): Promise<RequestResult> {
  const { live, store, clock } = voting
  if (wait.isDryRun && (result === undefined || result.kind === 'dry run')) return tried(result, awaited, live)
  if (result !== undefined && (result.kind !== 'settled' || result.outcome.kind !== 'accepted')) return result
  const asked = [...awaited, ...(result?.asked ?? [])]
  const [first] = asked
  if (first === undefined) return result as RequestResult
  const isOfOne = awaited.length === 0 && result?.parts === undefined
  const fates = new Fates(live, store, asked, isOfOne ? (result?.index ?? from) : from)
  await fates.settle(timeLeft(wait, clock), clock)
  const isWithdrawn = wait.isStrict && fates.open.length > 0 && (await withdrawOpen(fates, voting))
  const candidates = await fates.shown()
  const wasWithdrawn = wait.isStrict && wait.isAgain && candidates.some(({ fate }) => fate === 'withdrawn')
  return {
    kind: 'voted',
    contract: live.contract,
    request: result?.request ?? requestOf(first.proposal),
    ...(fates.agreedAt !== undefined && { index: fates.agreedAt }),
    ...(result?.createdAt && { createdAt: result.createdAt }),
    candidates,
    ...((isWithdrawn || wasWithdrawn) && { isTimedOut: true }),
  }
}

/**
 * What these requests have put to the vote, since that ledger size, is withdrawn as far as it has not come to its end: by who asked for more
 * that came to nothing. Requires that none of them has come to nothing. Returns what has become of all of it.
 */
export async function takeBack(
  made: readonly RequestRef[],
  from: LedgerIndex,
  voting: Voting,
): Promise<CandidateFate[]> {
  const fates = new Fates(voting.live, voting.store, await askedBy(made, from, voting), from)
  await fates.settle(0, voting.clock)
  if (fates.open.length > 0) await withdrawOpen(fates, voting)
  return fates.shown()
}

/** Of those that settle in time: it may be that one waits for the signatures of others. Throws ContractClosed. */
async function askedBy(made: readonly RequestRef[], from: LedgerIndex, { live, store, clock }: Voting) {
  const waiting = new Set(made.map(requestKey))
  const asked: AskedVotes[] = []
  let [next, isLate] = [from, false]
  let news = Promise.withResolvers<void>()
  const cancel = clock.after(WITHDRAWN_WITHIN_MS, () => {
    isLate = true
    news.resolve()
  })
  const unlisten = live.listen({ settled: () => news.resolve(), closed: (_contract, error) => news.reject(error) })
  try {
    for (;;) {
      const told = news.promise
      told.catch(() => {})
      for await (const entry of settledFrom(store.events, live.contract, next)) {
        next = entry.index + 1
        if (waiting.delete(requestKey(entry.request))) asked.push(...askedIn(entry))
      }
      if (isLate || waiting.size === 0) return asked
      await told
      news = Promise.withResolvers()
    }
  } finally {
    cancel()
    unlisten()
  }
}

function timeLeft({ begun, signedWithinMs, timeoutMs }: VoteWait, clock: Clock): number | undefined {
  if (signedWithinMs !== undefined) return 0
  return timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - (clock.now() - begun))
}

/** What waits for votes already goes on waiting. */
function tried(run: DryRun | undefined, awaited: readonly Awaited[], { state }: LiveContract): DryRun {
  const { agreed } = state.settling
  const waiting = awaited.map((one) => {
    return { path: pathOf(one.field, agreed), voters: candidateAt(agreed, one)?.voters ?? [] }
  })
  const { candidates, ...others } = run ?? noChange
  return { ...others, candidates: [...waiting, ...candidates] }
}

/** Whether anything was. What is agreed, or ends, before that has settled is not withdrawn, and what cannot be stays open. */
async function withdrawOpen(fates: Fates, { live, clock, newRequestId }: Voting): Promise<boolean> {
  const late = Promise.withResolvers<undefined>()
  const cancel = clock.after(WITHDRAWN_WITHIN_MS, () => late.resolve(undefined))
  const withdrawal = ({ field, proposal }: AskedVotes) => ({ type: 'WithdrawProposal' as const, field, proposal })
  let isWithdrawn = false
  try {
    for (let open = fates.open; open.length > 0; ) {
      const request = { commands: open.map(withdrawal), id: newRequestId() }
      const verdict = await Promise.race([live.submit({ request, payloads: {} }).verdict, late.promise])
      await fates.settle(0, clock)
      if (verdict?.kind === 'settled' && verdict.outcome.kind === 'accepted') isWithdrawn = true
      if (verdict === undefined || fates.open.length === open.length) break
      open = fates.open
    }
  } finally {
    cancel()
  }
  return isWithdrawn
}
