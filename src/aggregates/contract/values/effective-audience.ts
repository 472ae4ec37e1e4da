import type { Audience } from '../../../events/audience.ts'
import { ancestorsOf, type ElementId } from '../../../events/ids.ts'
import { schemaIdOf } from '../rules/rule-schema.ts'
import type { ContractState } from '../state.ts'

/** Who gets the values of an element: those whom all audiences on the way to it name. */
export interface EffectiveAudience {
  /** In the order of their handles. */
  readonly parties: Audience
  /** The earliest of theirs. */
  readonly until: string | undefined
}

/** Undefined: everybody. */
export function audienceAt(state: ContractState, element: ElementId): EffectiveAudience | undefined {
  if (state.audiences.length === 0) return undefined
  const way = new Set(ancestorsOf(schemaIdOf(state, element)))
  let effective: EffectiveAudience | undefined
  for (const { element: at, parties, until } of state.audiences) {
    if (!way.has(at)) continue
    if (effective === undefined) effective = { parties, until }
    else {
      const earliest = [effective.until, until].filter((one) => one !== undefined).sort()[0]
      effective = { parties: effective.parties.filter((party) => parties.includes(party)), until: earliest }
    }
  }
  return effective
}
