import { isErased } from '../aggregates/contract/erased-values.ts'
import { type Member, membersOf } from '../aggregates/contract/state.ts'
import type { Handle, RequestRef } from '../events/ids.ts'
import { requestKey } from '../events/ids.ts'
import type { Request } from '../events/statement.ts'
import { saidToHold } from './feeds.ts'
import { isDead } from './foreseen.ts'
import type { AgreementState, HeldState } from './state.ts'
import { lackedIn } from './values/lacked-values.ts'
import type { VerifiedStatement } from './verified-statement.ts'
import { covers } from './version-vector.ts'

/**
 * The party's own tentative requests that its next statement may confirm: all others have answered, and with the
 * decisions that the same statement takes each is next in order (design §4). Confirming one in its turn only means that
 * nobody ever waits behind a confirmed request for one that is not.
 *
 * Example: open are, in order, a0 (ours, tentative), b0 (plain), a1 (ours, tentative), c0 (tentative, theirs), a2.
 * With all answers here, a0 and a1 may be confirmed together; a2 waits for what c decides.
 * One that takes a value which the party has lost is not confirmed, and what is behind it waits.
 * `withdrawn`: keys of requests that the same statement withdraws.
 */
export function confirmable(
  state: AgreementState,
  party: Handle,
  withdrawn: ReadonlySet<string> = new Set(),
): RequestRef[] {
  const members = membersOf(state.ledger.document)
  const found: RequestRef[] = []
  for (const [position, held] of state.ledger.open.entries()) {
    const { party: author, seq, requests } = held.statement
    if (!othersHaveAnswered(state, held, members, party)) return found
    for (let index = position === 0 ? state.ledger.next : 0; index < requests.length; index++) {
      const ref = { handle: author, index, seq }
      const request = requests[index] as Request
      const key = requestKey(ref)
      if (request.tentative && !state.ledger.decisions.has(key) && !withdrawn.has(key)) {
        if (author !== party || takesLostValue(state, held, ref)) return found
        found.push(ref)
      }
      // Beyond a change of membership other answers may be needed: that is for the statement after.
      if (changesMembership(request)) return found
    }
  }
  return found
}

/**
 * Whether a request takes a value that is not held: once everybody has acknowledged it, and its author confirmed, the ledger stops
 * there. One that another member has refused takes none. `held`: its statement.
 */
export function takesLostValue(state: AgreementState, held: VerifiedStatement, ref: RequestRef): boolean {
  const request = held.statement.requests[ref.index] as Request
  const lacked = lackedIn(held, request).filter((seal) => !isErased(state.ledger.document, seal))
  return lacked.length > 0 && !isDead(ref, request, state)
}

/** The party's own answer counts as given: the statement that confirms gives it. */
function othersHaveAnswered(
  state: HeldState,
  held: VerifiedStatement,
  members: readonly Member[],
  party: Handle,
): boolean {
  const { party: author, seq } = held.statement
  return members.every(
    ({ card }) =>
      card.handle === author || card.handle === party || covers(saidToHold(state.feeds, card.handle), author, seq),
  )
}

function changesMembership({ commands }: Request): boolean {
  return commands.some(({ type }) => type === 'AdmitParty' || type === 'Resign')
}

/** The members that have not answered a request yet. Requires a statement that is held. */
export function waitingForAnswers(state: HeldState, ref: RequestRef): Handle[] {
  return membersOf(state.ledger.document)
    .map(({ card }) => card.handle)
    .filter((handle) => handle !== ref.handle && !covers(saidToHold(state.feeds, handle), ref.handle, ref.seq))
}

/** The members that have not signed a head beyond the entry yet. */
export function waitingForHeads(state: HeldState, index: number): Handle[] {
  const { settled, unsettled, signed } = state.settling
  const members = unsettled[index - settled]?.members ?? []
  return members.map(({ card }) => card.handle).filter((handle) => (signed.get(handle) ?? 0) <= index)
}
