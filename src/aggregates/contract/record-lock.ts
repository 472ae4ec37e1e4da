import type { CommandOf, CommandType } from '../../events/commands.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { Handle } from '../../events/ids.ts'
import type { CommandOutcome, DecideContext } from './decider.ts'
import type { ResolvedCommand } from './parse-command.ts'
import { Rejection } from './rejection.ts'
import { type ContractState, type Lock, membersOf } from './state.ts'

/** Membership, and the lock itself, can be changed while the record is locked. */
const exempt: ReadonlySet<string> = new Set<CommandType>([
  'InviteParty',
  'AdmitParty',
  'WithdrawInvitation',
  'DeclineInvitation',
  'Resign',
  'BreakLock',
])

/** Undefined if the lock, should there be one, lets the command through. */
export function lockOut(
  { type }: ResolvedCommand,
  { lock }: ContractState,
  { author }: DecideContext,
): Rejection | undefined {
  if (lock === null || lock.holder === author || exempt.has(type)) return undefined
  return new Rejection('record_locked', [lock.holder])
}

export function lockRecord(
  { purpose, about }: CommandOf<'LockRecord'>,
  { lock }: ContractState,
  { author }: DecideContext,
): CommandOutcome {
  if (lock !== null) return new Rejection('lock_held', [author])
  return [{ ...(about && { about }), holder: author, purpose, type: 'RecordLocked' }]
}

export function releaseLock({ lock }: ContractState, { author }: DecideContext): CommandOutcome {
  return lock === null ? new Rejection('no_such_lock') : [{ holder: author, lock: lock.index, type: 'RecordReleased' }]
}

/** The author's vote; with that of the last member but the holder the lock is broken (decision 0023). */
export function breakLock(
  { lock: index }: CommandOf<'BreakLock'>,
  state: ContractState,
  { author }: DecideContext,
): CommandOutcome {
  const { lock } = state
  if (lock === null || lock.index !== index) return new Rejection('no_such_lock', [String(index)])
  if (lock.holder === author) return new Rejection('lock_own')
  if (lock.breakVotes.includes(author)) return new Rejection('already_voted')
  const voted: ContractEvent = { by: author, lock: index, type: 'LockBreakVoted' }
  return [voted, ...brokenBy([...lock.breakVotes, author], lock, state)]
}

/** What becomes of the lock when a member goes: its own ends, and of another's the last missing vote may have been its. */
export function lockAfterResignation(state: ContractState, gone: Handle): ContractEvent[] {
  const { lock } = state
  if (lock === null) return []
  if (lock.holder === gone) return [{ holder: gone, lock: lock.index, type: 'RecordReleased' }]
  return lock.breakVotes.length === 0 ? [] : brokenBy(lock.breakVotes, lock, state, gone)
}

function brokenBy(votes: readonly Handle[], lock: Lock, state: ContractState, gone?: Handle): ContractEvent[] {
  const asked = membersOf(state).filter(({ card }) => card.handle !== lock.holder && card.handle !== gone)
  const isBroken = asked.length > 0 && asked.every(({ card }) => votes.includes(card.handle))
  return isBroken ? [{ holder: lock.holder, lock: lock.index, type: 'LockBroken' }] : []
}
