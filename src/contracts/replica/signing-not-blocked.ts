import type { Uid } from '../../events/ids.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { ObstacleCode } from '../obstacles/obstacles.ts'

/** A person's word would not make this node sign. Evidence: `obstacle`. */
export class SigningNotBlocked extends ConcordataError {}

/** `obstacle`: what keeps the node from signing all the same. */
export function signingNotBlocked(contract: Uid, obstacle: ObstacleCode | undefined): SigningNotBlocked {
  const message =
    obstacle === undefined
      ? 'nothing keeps this node from signing in that contract'
      : `no word of a person helps: ${obstacle}`
  return new SigningNotBlocked('signing_not_blocked', message, { contract, obstacle: obstacle ?? null })
}
