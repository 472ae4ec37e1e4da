import type { Element } from '../../aggregates/contract/document/element.ts'
import { isErased } from '../../aggregates/contract/erased-values.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import { type Agreed, type Candidate, standingAt } from '../../aggregates/contract/values/standing.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ProposalId } from '../../events/ids.ts'
import { noAgreedValue } from '../path.ts'

/**
 * The value that is agreed at a field, or, where one is named, a candidate there. `at`: its path; `agreed`: the newest document, which knows
 * what has been erased. Throws NoSuchPath: nothing stands there, or not any more.
 */
export function valueNamed(
  field: Element,
  at: string,
  proposal: ProposalId | undefined,
  agreed: ContractState,
): (Agreed | Candidate) & { readonly seal: Hash } {
  const standing = field.kind === 'field' ? standingAt(field) : []
  const named = standing.find((one) => (proposal === undefined ? !('voters' in one) : one.id === proposal))
  const seal = named?.seal ?? null
  const isGone = seal !== null && isErased(agreed, seal)
  if (named !== undefined && seal !== null && !isGone) return { ...named, seal }
  throw noAgreedValue(at, { isErased: isGone, proposal })
}
