import { withHistory } from '../../agreement/history/looking-back.ts'
import { voidAnyway } from '../../agreement/trials/void-anyway.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import type { Uid } from '../../events/ids.ts'
import type { VoidReason } from '../../events/outcome.ts'
import { inTurns } from '../../runtime/turns.ts'
import type { Tried } from '../dry-run.ts'
import { type RefusingRule, type RefusingRulePorts, refusingRule } from '../refusing-rule.ts'
import { type VoidDetails, voidDetails } from './void-details.ts'

/** A request that would have been void: it is not signed, and nobody else hears of it. */
export interface RefusedHere {
  readonly kind: 'refused here'
  readonly contract: Uid
  readonly reason: VoidReason
  readonly details: VoidDetails
  /** By which it would be void. */
  readonly rule?: RefusingRule
}

/**
 * Why a request is refused before it is signed; undefined: it may be accepted, or the caller is content to wait for
 * the lock (`waitsForLock`). Judged by the code that decides, so nothing is refused here that the other members would
 * accept (design §10).
 */
export async function refusedHere(
  tried: Tried,
  live: LiveContract,
  ports: RefusingRulePorts,
  waitsForLock: boolean,
): Promise<RefusedHere | undefined> {
  const { contract, self } = live
  const reason = await withHistory(live, (state) =>
    inTurns(voidAnyway(tried, state, self, live.queued, tried.time), ports.turns),
  )
  if (reason === undefined || (waitsForLock && reason.code === 'record_locked')) return undefined
  return { kind: 'refused here', contract, reason, ...(await explained(reason, tried, live, ports)) }
}

/** Why a request is, or would be, void, as the people of its author read it. */
export async function explained(
  reason: VoidReason,
  { time, ...tried }: Omit<Tried, 'time'> & { readonly time: string | undefined },
  live: LiveContract,
  ports: RefusingRulePorts,
): Promise<Pick<RefusedHere, 'details' | 'rule'>> {
  const asked = { ...tried, author: live.self, time }
  const outcome = { kind: 'void' as const, reason }
  const rule = await withHistory(live, (state) => refusingRule(outcome, asked, state, ports))
  const details = voidDetails(reason, tried.commands, live.state.settling.agreed)
  return { details, ...(rule && { rule }) }
}
