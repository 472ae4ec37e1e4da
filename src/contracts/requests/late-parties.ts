import { formerOf } from '../../aggregates/contract/state.ts'
import { waitingForAnswers } from '../../agreement/confirmable.ts'
import { saidToHold } from '../../agreement/feeds.ts'
import type { HeldState } from '../../agreement/state.ts'
import type { Handle, RequestRef } from '../../events/ids.ts'

function othersIn(state: HeldState, self: Handle): Handle[] {
  return [...state.ledger.admitted.keys()].filter(
    (handle) => handle !== self && formerOf(state.ledger.document, handle) === undefined,
  )
}

/** Who has not answered, or, if all have, who has not said that it holds what decides the request. */
export function lateFor(state: HeldState, request: RequestRef): Handle[] {
  const unanswered = waitingForAnswers(state, request)
  if (unanswered.length > 0) return unanswered
  const own = saidToHold(state.feeds, request.handle).get(request.handle) ?? 0
  return othersIn(state, request.handle).filter(
    (handle) => (saidToHold(state.feeds, handle).get(request.handle) ?? -1) < own,
  )
}
