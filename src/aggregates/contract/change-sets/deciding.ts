import { canonicalJson, inCanonicalOrder } from '../../../crypto/canonical-json.ts'
import type { Hash } from '../../../crypto/hash.ts'
import type { Command } from '../../../events/commands.ts'
import type { ContractEvent } from '../../../events/contract-events.ts'
import { type ElementId, type Handle, type ProposalId, requestKey } from '../../../events/ids.ts'
import { COMPUTED_CHARACTERS_MAX, ENTRY_EVENTS_BYTES_MAX, ENTRY_EVENTS_MAX } from '../../../events/limits.ts'
import type { Payload, Request } from '../../../events/statement.ts'
import { carryOut, type Decide } from '../carry-out.ts'
import type { DecideContext, Verdict } from '../decider.ts'
import { bytesOf as bytesOfEvents, roomForEndedSets } from '../entry-room.ts'
import { evolve } from '../evolve.ts'
import { type Accepted, judged, reasonOf, tooLong, voidBy } from '../judged.ts'
import { Rejection } from '../rejection.ts'
import { RequestRules } from '../rules/request-rules.ts'
import { StepBudget } from '../rules/step-budget.ts'
import { type ContractState, find } from '../state.ts'
import { ended } from '../values/proposals.ts'
import { standingAt } from '../values/standing.ts'
import {
  bytesOf,
  CHANGE_SET_BYTES_MAX,
  CHANGE_SETS_MAX,
  type ChangeSet,
  changeSetEnded,
  hasAllVotes,
  mayStandInChangeSet,
  waitingAt,
} from './change-set.ts'

/**
 * A request that is a change set: at once where nobody has to vote on any of its values, else it waits, whole. Judged is what it
 * would come to with all votes; the other document of §5a stays as it is.
 */
export function* proposeChangeSet(
  commands: Request['commands'],
  state: ContractState,
  context: DecideContext,
  rules: RequestRules | undefined,
  decide: Decide,
): Generator<void, Verdict> {
  const unfit = commands.findIndex((command) => !mayStandInChangeSet(command))
  if (unfit >= 0) return voidBy(new Rejection('change_set_unfit'), unfit, undefined)
  const done = yield* carryOut(commands, state, context, {
    authority: rules?.authority,
    check: (command) => rules?.access(command),
    decide,
    isAgreedAsOne: true,
    origin: context,
  })
  if (done.kind === 'stopped') return voidBy(done.rejection, done.place, rules)
  const verdict = yield* judged(commands, state, done, context, rules)
  if (verdict.kind !== 'accepted') return verdict
  const voters =
    rules === undefined ? [] : yield* rules.votersOnSet(done.events, context.author, verdict.state.inactive)
  if (voters instanceof Rejection) return voidBy(voters, commands.length - 1, rules)
  if (rules !== undefined && rules.lacking.size > 0) return { kind: 'lacking', seals: rules.lacking }
  const outside = voters.filter((voter) => done.events.some((event) => isKeptFrom(event, voter)))
  if (outside.length > 0) return voidBy(new Rejection('voter_outside', outside), commands.length - 1, undefined)
  const { handle, index, seq } = context.request
  const request = { handle, index, seq }
  if (voters.length === 0) {
    return { ...verdict, events: [{ request, type: 'ChangeSetAgreed' }, ...verdict.events] }
  }
  const displaced = displacedBy(done.events, state, context)
  const before = displaced.reduce((current, event) => evolve(current, event, context), state)
  const kept = inCanonicalOrder(commands as readonly Command[]).map((command) => withStandingBasis(command, state))
  const full = roomProblem(kept, before, context)
  if (full !== undefined) return voidBy(full, commands.length - 1, undefined)
  const about = context.changeSet?.about
  const waits: ContractEvent = {
    ...(about && { about }),
    commands: kept,
    request,
    type: 'ChangeSetProposed',
    voters,
  }
  return {
    computed: new Map(),
    events: [...displaced, waits],
    kind: 'accepted',
    state: evolve(before, waits, context),
  }
}

/** Whether a value goes to an audience that a party is not in. */
function isKeptFrom(event: ContractEvent, party: Handle): boolean {
  return event.type === 'ValueProposed' && event.audience?.includes(party) === false
}

/**
 * Adds what follows for the change sets whose last vote an accepted request has cast. Each is decided again on the
 * document as it is now, and takes effect whole or falls whole. All of them together are bounded like one request:
 * those whose end has no room in the entry follow with the next accepted request.
 */
