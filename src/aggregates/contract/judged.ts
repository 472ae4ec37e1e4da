import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import { ENTRY_EVENTS_BYTES_MAX, ENTRY_EVENTS_MAX } from '../../events/limits.ts'
import type { VoidReason } from '../../events/outcome.ts'
import type { Payload } from '../../events/statement.ts'
import type { CarriedOut, Commands } from './carry-out.ts'
import { removedSets } from './change-sets/removed-sets.ts'
import type { DecideContext, Verdict } from './decider.ts'
import { bytesOf } from './entry-room.ts'
import { evolve } from './evolve.ts'
import { Rejection } from './rejection.ts'
import type { Open } from './rules/document-view.ts'
import { isExempt, type RequestRules } from './rules/request-rules.ts'
import type { ContractState } from './state.ts'
import { takenKey } from './values/list-keys.ts'

export type Accepted = Extract<Verdict, { kind: 'accepted' }>

/** What commands that have taken effect come to by the rules, and by what one entry can hold; in steps. `before`: the document before them. */
export function* judged(
  commands: Commands,
  before: ContractState,
  { events, state }: CarriedOut,
  context: DecideContext,
  rules: RequestRules | undefined,
): Generator<void, Verdict> {
  const removed = removedSets(before, state, events)
  const after = removed.reduce((current, event) => evolve(current, event, context), state)
  const made = removed.length === 0 ? events : [...events, ...removed]
  if (rules === undefined) {
    return withinBounds({ kind: 'accepted', computed: new Map(), events: made, state: after }, commands, context)
  }
  const judgement = yield* rules.judging(after, made, commands)
  if (judgement instanceof Rejection) return voidBy(judgement, commands.length - 1, rules)
  if (rules.lacking.size > 0) return { kind: 'lacking', seals: rules.lacking }
  return withinBounds({ ...judgement, kind: 'accepted', events: [...made, ...judgement.events] }, commands, context)
}

/** What could not be opened may have decided it otherwise. */
export function voidBy(rejection: Rejection, place: number, rules: RequestRules | undefined): Verdict {
  if (rules !== undefined && rules.lacking.size > 0) return { kind: 'lacking', seals: rules.lacking }
  return { kind: 'void', reason: reasonOf(rejection, place) }
}

/** So few that nothing is measured: what one statement can say, and the voters on as many values. */
const EVENTS_UNMEASURED = 4

/** More than a store takes in one append. */
function isTooLong(events: readonly ContractEvent[]): boolean {
  if (events.length <= EVENTS_UNMEASURED) return false
  if (events.length > ENTRY_EVENTS_MAX) return true
  return bytesOf(events) > ENTRY_EVENTS_BYTES_MAX
}

/** By what an entry is void that is too long. */
export const tooLong = new Rejection('limit_exceeded', ['entryBytes'])

export function reasonOf({ code, with: others }: Rejection, command: number): VoidReason {
  return others.length === 0 ? { code, command } : { code, command, with: others }
}

/** Void where it would give two entries of a list one key, or an entry more than a store takes. */
function withinBounds(verdict: Accepted, commands: Commands, { open, reveal }: DecideContext): Verdict {
  const last = commands.length - 1
  if (isTooLong(verdict.events) && !isExempt(commands)) return { kind: 'void', reason: reasonOf(tooLong, last) }
  const lacking = new Set<Hash>()
  const opened: Open = (value) => verdict.computed.get(value.seal) ?? (reveal(value.seal) as Payload) ?? open(value)
  const taken = takenKey(verdict.state, verdict.events, opened, lacking)
  if (lacking.size > 0) return { kind: 'lacking', seals: lacking }
  // Nobody is kept from leaving: what would be void for its key has fallen, or is empty.
  return taken === undefined || isExempt(commands) ? verdict : { kind: 'void', reason: reasonOf(taken, last) }
}
