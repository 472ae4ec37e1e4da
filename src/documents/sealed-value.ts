import type { Agreed } from '../aggregates/contract/values/standing.ts'
import type { Audience } from '../events/audience.ts'
import type { Handle, ProposalId } from '../events/ids.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { isObject } from './writing/written-value.ts'

/** The field has a confidential value that this node does not hold. Evidence: `path`, and as `SealedValue`. */
export class ValueSealed extends ConcordataError {}

/** What a client gets in place of a confidential value that this node does not hold. */
export interface SealedValue {
  readonly $sealed: {
    readonly by: Handle | null
    /** Whose request says when. */
    readonly proposal: ProposalId
    readonly audience: Audience
  }
}

/** Undefined: the value is an ordinary one. */
export function sealedValue({ audience, by, id }: Agreed): SealedValue | undefined {
  return audience && { $sealed: { audience, by, proposal: id } }
}

export function isSealed(value: unknown): value is SealedValue {
  return isObject(value) && '$sealed' in value
}