export function* withAgreedSets(verdict: Accepted, context: DecideContext, decide: Decide): Generator<void, Verdict> {
  let { state } = verdict
  if (!state.changeSets.some(hasAllVotes)) return verdict
  const events = [...verdict.events]
  const computed = new Map(verdict.computed)
  const budget = new StepBudget(state.limits.requestSteps)
  const ends = roomForEndedSets()
  let [bytes, characters] = [bytesOfEvents(events), charactersOf(computed)]
  for (let set = state.changeSets.find(hasAllVotes); set !== undefined; set = state.changeSets.find(hasAllVotes)) {
    const agreed: ContractEvent = { request: set.request, type: 'ChangeSetAgreed' }
    const effect = yield* effectOf(set, evolve(state, agreed, context), context, decide, budget)
    if (effect.kind === 'lacking') return effect
    const made = effect.kind === 'accepted' ? [agreed, ...effect.events] : []
    const [bytesThen, charactersThen] = [
      bytes + bytesOfEvents(made),
      characters + (effect.kind === 'accepted' ? charactersOf(effect.computed) : 0),
    ]
    const isShort =
      events.length + made.length <= ENTRY_EVENTS_MAX &&
      bytesThen <= ENTRY_EVENTS_BYTES_MAX &&
      charactersThen <= COMPUTED_CHARACTERS_MAX
    if (effect.kind === 'accepted' && isShort) {
      events.push(...made)
      bytes = bytesThen
      characters = charactersThen
      for (const [seal, payload] of effect.computed) computed.set(seal, payload)
      state = effect.state
    } else {
      const reason = effect.kind === 'void' ? effect.reason : reasonOf(tooLong, set.commands.length - 1)
      const fallen = changeSetEnded(set, reason.code === 'field_conflict' ? 'conflict' : 'unfit', reason)
      if (!ends.takes(fallen)) break
      events.push(fallen)
      state = evolve(state, fallen, context)
    }
  }
  return { computed, events, kind: 'accepted', state }
}

function charactersOf(computed: ReadonlyMap<Hash, Payload>): number {
  let characters = 0
  for (const payload of computed.values()) characters += canonicalJson(payload).length
  return characters
}

/**
 * What the commands of a set come to now. Access was its author's when it was proposed, and whoever holds the record lock has let
 * the last vote through.
 */
export function* effectOf(
  { commands, request }: ChangeSet,
  state: ContractState,
  context: DecideContext,
  decide: Decide,
  budget: StepBudget,
): Generator<void, Verdict> {
  const rules = state.phase === 'live' ? new RequestRules(state, context, budget) : undefined
  const lacking = new Set<Hash>()
  const id = `${requestKey(request)}.0` as ProposalId
  const reveal = (seal: Hash): Payload | undefined => {
    const payload = context.open({ id, seal })
    if (payload === undefined) lacking.add(seal)
    return payload
  }
  const done = yield* carryOut(
    commands,
    state,
    { ...context, author: request.handle, request, reveal },
    {
      authority: rules?.authority,
      check: (command) => rules?.fixed(command),
      decide,
      isAgreedAsOne: true,
      origin: context,
    },
  )
  if (lacking.size > 0) return { kind: 'lacking', seals: lacking }
  if (done.kind === 'stopped') return voidBy(done.rejection, done.place, rules)
  return yield* judged(commands, state, done, context, rules)
}

/** What else its author has waiting at the fields of the set: of each party there is one word at a field. */
function displacedBy(
  made: readonly ContractEvent[],
  state: ContractState,
  { author }: DecideContext,
): readonly ContractEvent[] {
  const fields = new Set(made.flatMap((event) => (event.type === 'ValueProposed' ? event.field : [])))
  const sets = new Set<ChangeSet>()
  const candidates = [...fields].flatMap((id) => {
    const field = find(state, id)
    if (field?.kind !== 'field') return []
    for (const { set } of waitingAt(state.changeSets, id)) if (set.request.handle === author) sets.add(set)
    return field.candidates.filter(({ by }) => by === author).map(ended(id, 'replaced'))
  })
  return [...candidates, ...[...sets].map((set) => changeSetEnded(set, 'replaced'))]
}

/** What came up afterwards nobody has seen, whatever a basis says. */
function withStandingBasis(command: Command, state: ContractState): Command {
  if (command.type !== 'ProposeValue' && command.type !== 'EmptyField') return command
  const field = command.field.startsWith('#') ? undefined : find(state, command.field as ElementId)
  if (field?.kind !== 'field') return { ...command, basis: [] }
  const standing = [...standingAt(field), ...waitingAt(state.changeSets, field.id)].map(({ id }) => id)
  return { ...command, basis: standing.filter((id) => command.basis.includes(id)) }
}

function roomProblem(
  commands: readonly Command[],
  { changeSets }: ContractState,
  { author }: DecideContext,
): Rejection | undefined {
  const own = changeSets.filter(({ request }) => request.handle === author)
  if (own.length >= CHANGE_SETS_MAX) return new Rejection('limit_exceeded', ['changeSets'])
  return bytesOf([...own, { commands }]) > CHANGE_SET_BYTES_MAX
    ? new Rejection('limit_exceeded', ['changeSetBytes'])
    : undefined
}
