import { completed } from '../../runtime/turns.ts'
import { completingAs } from '../completing.ts'
import { beyond, statementAt } from '../feeds.ts'
import { type AgreementState, emptyAgreement, holding } from '../state.ts'
import type { VerifiedStatement } from '../verified-statement.ts'
import { contains, covers, type VersionVector } from '../version-vector.ts'

/**
 * The state of a node that holds exactly this past, computed from its statements. What is signed about a ledger is a
 * function of a causal past, so this says what a party should have signed. Takes as long as a load. `past`: closed
 * under covering, and held here.
 */
export function stateAt(state: AgreementState, past: VersionVector): AgreementState {
  return completed(replaying(state, past))
}

/** The same in steps: a statement each, and as many as the rules take that judge what it acknowledges. */
export function* replaying(state: AgreementState, past: VersionVector): Generator<void, AgreementState> {
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
  return yield* adding(emptyAgreement(state.contract, state.ledger.engines, state.ledger.known), inside)
}

/**
 * The same, extended from a smaller state: takes time in proportion to what is new (decision 0021). `before`: of no use if it has more than
 * that past.
 */
export function* extending(
  before: AgreementState | undefined,
  state: AgreementState,
  past: VersionVector,
): Generator<void, AgreementState> {
  if (before === undefined) return yield* replaying(state, past)
  const from = everythingIn(before)
  if (!contains(past, from) || !isPartOf(before, state)) return yield* replaying(state, past)
  const news = beyond(state.feeds, from).filter(({ statement }) => covers(past, statement.party, statement.seq))
  return yield* adding(yield* completingAs(before, state), news)
}

function* adding(view: AgreementState, statements: readonly VerifiedStatement[]): Generator<void, AgreementState> {
  let extended = view
  for (const held of statements) {
    extended = (yield* holding(extended, held)).state
    yield
  }
  return extended
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
