import type { ContractEvent } from '../../../events/contract-events.ts'
import { type ContractState, find } from '../state.ts'
import { changeSetEnded, elementsOf } from './change-set.ts'

/**
 * The end of the change sets that name an element which this request has removed. An element that never existed ends
 * none.
 */
export function removedSets(
  before: ContractState,
  after: ContractState,
  events: readonly ContractEvent[],
): ContractEvent[] {
  if (after.changeSets.length === 0 || !events.some(({ type }) => type === 'ElementRemoved')) return []
  return after.changeSets.flatMap((set) => {
    const gone = [...elementsOf(set)].some((id) => find(after, id) === undefined && find(before, id) !== undefined)
    return gone ? changeSetEnded(set, 'removed') : []
  })
}
