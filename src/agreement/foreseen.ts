import type { ContractState } from '../aggregates/contract/state.ts'
import { memberOf, membersOf } from '../aggregates/contract/state.ts'
import { type Handle, type RequestRef, requestKey } from '../events/ids.ts'
import type { Request } from '../events/statement.ts'
import { feedOf, firstCovering } from './feeds.ts'
import { placeAmong, resigningIn } from './open-statements.ts'
import { isVoteToBreakLock, refusalIn } from './refusals.ts'
import type { AgreementState } from './state.ts'
import { computedFromIn, type Lineage, withEntryIn } from './values/computed-lineage.ts'
import { confidentialFor } from './values/lacked-values.ts'
import { openIn } from './values/opened-values.ts'
import type { VerifiedStatement } from './verified-statement.ts'

/** Whether it has no place in the ledger yet: then its fate may take its values. */
export function isOpen({ handle, seq, index }: RequestRef, { ledger: { open, next } }: AgreementState): boolean {
  const place = placeAmong(open, handle, seq)
  if (place === undefined) return false
  return place > 0 || (place === 0 && index >= next)
}

/**
 * Whether a request can be accepted no more, as far as is held here: its author has withdrawn it, or another member, who will
 * still be one when its turn comes, has refused it.
 */
export function isDead(ref: RequestRef, request: Request, state: AgreementState): boolean {
  const { decisions, document, open } = state.ledger
  if (request.tentative === true && decisions.get(requestKey(ref))?.decision.decision === 'withdrawn') return true
  // Of BreakLock the refusal of the holder does not count (design §4).
  if (isVoteToBreakLock(request)) return false
  return membersOf(document).some(({ card: { handle } }) => {
    if (handle === ref.handle) return false
    const answer = firstCovering(feedOf(state.feeds, handle), ref.handle, ref.seq)
    const refuses = answer !== undefined && refusalIn(answer.statement, ref) !== undefined
    return refuses && !resigningIn(open).has(handle)
  })
}

const unfit = new WeakMap<VerifiedStatement, ReadonlyMap<number, boolean>>()

/**
 * Whether a request has a confidential value that does not fit its field, as far as a node of its audience can tell when it answers:
 * on the document that all that is open before it would make; in steps. The ledger never judges these. Looked at once a statement.
 * Throws HistoryPruned.
 */
export function* hasUnfitValue(
  state: AgreementState,
  held: VerifiedStatement,
  index: number,
  party: Handle,
): Generator<void, boolean> {
  if (confidentialFor(held, party, [held.statement.requests[index] as Request]).length === 0) return false
  const known = unfit.get(held) ?? (yield* unfitIn(state, held))
  unfit.set(held, known)
  return known.get(index) === true
}

/** Of the requests of one open statement. */
function* unfitIn(
  { contract, feeds, ledger }: AgreementState,
  held: VerifiedStatement,
): Generator<void, ReadonlyMap<number, boolean>> {
  const found = new Map<number, boolean>()
  const open = openIn(ledger, feeds)
  let { document, lineage }: { document: ContractState; lineage: Lineage | undefined } = ledger
  let place = 0
  for (const one of ledger.open) {
    const { party, seq, requests } = one.statement
    for (const [index, request] of requests.entries()) {
      if (one === ledger.open[0] && index < ledger.next) continue
      if (memberOf(document, party) === undefined || ledger.engines.missingFor(request.commands) !== undefined) continue
      yield
      const origin = { index: ledger.log.size + place++, request: { handle: party, index, seq } }
      const verdict = yield* ledger.engines.deciding(request.commands, document, {
        ...origin,
        author: party,
        ...(request.changeSet && { changeSet: {} }),
        contract,
        open,
        reveal: (seal) => one.payloads[seal],
        computedFrom: computedFromIn(lineage, document, ledger.engines),
        rootAt: (size) => (size <= ledger.log.size ? ledger.log.rootAt(size) : undefined),
        ...(one === held && { confidential: (seal) => one.payloads[seal] }),
      })
      if (verdict.kind === 'accepted') {
        lineage = withEntryIn(lineage, { ...origin, events: verdict.events }, document)
        document = verdict.state
      }
      if (one !== held || verdict.kind !== 'void') continue
      const { code, command } = verdict.reason
      const limit = code === 'limit_exceeded' ? verdict.reason.with?.[0] : undefined
      const isOfValue = code === 'value_wrong_type' || limit === 'valueBytes' || limit === 'attachmentBytes'
      const isConfidential = 'audience' in (request.commands[command] as object)
      found.set(index, isOfValue && isConfidential)
    }
    if (one === held) return found
  }
  return found
}
