import { Set as ImmutableSet } from 'immutable'
import type { ContractEvent } from '../../../events/contract-events.ts'
import type { ElementId } from '../../../events/ids.ts'
import type { ContractState } from '../state.ts'
import type { Flag } from './rule-book.ts'

/** By `<rule> <at>`, of the flags of one document. Whoever changes them passes it on: one request may flag each entry of a list. */
const places = new WeakMap<readonly Flag[], ImmutableSet<string>>()

/** The first question about the flags of a document takes time linear in them, unless they were changed here; others none. */
export function isFlagged({ flags }: Pick<ContractState, 'flags'>, rule: number, at: ElementId): boolean {
  if (flags.length === 0) return false
  let known = places.get(flags)
  if (known === undefined) {
    known = ImmutableSet(flags.map(placeOf))
    places.set(flags, known)
  }
  return known.has(placeOf({ at, rule }))
}

function placeOf({ rule, at }: Flag): string {
  return `${rule} ${at}`
}

export function flagged(rule: number, at: ElementId, isBroken: boolean): ContractEvent {
  return { at, rule, type: isBroken ? 'RuleFlagged' : 'RuleCleared' }
}

/** In the order in which they came up. */
export function withFlag(flags: readonly Flag[], { rule, at }: Flag): readonly Flag[] {
  const after = [...flags, { at, rule }]
  const known = places.get(flags)
  if (known !== undefined) places.set(after, known.add(placeOf({ at, rule })))
  return after
}

export function withoutFlag(flags: readonly Flag[], gone: Flag): readonly Flag[] {
  const after = flags.filter((flag) => flag.rule !== gone.rule || flag.at !== gone.at)
  const known = places.get(flags)
  if (known !== undefined) places.set(after, known.delete(placeOf(gone)))
  return after
}

/** Without those at an element that is gone, and below it; the same array where there are none. */
export function flagsOutside(flags: readonly Flag[], gone: ElementId): readonly Flag[] {
  const isGone = ({ at }: Flag) => at === gone || at.startsWith(`${gone}.`)
  return flags.some(isGone) ? flags.filter((flag) => !isGone(flag)) : flags
}
