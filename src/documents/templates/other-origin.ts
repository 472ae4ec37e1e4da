import type { Template } from '../../events/template.ts'

type Origin = Pick<Template['from'], 'contract' | 'element'>

/** From which elements two templates were taken. */
export interface OtherOrigin {
  readonly from: Origin
  readonly to: Origin
}

/**
 * Undefined: both are of the same element of the same contract, so what has the same id in both is the same. Where they are not it may be
 * something else, and what the other one has under other ids is removed and added anew, with the loss of its values.
 */
export function otherOrigin(from: Template, to: Template): OtherOrigin | undefined {
  if (from.from.contract === to.from.contract && from.from.element === to.from.element) return undefined
  return { from: originOf(from), to: originOf(to) }
}

function originOf({ from: { contract, element } }: Template): Origin {
  return { contract, element }
}
