import type { CommandOf } from '../../../events/commands.ts'
import type { ContractEvent } from '../../../events/contract-events.ts'
import { requestKey } from '../../../events/ids.ts'
import { audienceOf } from '../../../events/recipients.ts'
import type { CommandOutcome, DecideContext } from '../decider.ts'
import { Rejection } from '../rejection.ts'
import type { ContractState } from '../state.ts'
import { audienceProblem } from '../values/audience.ts'
import { type ChangeSet, changeSetEnded, changeSetNamed } from './change-set.ts'

/** Of those that it asks: any NO ends it. What the last YES makes of the document follows behind the command. */
export function voteOnChangeSet(
  { request, vote, about, audience }: Extract<CommandOf<'CastVote'>, { request: object }>,
  { changeSets }: ContractState,
  { author: by }: DecideContext,
): CommandOutcome {
  const set = changeSetNamed(changeSets, request)
  if (set === undefined) return new Rejection('no_such_change_set', [requestKey(request)])
  if (!set.voters.includes(by)) return new Rejection('not_a_voter')
  const leak =
    about &&
    audienceProblem(
      audience,
      audienceOf(set, () => true),
    )
  if (leak !== undefined) return leak
  const cast: ContractEvent = { ...(about && { about }), by, request: set.request, type: 'ChangeSetVoteCast', vote }
  if (vote === 'no') return [cast, changeSetEnded(set, 'turned_down')]
  return set.yes.includes(by) ? new Rejection('already_voted') : [cast]
}

/** Whole: its values stand and fall together. */
export function withdrawChangeSet(
  { request }: CommandOf<'WithdrawChangeSet'>,
  { changeSets }: ContractState,
  { author }: DecideContext,
): CommandOutcome {
  const set: ChangeSet | undefined = changeSetNamed(changeSets, request)
  if (set === undefined) return new Rejection('no_such_change_set', [requestKey(request)])
  const by = set.request.handle
  return by === author ? [changeSetEnded(set, 'withdrawn')] : new Rejection('not_author', [by])
}
