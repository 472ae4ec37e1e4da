import type { Hash } from '../../crypto/hash.ts'
import type { CommandOf } from '../../events/commands.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { Handle } from '../../events/ids.ts'
import { changeSetEnded } from './change-sets/change-set.ts'
import type { CommandOutcome, DecideContext } from './decider.ts'
import { fieldsHolding } from './document/element.ts'
import { EntryRoom, type Share } from './entry-room.ts'
import { erasureId, isErased, type OpenErasure } from './erased-values.ts'
import { Rejection } from './rejection.ts'
import { type ContractState, membersOf } from './state.ts'
import { ended } from './values/proposals.ts'

/** Fixed for engine 1: the state holds them all. */
const OPEN_MAX = 64
const ERASED_MAX = 100_000
/** With all that was computed from them; so that an entry fits one append of every store. */
const ERASED_AT_ONCE_MAX = 5_000

/** The author's vote; with that of the last member the values are erased, and with them all that was computed from them. */
export function eraseValues(
  { seals: named, about }: CommandOf<'EraseValues'>,
  state: ContractState,
  context: DecideContext,
): CommandOutcome {
  const seals = named.toSorted()
  if (seals.every((seal) => isErased(state, seal))) return new Rejection('already_erased')
  const id = erasureId(seals)
  const { open } = state.erasures
  const votes = open.find((erasure) => erasure.id === id)?.votes
  if (votes === undefined && open.length >= OPEN_MAX) return new Rejection('limit_exceeded', ['erasures'])
  const { author: by } = context
  if (votes?.includes(by)) return new Rejection('already_voted')
  const voted: ContractEvent = { ...(about && { about }), by, erasure: id, seals, type: 'ErasureVoted' }
  const asked = membersOf(state).map(({ card }) => card.handle)
  const { events: room } = new EntryRoom([voted])
  const erased = erasedBy({ id, seals, votes: [...(votes ?? []), by] }, asked, state, context, room)
  return erased instanceof Rejection ? erased : [voted, ...erased]
}

/** One member that wants them kept is enough. */
export function keepValues(
  { erasure, about }: CommandOf<'KeepValues'>,
  state: ContractState,
  { author: by }: DecideContext,
): CommandOutcome {
  if (!state.erasures.open.some(({ id }) => id === erasure)) return new Rejection('no_such_erasure')
  return [{ ...(about && { about }), by, erasure, type: 'ValuesKept' }]
}

/** The vote that was missing may have been that of the member that goes. What then is too much stays open. */
export function erasedAfterResignation(
  state: ContractState,
  resigned: ContractState,
  context: DecideContext,
  room: Share,
): ContractEvent[] {
  const asked = membersOf(resigned).map(({ card }) => card.handle)
  const events: ContractEvent[] = []
  for (const erasure of resigned.erasures.open) {
    const erased = erasedBy(erasure, asked, state, context, room)
    if (erased instanceof Rejection) continue
    events.push(...erased)
    // Two of them may have values in common: those of the second follow when it is voted once more.
    if (events.length > 0) break
  }
  return events
}

/** What ends by it ends as far as there is room: what is left reads null. */
function erasedBy(
  { id, seals, votes }: OpenErasure,
  asked: readonly Handle[],
  state: ContractState,
  context: DecideContext,
  room: Share,
): ContractEvent[] | Rejection {
  if (asked.length === 0 || !asked.every((member) => votes.includes(member))) return []
  const news = new Set([...seals, ...context.computedFrom(new Set(seals))].filter((seal) => !isErased(state, seal)))
  if (news.size > ERASED_AT_ONCE_MAX) return new Rejection('limit_exceeded', ['erasedAtOnce', String(news.size)])
  if (state.erasures.erased.length + news.size > ERASED_MAX) return new Rejection('limit_exceeded', ['erased'])
  const fallen = [...fieldsHolding(state.document, news)].flatMap((field) =>
    field.candidates.filter(({ seal }) => seal !== null && news.has(seal)).map(ended(field.id, 'erased')),
  )
  const isOfErased = (command: object) => 'seal' in command && news.has(command.seal as Hash)
  const sets = state.changeSets.filter(({ commands }) => commands.some(isOfErased))
  const fallenSets = sets.map((set) => changeSetEnded(set, 'erased'))
  const erased: ContractEvent = { erasure: id, seals: [...news].sort(), type: 'ValuesErased' }
  room.count([erased])
  return [erased, ...[...fallen, ...fallenSets].filter((event) => room.takes(event))]
}
