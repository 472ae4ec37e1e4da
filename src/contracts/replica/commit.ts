import { memberOf } from '../../aggregates/contract/state.ts'
import { feedOf } from '../../agreement/feeds.ts'
import { isTakeover } from '../../agreement/keys/key-rules.ts'
import type { Equivocation, Reception } from '../../agreement/reception.ts'
import type { AgreementState } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import type { Handle } from '../../events/ids.ts'
import { assert } from '../../runtime/assert.ts'
import type { Store } from '../../store/port.ts'
import type { ContractView } from '../contract-view.ts'
import type { DoubleSignProtection } from '../signing/double-sign-protection.ts'
import { type Change, extendLedger, isNewEvidence, writesFor } from './journal.ts'
import { OvertakenError, writeBeyond } from './races.ts'
import type { Authored } from './statement-author.ts'
import type { StoredAhead } from './stored-ahead.ts'

/** What one turn comes to, before it counts. */
export interface TurnOutcome {
  readonly change: Change
  /** What is held from then on. */
  readonly state: AgreementState
  /** This party's own new statement. */
  readonly made: VerifiedStatement | undefined
}

/** What a turn comes to that has received, and maybe authored. `known`: what is proven already. */
export function outcomeOf(
  before: AgreementState,
  reception: Reception,
  authored: Authored | undefined,
  known: readonly Equivocation[],
): TurnOutcome {
  const { taken, completions } = reception
  const made = authored?.held
  const state = authored?.state ?? reception.state
  const change = {
    before,
    held: made === undefined ? taken : [...taken, made],
    acknowledged: [...reception.acknowledged, ...(authored?.acknowledged ?? [])],
    completions,
    settled: [...reception.settled, ...(authored?.settled ?? [])],
    equivocations: isNewEvidence(known, reception.equivocations),
    divergences: state.settling.divergences.slice(before.settling.divergences.length),
    ...(state.ledger.takenUntil > before.ledger.takenUntil && { takenUntil: state.ledger.takenUntil }),
  }
  return { change, state, made }
}

/**
 * The invariants of a turn, before anything of it is written: a process that does not sign makes no statement; a view that is cut
 * short takes in and makes none; a new statement is the newest of this party's feed; and nothing that has settled is settled no more.
 * Throws AssertionFailed.
 */
export function assertOutcome(
  { contract, duties, isCutShort, self }: Pick<ContractView, 'contract' | 'duties' | 'isCutShort' | 'self'>,
  { change, made, state }: TurnOutcome,
): void {
  const { before, held, settled } = change
  assert(made === undefined || duties.signs, `${contract}: a process without a key makes no statement`)
  assert(!isCutShort || held.length === 0, `${contract}: nothing is taken in or made where the store has more`)
  const newest = feedOf(state.feeds, self).last()
  assert(made === undefined || newest?.hash === made.hash, `${contract}: what was made is the newest of the own feed`)
  const growth = state.settling.settled - before.settling.settled
  assert(growth === settled.length, `${contract}: what has settled stays settled, and every entry of it is told`)
}

/** Makes the outcome of a turn durable; nobody outside gets to see any of it before that. */
export interface Writer {
  /**
   * Values before the statements that seal them, statements before the guard, the guard before everybody else. Returns whether
   * anything was to be written. Throws OvertakenError, WrongExpectedRevision, GuardRefused, and what the store throws (decision 0038).
   */
  commit(outcome: TurnOutcome): Promise<boolean>
}

/**
 * For a process that has the store to itself: statements, and the entries that follow from them, are one write. For an
 * own statement that only answers, the guard is set at the same time. That is safe in a crash which leaves the store
 * behind: the guard keeps the whole statement, and the others hold what it covers. A store without transactions may
 * likewise store it beside what it covers. In every case both are durable before anybody else hears of the statement.
 * Not so while a failed append may still take its place: then guard and store could name two statements (decisions
 * 0108, 0138).
 */
