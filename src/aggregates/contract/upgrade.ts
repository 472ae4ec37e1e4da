import type { CommandOf } from '../../events/commands.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { Handle } from '../../events/ids.ts'
import type { CommandOutcome, DecideContext } from './decider.ts'
import { Rejection } from './rejection.ts'
import { type ContractState, type EngineVote, membersOf } from './state.ts'

/** The author's vote, in place of another that it has cast; with that of the last member the contract goes on in that engine. */
export function upgradeEngine(
  { to }: CommandOf<'UpgradeEngine'>,
  state: ContractState,
  { author }: DecideContext,
): CommandOutcome {
  if (to <= state.engine) return new Rejection('engine_not_newer', [String(state.engine)])
  if (state.engineVotes.some((vote) => vote.by === author && vote.to === to)) return new Rejection('already_voted')
  const voted: ContractEvent = { by: author, to, type: 'EngineVoted' }
  return [voted, ...upgradedBy([...votesWithout(state, author), { by: author, to }], state)]
}

/** The vote that was missing may have been that of the member that goes. */
export function upgradeAfterResignation(state: ContractState, gone: Handle): ContractEvent[] {
  return upgradedBy(votesWithout(state, gone), state, gone)
}

/** The votes of all others. */
export function votesWithout({ engineVotes }: ContractState, handle: Handle): readonly EngineVote[] {
  return engineVotes.some(({ by }) => by === handle) ? engineVotes.filter(({ by }) => by !== handle) : engineVotes
}

function upgradedBy([first, ...others]: readonly EngineVote[], state: ContractState, gone?: Handle): ContractEvent[] {
  const asked = membersOf(state).length - (gone === undefined ? 0 : 1)
  const areAll = first !== undefined && others.length + 1 === asked && others.every(({ to }) => to === first.to)
  return areAll ? [{ to: first.to, type: 'EngineUpgraded' }] : []
}
