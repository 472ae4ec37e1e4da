import type { Held } from './held.ts'
import { contains, type Past } from './past.ts'
import { type AgreementState, emptyAgreement, withHeld } from './state.ts'

/**
 * The view of somebody who holds just this past: all that follows from it, made anew. What is signed about a ledger is a
 * function of a causal past, so with this anybody can say what it should have been. Takes as long as a load.
 * `past`: closed under covering, and held here.
 */
export function viewOf(state: AgreementState, past: Past): AgreementState {
  const everything = state.feeds.map((feed) => feed.size - 1)
  if (contains(past, everything)) return state
  const inside: Held[] = []
  for (const [handle, feed] of state.feeds) {
    const last = past.get(handle) ?? -1
    for (let seq = 0; seq <= last; seq++) {
      const held = feed.get(seq)
      if (held !== undefined) inside.push(held)
    }
  }
  inside.sort((one, other) => one.statement.clock - other.statement.clock)
  return inside.reduce((view, held) => withHeld(view, held).state, emptyAgreement(state.contract, state.ledger.engines))
}