export function soleWriter(
  view: ContractView,
  store: Store,
  protection: DoubleSignProtection,
  ahead: StoredAhead,
): Writer {
  // An append of an earlier statement, of before this process began or of unknown outcome, may still take its place.
  let isPlaceOpen = !store.isAtomic
  return {
    async commit(outcome) {
      const isOthers = ofOtherMembers(outcome, view.self)
      const isAnswer = isAnswerOnly(outcome, view.self)
      const writes = writesFor(outcome.change, {
        values: isOthers,
        covered: (held) => (held === outcome.made ? isAnswer : isOthers(held)),
        stored: (held) => ahead.has(held),
      })
      const append = async () => {
        if (writes.length === 0) return
        const mayBeLate = isPlaceOpen
        isPlaceOpen = !store.isAtomic
        await store.write(writes)
        isPlaceOpen = mayBeLate && outcome.made === undefined
      }
      const guard = async () => {
        if (guardsAnything(outcome, view, protection)) await protection.advance(outcome.state, revokes(outcome))
      }
      if (isAnswer && !isPlaceOpen) await bothOf(append(), guard())
      else {
        await append()
        await guard()
      }
      return writes.length > 0
    },
  }
}

/**
 * A statement made here that brings nothing of its own, neither values nor requests, whose users are told that they came to
 * nothing where the store did not take them; and that covers, of what is not durable, what members have said alone: an invitee, or
 * who has left, need not be there to bring it again. Nor may an own statement be among that: the guard keeps one.
 */
function isAnswerOnly({ change, made }: TurnOutcome, self: Handle): boolean {
  if (made === undefined || made.statement.requests.length > 0 || Object.keys(made.payloads).length > 0) return false
  const isOthers = ofOtherMembers({ change }, self)
  return change.held.every((held) => held === made || isOthers(held))
}

/** Its author has it, and gives it again to whoever lacks it. */
function ofOtherMembers({ change: { before } }: Pick<TurnOutcome, 'change'>, self: Handle) {
  const { document } = before.ledger
  return ({ statement: { party } }: VerifiedStatement) => party !== self && memberOf(document, party) !== undefined
}

/** Neither is under way any more when this comes to its end. Rejects with the first of the two. */
async function bothOf(one: Promise<void>, other: Promise<void>): Promise<void> {
  const [first, second] = await Promise.allSettled([one, other])
  for (const result of [first, second]) if (result.status === 'rejected') throw result.reason
}

/** For a process beside others of its party: the guard says which of them has made a statement, and all append the same entries (decision 0039). */
export function sharedWriter(view: ContractView, store: Store, protection: DoubleSignProtection): Writer {
  return {
    async commit(outcome) {
      const { change, made, state } = outcome
      const isOthers = ofOtherMembers(outcome, view.self)
      const writes = writesFor({ ...change, settled: [] }, { values: isOthers, covered: isOthers })
      await writeBeyond(store, writes)
      const texts = change.settled.map(({ text }) => text)
      await extendLedger(store, view.contract, change.before.settling.settled, texts)
      if (!guardsAnything(outcome, view, protection)) return writes.length > 0
      const advanced = await protection.advance(state, revokes(outcome))
      // Of two that made the very same statement only one has made it; the other finds it in the store.
      if (made !== undefined && advanced !== 'won') throw new OvertakenError()
      return writes.length > 0
    },
  }
}

/** Whether the guard is to be told: of an own statement, made here or come back from others. */
function guardsAnything(
  { change, made, state }: TurnOutcome,
  { self, waiting }: ContractView,
  protection: DoubleSignProtection,
): boolean {
  if (made !== undefined) return true
  const isOwnTaken = change.held.some(({ statement }) => statement.party === self)
  return isOwnTaken && protection.obstacle(state, waiting) === undefined
}

function revokes({ made }: TurnOutcome): boolean {
  return made !== undefined && isTakeover(made)
}
