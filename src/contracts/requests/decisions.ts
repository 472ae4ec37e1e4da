import { confirmable, takesLostValue } from '../../agreement/confirmable.ts'
import { statementAt } from '../../agreement/feeds.ts'
import type { AgreementState } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import type { About } from '../../events/about.ts'
import type { Audience } from '../../events/audience.ts'
import { type Handle, type RequestRef, requestKey, requestOf } from '../../events/ids.ts'
import { ceilings } from '../../events/limits.ts'
import type { WithdrawalCode } from '../../events/reasons.ts'
import { audienceOf } from '../../events/recipients.ts'
import type { Decision } from '../../events/statement.ts'
import type { SealedAbouts } from './sealed-abouts.ts'
import { bytesIn } from './statement-budget.ts'

export interface Withdrawal {
  readonly code: WithdrawalCode
  readonly about?: About | undefined
}

/** What the next statement says of own tentative requests. `left`: the bytes that are left of its room. */
export interface Decisions {
  readonly decided: readonly Decision[]
  readonly left: number
}

/**
 * Confirms or withdraws own tentative requests, each at most once and as many as fit; the next statement decides the
 * others. A request whose value this party has lost is withdrawn if nobody gives the value back in time: those who
 * acknowledged the request may never have had it. `awaitsValues`: whether there is still time for the values of a
 * statement.
 */
export function decideOwn(
  state: AgreementState,
  self: Handle,
  room: number,
  abouts: SealedAbouts,
  whyWithdraw: (key: string, request: RequestRef) => Withdrawal | undefined,
  awaitsValues: (held: VerifiedStatement) => boolean,
): Decisions {
  const decided: Decision[] = []
  let left = room
  const fits = (decision: Decision) => {
    left -= bytesIn(decision)
    if (left < 0 || decided.length === ceilings.requestsPerStatement) return false
    decided.push(decision)
    return true
  }
  for (const [key, handle] of state.undecided) {
    if (handle !== self) continue
    const request = requestOf(key)
    const why = whyWithdraw(key, request) ?? whenLost(state, request, awaitsValues)
    if (why === undefined) continue
    const { code, about } = why
    const said = about && abouts.member(about, audienceIn(state, request))
    // What is to be withdrawn with the next statement must not be confirmed with this one.
    if (!fits({ ...said, code, decision: 'withdrawn', request })) return { decided, left: 0 }
  }
  const gone = new Set(decided.map(({ request }) => requestKey(request)))
  for (const request of confirmable(state, self, gone)) {
    if (!fits({ decision: 'confirmed', request })) return { decided, left: 0 }
  }
  return { decided, left }
}

function whenLost(
  state: AgreementState,
  request: RequestRef,
  awaitsValues: (held: VerifiedStatement) => boolean,
): Withdrawal | undefined {
  const held = statementAt(state.feeds, request.handle, request.seq)
  if (held === undefined || !takesLostValue(state, held, request) || awaitsValues(held)) return undefined
  return { code: 'restarted' }
}

/** Whom it is for what is said of this party's own request. */
function audienceIn({ feeds, ledger }: AgreementState, { handle, seq, index }: RequestRef): Audience | undefined {
  const request = statementAt(feeds, handle, seq)?.statement.requests[index]
  return request && audienceOf(request, (party) => ledger.cards.has(party))
}
