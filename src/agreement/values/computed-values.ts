import type { Map as ImmutableMap } from 'immutable'
import { childrenOf, type Element } from '../../aggregates/contract/document/element.ts'
import { isErased } from '../../aggregates/contract/erased-values.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import { isComputed } from '../../events/ids.ts'
import type { Payload } from '../../events/statement.ts'

/** What rules have computed, by its seals. */
type ComputedValues = ImmutableMap<Hash, Payload>

/** How many computed values are kept beyond those that stand before the others are left out. */
const SWEPT_BEYOND = 1024

/** With those of one more entry, without what it erases. `document`: after it. */
export function withComputed(
  before: ComputedValues,
  computed: ReadonlyMap<Hash, Payload>,
  events: readonly ContractEvent[],
  document: ContractState,
): ComputedValues {
  const kept =
    before.size > 0 && events.some(({ type }) => type === 'ValuesErased') ? withoutErased(before, document) : before
  if (computed.size === 0) return kept
  const after = kept.merge(computed)
  if (after.size < SWEPT_BEYOND) return after
  const standing = new Set<Hash>()
  for (const seal of computedSealsIn(document.document)) standing.add(seal)
  // So that sweeping costs a part of what computing does.
  return after.size < 2 * standing.size + SWEPT_BEYOND ? after : after.filter((_, seal) => standing.has(seal))
}

function* computedSealsIn(element: Element): Generator<Hash> {
  if (element.kind !== 'field') for (const child of childrenOf(element)) yield* computedSealsIn(child)
  else if (element.agreed !== null && isComputed(element.agreed.id)) yield element.agreed.seal
}

function withoutErased(computed: ComputedValues, document: ContractState): ComputedValues {
  return computed.filter((_, seal) => !isErased(document, seal))
}
