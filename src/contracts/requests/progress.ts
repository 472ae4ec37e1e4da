import type { Element } from '../../aggregates/contract/document/element.ts'
import { find, membersOf } from '../../aggregates/contract/state.ts'
import { conflictsAt, standingAt } from '../../aggregates/contract/values/standing.ts'
import { waitingForAnswers, waitingForHeads } from '../../agreement/confirmable.ts'
import { statementAt } from '../../agreement/feeds.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { type ElementId, type Handle, type LedgerIndex, type RequestRef, requestKey } from '../../events/ids.ts'
import { notedSize } from '../signing/cosigned-notes.ts'

/** What a request needs to go on, and of whom. */
export type WaitsFor =
  | { readonly what: 'answer'; readonly of: readonly Handle[] }
  /** Of its author: a tentative request that all have answered. */
  | { readonly what: 'decision'; readonly of: readonly Handle[] }
  /** Another request stands before it. */
  | { readonly what: 'order'; readonly of: readonly Handle[] }
  | { readonly what: 'head'; readonly of: readonly Handle[] }
  | { readonly what: 'note'; readonly of: readonly Handle[] }

/** How far a request that is signed is, in the words of docs/request-lifecycle.md; `withdrawn` until it is acknowledged as that. */
export const requestStages = [
  'signed',
  'answered',
  'confirmed',
  'withdrawn',
  'acknowledged',
  'settled',
  'cosigned',
] as const

export type RequestStage = (typeof requestStages)[number]

/** How far a request has come (design §2): 0 until it is acknowledged; then a tier, and what the next one waits for. */
export interface RequestProgress {
  readonly stage: Exclude<RequestStage, 'withdrawn'>
  readonly tier: 0 | 1 | 3 | 4
  readonly index?: LedgerIndex
  /** Undefined at tier 4. */
  readonly waitsFor?: WaitsFor
}

/**
 * From statements alone. `settledAt`: where the settled ledger has the request, which the caller looks up, since a view
 * does not keep settled entries. Undefined: no statement that is held carries the request, or it does not exist any more
 * because its author resigned before it.
 */
export function standingOfRequest(
  state: AgreementState,
  request: RequestRef,
  settledAt: LedgerIndex | undefined,
): RequestProgress | undefined {
  const { unsettled } = state.settling
  if (settledAt !== undefined) return standingOfEntry(state, settledAt)
  const key = requestKey(request)
  const acknowledged = unsettled.find(({ entry }) => requestKey(entry.request) === key)?.entry.index
  if (acknowledged !== undefined) return standingOfEntry(state, acknowledged)
  const held = statementAt(state.feeds, request.handle, request.seq)
  const asked = held?.statement.requests[request.index]
  if (held === undefined || asked === undefined || !state.ledger.open.includes(held)) return undefined
  const unanswered = waitingForAnswers(state, request)
  if (unanswered.length > 0) return { stage: 'signed', tier: 0, waitsFor: { what: 'answer', of: unanswered } }
  if (state.undecided.has(key))
    return { stage: 'answered', tier: 0, waitsFor: { what: 'decision', of: [request.handle] } }
  const [first] = state.ledger.open
  const of = first === undefined ? [] : [first.statement.party]
  return { stage: asked.tentative ? 'confirmed' : 'answered', tier: 0, waitsFor: { what: 'order', of } }
}

/** How far the ledger entry has come. Requires one that is acknowledged. */
export function standingOfEntry(state: AgreementState, index: LedgerIndex): RequestProgress {
  if (index >= state.settling.settled) {
    return { stage: 'acknowledged', tier: 1, index, waitsFor: { what: 'head', of: waitingForHeads(state, index) } }
  }
  const unsigned = membersOf(state.settling.agreed)
    .map(({ card }) => card.handle)
    .filter((handle) => notedSize(state, handle) <= index)
  if (unsigned.length > 0) return { stage: 'settled', tier: 3, index, waitsFor: { what: 'note', of: unsigned } }
  return { stage: 'cosigned', tier: 4, index }
}

/** How far an element has come: what stands there, and who must still say what for it to be everybody's. */
export interface ElementStanding {
  /** 0: something is under way that changes it. 2: the proposal that stands has every YES it needs. */
  readonly tier: 0 | 1 | 2 | 3 | 4
  /** Requests that made what it is, as far as they are known by the element itself. */
  readonly requests: readonly string[]
  /** A candidate is in conflict, which is for people to resolve. */
  readonly isConflict: boolean
}

/** `indexOf` finds settled requests in the ledger. Undefined: there is no such element. */
export async function standingOfElement(
  state: AgreementState,
  id: ElementId,
  indexOf: (request: string) => Promise<LedgerIndex | undefined>,
): Promise<ElementStanding | undefined> {
  const element = find(state.ledger.document, id)
  if (element === undefined) return undefined
  const requests = requestsIn(element)
  const isConflict = element.kind === 'field' && conflictsAt(element).length > 0
  let tier: ElementStanding['tier'] = 4
  for (const request of requests) {
    const unsettled = state.settling.unsettled.find(({ entry }) => requestKey(entry.request) === request)
    const index = unsettled?.entry.index ?? (await indexOf(request))
    const reached = index === undefined ? 4 : standingOfEntry(state, index).tier
    if (reached < tier) tier = reached
  }
  // An acknowledged proposal that keeps the rules counts as YES of all (design §2), unless votes are asked for; a candidate lacks that.
  const isUndecided = element.kind === 'field' && element.candidates.length > 0
  if (tier === 1 && element.kind === 'field' && !isUndecided && element.agreed !== null) tier = 2
  if (isUndecided && tier > 1) tier = 1
  return { tier, requests, isConflict }
}

function requestsIn(element: Element): string[] {
  const named = element.namedBy === null ? [] : [element.namedBy]
  const proposed = element.kind === 'field' ? standingAt(element).map(({ id }) => id.slice(0, id.lastIndexOf('.'))) : []
  return [...new Set([...named, ...proposed])]
}
