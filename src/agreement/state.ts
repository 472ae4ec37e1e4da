import { Map as ImmutableMap } from 'immutable'
import { builtIn, type Engines } from '../aggregates/contract/engines.ts'
import type { Handle, Uid } from '../events/ids.ts'
import { requestKey } from '../events/ids.ts'
import { acknowledging } from './acknowledging.ts'
import { appended, type Feeds, type HeldFeeds, noFeeds } from './feeds.ts'
import { type KeyState, noKeyChanges, withKeyChange } from './keys/key-state.ts'
import { type Acknowledged, emptyLedger, type HeldLedger, type Ledger, withStatementOf } from './ledger.ts'
import { nothingSettled, type Settling, settleMore } from './settlement.ts'
import type { KnownEntries } from './values/known-entries.ts'
import type { VerifiedStatement } from './verified-statement.ts'

/** One member's state of a contract: an immutable value, a pure function of the statements that it holds (decision 0001). */
export interface AgreementState {
  readonly contract: Uid
  readonly feeds: Feeds
  /** Tentative requests that their authors have not decided yet, by request key. A function of each feed alone. */
  readonly undecided: ImmutableMap<string, Handle>
  readonly keys: KeyState
  readonly ledger: Ledger
  readonly settling: Settling
}

/**
 * The same as far as nobody has to look back for it: what of its history may be pruned cannot be asked for. `history/looking-back.ts`
 * makes an AgreementState of it, and says what happens where history is missing (decision 0072).
 */
export interface HeldState extends Omit<AgreementState, 'feeds' | 'ledger'> {
  readonly feeds: HeldFeeds
  readonly ledger: HeldLedger
}

/** `engines`: those of the party whose state it is. `known`: entries whose values nobody has any more. */
export function emptyAgreement(contract: Uid, engines: Engines = builtIn, known?: KnownEntries): AgreementState {
  return {
    contract,
    feeds: noFeeds,
    undecided: ImmutableMap(),
    keys: noKeyChanges,
    ledger: emptyLedger(contract, engines, known),
    settling: nothingSettled(contract),
  }
}

/** What one more statement brought about. */
export interface Progress {
  readonly state: AgreementState
  /** Entries that it acknowledged, oldest first. */
  readonly acknowledged: readonly Acknowledged[]
  /** Entries that it settled, oldest first. */
  readonly settled: readonly Acknowledged[]
}

/** Adds a statement that is known to be valid here and is not held yet (`receive` and `draft` see to that). In steps. */
export function* holding(state: AgreementState, held: VerifiedStatement): Generator<void, Progress> {
  const covered = yield* covering(state, held)
  return settle(covered.state, covered.acknowledged, held)
}

/** The half of it that does not look at the statement's own head: so a head can be computed before it is signed. In steps. */
export function* covering(
  state: AgreementState,
  held: VerifiedStatement,
): Generator<void, { state: AgreementState; acknowledged: readonly Acknowledged[] }> {
  const feeds = appended(state.feeds, held)
  const advanced = yield* acknowledging(withStatementOf(state.ledger, held), feeds)
  return {
    state: {
      ...state,
      feeds,
      undecided: undecidedAfter(state.undecided, held),
      keys: withKeyChange(state.keys, held),
      ledger: advanced.ledger,
    },
    acknowledged: advanced.acknowledged,
  }
}

/** The other half: compares its head, and settles. */
export function settle(
  state: AgreementState,
  acknowledged: readonly Acknowledged[],
  held: VerifiedStatement,
): Progress {
  const { settling, settled } = settleMore(state.settling, state.ledger, acknowledged, [held])
  return { state: { ...state, settling }, acknowledged, settled }
}

function undecidedAfter(before: AgreementState['undecided'], held: VerifiedStatement): AgreementState['undecided'] {
  const { party, seq, requests, decided } = held.statement
  return before.withMutations((undecided) => {
    for (const { request } of decided) undecided.delete(requestKey(request))
    requests.forEach((request, index) => {
      if (request.tentative) undecided.set(requestKey({ handle: party, seq, index }), party)
    })
  })
}

/**
 * Whether this party cannot say what the ledger comes to, and so signs nothing: values are missing, or entries were taken for which
 * not every member's head is held yet.
 */
export function isUnsure({ ledger, settling }: HeldState): boolean {
  return ledger.lacking !== undefined || ledger.takenUntil > settling.settled
}
