import { completedAs } from '../completing.ts'
import { beyond, statementAt } from '../feeds.ts'
import { type AgreementState, emptyAgreement, withHeld } from '../state.ts'
import type { VerifiedStatement } from '../verified-statement.ts'
import { contains, covers, type VersionVector } from '../version-vector.ts'

/**
 * The state of a node that holds exactly this past, computed from its statements. What is signed about a ledger is a
 * function of a causal past, so this says what a party should have signed. Takes as long as a load. `past`: closed
 * under covering, and held here.
 */
export function stateAt(state: AgreementState, past: VersionVector): AgreementState {
  if (contains(past, everythingIn(state))) return state
  const inside: VerifiedStatement[] = []
  for (const [handle, feed] of state.feeds) {
    const last = past.get(handle) ?? -1
    for (let seq = 0; seq <= last; seq++) {
      const held = feed.get(seq)
      if (held !== undefined) inside.push(held)
    }
  }
  inside.sort((one, other) => one.statement.clock - other.statement.clock)
  return inside.reduce(
    (view, held) => withHeld(view, held).state,
    emptyAgreement(state.contract, state.ledger.engines, state.ledger.known),
  )
}

/**
 * The same, extended from a smaller state: takes time in proportion to what is new. `before`: of no use if it has more than
 * that past.
 */
export function extendedTo(
  before: AgreementState | undefined,
  state: AgreementState,
  past: VersionVector,
): AgreementState {
  if (before === undefined) return stateAt(state, past)
  const from = everythingIn(before)
  if (!contains(past, from) || !isPartOf(before, state)) return stateAt(state, past)
  const news = beyond(state.feeds, from).filter(({ statement }) => covers(past, statement.party, statement.seq))
  return news.reduce((view, held) => withHeld(view, held).state, completedAs(before, state))
}

/** Whether no feed has another branch. Requires that what `before` holds is not longer. */
function isPartOf(before: AgreementState, { feeds }: AgreementState): boolean {
  return before.feeds.every((feed, handle) => {
    const newest = feed.last()
    return newest === undefined || statementAt(feeds, handle, newest.statement.seq)?.hash === newest.hash
  })
}

function everythingIn({ feeds }: AgreementState): VersionVector {
  return feeds.map((feed) => feed.size - 1)
}
