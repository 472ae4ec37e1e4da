import type { Hash } from '../../../crypto/hash.ts'
import type { ElementId, ProposalId } from '../../../events/ids.ts'
import { childrenOf, type Element } from '../document/element.ts'
import { instancesOf } from '../rules/rule-schema.ts'
import { type ContractState, find } from '../state.ts'
import { type Agreed, type Candidate, standingAt } from './standing.ts'

/** A confidential value that stands. */
export interface ConfidentialStanding {
  readonly field: ElementId
  readonly standing: Agreed | Candidate
}

const none: ReadonlyMap<Hash, readonly ConfidentialStanding[]> = new Map()
const kept = new WeakMap<ContractState, ReadonlyMap<Hash, readonly ConfidentialStanding[]>>()

/** Those at and below elements that have an audience, by their seals. */
export function confidentialStandingIn(state: ContractState): ReadonlyMap<Hash, readonly ConfidentialStanding[]> {
  if (state.audiences.length === 0) return none
  const known = kept.get(state)
  if (known !== undefined) return known
  const found = new Map<ProposalId, ConfidentialStanding & { readonly seal: Hash }>()
  for (const { element } of state.audiences) {
    for (const id of instancesOf(state, element)) {
      const at = find(state, id)
      if (at === undefined) continue
      for (const one of standingBelow(at)) found.set(one.standing.id, one)
    }
  }
  const all = Map.groupBy(found.values(), ({ seal }) => seal)
  kept.set(state, all)
  return all
}

function* standingBelow(element: Element): Generator<ConfidentialStanding & { readonly seal: Hash }> {
  if (element.kind === 'field') {
    for (const standing of standingAt(element)) {
      const { audience, seal } = standing
      if (audience !== undefined && seal !== null) yield { field: element.id, seal, standing }
    }
    return
  }
  for (const child of childrenOf(element)) yield* standingBelow(child)
}
