import type { ContractEvent } from '../../../events/contract-events.ts'
import type { ElementId } from '../../../events/ids.ts'
import type { ContractState } from '../state.ts'
import type { Flag } from './rule-book.ts'

/** By `<rule> <at>`, of the flags of one document. */
const places = new WeakMap<readonly Flag[], ReadonlySet<string>>()

/** The first question about the flags of a document takes time linear in them, others none: a list may have one for each entry. */
export function isFlagged({ flags }: Pick<ContractState, 'flags'>, rule: number, at: ElementId): boolean {
  if (flags.length === 0) return false
  let flagged = places.get(flags)
  if (flagged === undefined) {
    flagged = new Set(flags.map((flag) => `${flag.rule} ${flag.at}`))
    places.set(flags, flagged)
  }
  return flagged.has(`${rule} ${at}`)
}

export function flagged(rule: number, at: ElementId, isBroken: boolean): ContractEvent {
  return { at, rule, type: isBroken ? 'RuleFlagged' : 'RuleCleared' }
}

/** In the order in which they came up. */
export function withFlag(flags: readonly Flag[], { rule, at }: Flag): readonly Flag[] {
  return [...flags, { at, rule }]
}

export function withoutFlag(flags: readonly Flag[], gone: Flag): readonly Flag[] {
  return flags.filter((flag) => flag.rule !== gone.rule || flag.at !== gone.at)
}

/** Without those at an element that is gone, and below it; the same array where there are none. */
export function flagsOutside(flags: readonly Flag[], gone: ElementId): readonly Flag[] {
  const isGone = ({ at }: Flag) => at === gone || at.startsWith(`${gone}.`)
  return flags.some(isGone) ? flags.filter((flag) => !isGone(flag)) : flags
}
