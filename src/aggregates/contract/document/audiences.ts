import { type Hash, hashJson } from '../../../crypto/hash.ts'
import type { Audience } from '../../../events/audience.ts'
import type { ElementId } from '../../../events/ids.ts'

/** That of a block or a list: what is proposed at and below it is for these parties, and for those above it as well. */
export interface BlockAudience {
  /** Of a list what stands in its prototype stands for what stands in its entries. */
  readonly element: ElementId
  /** In the order of their handles. */
  readonly parties: Audience
  /** Earlier values are handed out until then. Left out: for good. */
  readonly until?: string
}

export const noAudiences: readonly BlockAudience[] = []

const kept = new WeakMap<readonly BlockAudience[], Hash>()

export function audiencesHash(audiences: readonly BlockAudience[]): Hash {
  const known = kept.get(audiences)
  if (known !== undefined) return known
  const hash = hashJson('audiences', audiences)
  kept.set(audiences, hash)
  return hash
}

/** In the order in which they were set. */
export function withAudience(
  audiences: readonly BlockAudience[],
  element: ElementId,
  set: Omit<BlockAudience, 'element'> | null,
): readonly BlockAudience[] {
  const others = audiences.filter((other) => other.element !== element)
  return set === null ? others : [...others, { element, ...set }]
}

/** Without those of an element that is gone, and below it; the same array where there are none. */
export function audiencesOutside(audiences: readonly BlockAudience[], gone: ElementId): readonly BlockAudience[] {
  const isGone = ({ element }: BlockAudience) => element === gone || element.startsWith(`${gone}.`)
  return audiences.some(isGone) ? audiences.filter((audience) => !isGone(audience)) : audiences
}
