import { childrenOf, type Element } from '../../aggregates/contract/document/element.ts'
import { membersOf } from '../../aggregates/contract/state.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { settledFrom } from '../../contracts/replica/find-settled.ts'
import { type ElementStanding, standingOfElement } from '../../contracts/requests/progress.ts'
import { notedSize } from '../../contracts/signing/cosigned-notes.ts'
import { type ElementId, type LedgerIndex, requestKey, type Uid } from '../../events/ids.ts'
import type { EventStore } from '../../store/port.ts'
import { pathOf } from '../written-rule.ts'

/** How far an element has come (design §2), by its path. */
export interface ElementTier extends ElementStanding {
  readonly element: ElementId
  readonly at: string
}

export interface ElementTiers {
  /** The element, and what is below it, in the order of the document. */
  readonly tiers: readonly ElementTier[]
  /** How many of them came before and in this page: where the next one begins. Left out: this was the last. */
  readonly after?: number
}

/** Looks back. Throws ContractDamaged. */
export async function elementTiers(
  element: Element,
  contract: Uid,
  state: AgreementState,
  events: EventStore,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<ElementTiers> {
  const recent = await recentRequests(contract, state, events)
  const tiers: ElementTier[] = []
  let place = 0
  for (const one of within(element)) {
    if (place++ < after) continue
    if (tiers.length === limit) return { tiers, after: after + limit }
    // What is older has been cosigned by all.
    const standing = await standingOfElement(state, one.id, async (request) => recent.get(request))
    if (standing !== undefined) tiers.push({ element: one.id, at: pathOf(one.id, state.settling.agreed), ...standing })
  }
  return { tiers }
}

/** Those settled entries that not every member has cosigned. */
async function recentRequests(
  contract: Uid,
  state: AgreementState,
  events: EventStore,
): Promise<ReadonlyMap<string, LedgerIndex>> {
  const { agreed, settled } = state.settling
  const from = Math.min(settled, ...membersOf(agreed).map(({ card }) => notedSize(state, card.handle)))
  const recent = new Map<string, LedgerIndex>()
  if (from === settled) return recent
  for await (const { index, request } of settledFrom(events, contract, from)) recent.set(requestKey(request), index)
  return recent
}

function* within(element: Element): Generator<Element> {
  yield element
  if (element.kind !== 'field') for (const child of childrenOf(element)) yield* within(child)
}
