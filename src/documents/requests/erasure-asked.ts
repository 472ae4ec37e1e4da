import { fieldsHolding } from '../../aggregates/contract/document/element.ts'
import type { OpenErasure } from '../../aggregates/contract/erased-values.ts'
import { type ContractState, membersOf } from '../../aggregates/contract/state.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { Handle } from '../../events/ids.ts'
import { pathOf } from '../written-rule.ts'

/** What some members want erased. */
export interface ShownErasure {
  /** Its name: what a vote is for. */
  readonly erasure: Hash
  /** How many values. */
  readonly values: number
  /** Paths of fields at which one of them stands. Others have been replaced, or are no values of fields. */
  readonly at: readonly string[]
  readonly votes: readonly Handle[]
  /** Members whose vote is missing. */
  readonly waitsFor: readonly Handle[]
}

export function shownErasure({ id, seals, votes }: OpenErasure, state: ContractState): ShownErasure {
  const members = membersOf(state).map(({ card }) => card.handle)
  return {
    erasure: id,
    values: seals.length,
    at: [...fieldsHolding(state.document, new Set(seals))].map((field) => pathOf(field.id, state)),
    votes,
    waitsFor: members.filter((member) => !votes.includes(member)),
  }
}

/** The erasure for which a request votes, as it is then: where it waits for nobody any more, with all that is computed from the values. Undefined: it votes for none. */
export function erasureIn(events: readonly ContractEvent[], state: ContractState): ShownErasure | undefined {
  const voted = events.find((event) => event.type === 'ErasureVoted')
  if (voted === undefined) return undefined
  const open = state.erasures.open.find(({ id }) => id === voted.erasure)
  if (open !== undefined) return shownErasure(open, state)
  const erased = events.find((event) => event.type === 'ValuesErased')
  const votes = membersOf(state).map(({ card }) => card.handle)
  return shownErasure({ id: voted.erasure, seals: erased?.seals ?? voted.seals, votes }, state)
}
