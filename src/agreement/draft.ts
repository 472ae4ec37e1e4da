import { orderedObject } from '../crypto/canonical-json.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Handle } from '../events/ids.ts'
import type { KeyChange } from '../events/parties/key-change.ts'
import type { Decision, Note, Payloads, Refusal, Request, Statement, StatementCore } from '../events/statement.ts'
import {
  bytesToSign,
  coreHash,
  encodeCore,
  encodeStatement,
  type SignedStatement,
  statementHash,
  type Unsigned,
} from '../events/statement-codec.ts'
import { completed as allAtOnce } from '../runtime/turns.ts'
import { feedOf, newestOf, saidToHold } from './feeds.ts'
import { type Acknowledged, headOf } from './ledger.ts'
import { type AgreementState, covering, isUnsure, type Progress, settle } from './state.ts'
import type { VerifiedStatement } from './verified-statement.ts'
import { clockAfter } from './verify-statement.ts'
import { covers, union, type VersionVector, withStatement } from './version-vector.ts'

/** What a party chooses to put into a statement; the rest follows from what it holds. */
export interface Wishes {
  readonly requests: readonly Request[]
  /** The opened seals of those requests. */
  readonly payloads: Payloads
  readonly refusals: readonly Refusal[]
  readonly decided: readonly Decision[]
  readonly note?: Note
  /** Rotates, revokes, or says what it holds of a feed whose key is revoked. */
  readonly key?: KeyChange
}

export const noWishes: Wishes = { requests: [], payloads: {}, refusals: [], decided: [] }

/** A statement that only lacks its signature. */
export interface Draft extends Unsigned {
  readonly bytesToSign: Uint8Array
  /** True where it acknowledges what cannot be judged here: its head need not be the one that its past makes, so it must not be signed. */
  readonly isUnsure: boolean
  /** With the signature it becomes a part of the view, as if it had come from elsewhere. */
  sign(signature: string): Progress & { readonly held: VerifiedStatement }
}

/**
 * The party's next statement: it covers all that is held, and its head is of the ledger that all this, with the
 * statement itself, acknowledges. `time`: RFC 3339, the party's own claim.
 * Requires of `wishes`: refusals and decisions that fit (design §3), payloads for the seals that the requests name.
 */
export function draft(state: AgreementState, party: Handle, wishes: Wishes, time: string): Draft {
  return allAtOnce(drafting(state, party, wishes, time))
}

/** The same in steps. */
export function* drafting(state: AgreementState, party: Handle, wishes: Wishes, time: string): Generator<void, Draft> {
  const previous = newestOf(state.feeds, party)
  const seen = seenBy(state, party)
  const core: StatementCore = {
    clock: clockAfter(state, party, seen),
    contract: state.contract,
    decided: wishes.decided,
    ...(wishes.key === undefined ? {} : { key: wishes.key }),
    party,
    prev: previous?.hash ?? null,
    refusals: wishes.refusals,
    requests: wishes.requests,
    seen,
    seq: feedOf(state.feeds, party).size,
    time,
    v: 1,
  }
  const coreText = encodeCore(core)
  const placeholder: VerifiedStatement = {
    statement: { ...core, head: UNKNOWN_HEAD },
    text: '',
    hash: '' as Hash,
    core: coreHash(coreText),
    signature: '',
    payloads: wishes.payloads,
    past: pastAfter(state, party, core.seq),
    lacks: [],
  }
  const covered = yield* covering(state, placeholder)
  const head = headOf(covered.state.ledger)
  const statement: Statement = { ...core, head, ...(wishes.note === undefined ? {} : { note: wishes.note }) }
  const text = encodeStatement(coreText, statement)
  return {
    core: placeholder.core,
    statement,
    text,
    bytesToSign: bytesToSign(text),
    isUnsure: isUnsure(covered.state),
    sign(signature) {
      const held: VerifiedStatement = { ...placeholder, statement, text, hash: statementHash(text), signature }
      return { ...completed(covered.state, covered.acknowledged, placeholder, held), held }
    },
  }
}

const UNKNOWN_HEAD = { size: 0, root: '' as Hash, record: '' as Hash }

/** Puts the finished statement where the placeholder stands; entries name statements by core hash, so they stay as they are. */
function completed(
  state: AgreementState,
  acknowledged: readonly Acknowledged[],
  placeholder: VerifiedStatement,
  held: VerifiedStatement,
): Progress {
  const { party } = held.statement
  const finished = (other: VerifiedStatement): VerifiedStatement => (other === placeholder ? held : other)
  const { ledger } = state
  const decisions =
    held.statement.decided.length === 0
      ? ledger.decisions
      : ledger.decisions.map((decided) => ({ ...decided, held: finished(decided.held) }))
  return settle(
    {
      ...state,
      feeds: state.feeds.set(party, feedOf(state.feeds, party).withLast(held)),
      ledger: { ...ledger, open: ledger.open.map(finished), decisions },
    },
    acknowledged,
    held,
  )
}

function pastAfter(state: AgreementState, party: Handle, seq: number): VersionVector {
  return withStatement(everythingHeld(state), party, seq)
}

function everythingHeld(state: AgreementState): VersionVector {
  return state.feeds.map((feed) => feed.size - 1)
}

/** The least set of newest statements of others that, with its previous statement, covers all that is held. */
function seenBy(state: AgreementState, party: Handle): Statement['seen'] {
  const candidates = [...state.feeds.keys()]
    .filter((handle) => handle !== party)
    .map((handle) => newestOf(state.feeds, handle) as VerifiedStatement)
    .sort((one, other) => other.statement.clock - one.statement.clock)
  let covered = saidToHold(state.feeds, party)
  const seen: [Handle, { readonly hash: Hash; readonly seq: number }][] = []
  // The one with the greatest clock first: what covers another has the greater clock of the two.
  for (const { statement, hash, past } of candidates) {
    if (covers(covered, statement.party, statement.seq)) continue
    seen.push([statement.party, { hash, seq: statement.seq }])
    covered = union(covered, past)
  }
  return orderedObject(seen)
}

/** Why a party owes a statement now (design §3, "when a node makes a statement"), or undefined when it owes none. */
export function statementDue(state: AgreementState, party: Handle): 'answer' | 'head' | undefined {
  const past = saidToHold(state.feeds, party)
  for (const [handle, feed] of state.feeds) {
    if (handle === party) continue
    for (const held of feed.between((past.get(handle) ?? -1) + 1)) if (obliges(held)) return 'answer'
  }
  // Whoever has signed another head, as with software that was wrong, owes one that is right.
  return state.ledger.log.size > (state.settling.signed.get(party) ?? 0) ? 'head' : undefined
}

/** Statements without requests, decisions or key changes oblige nobody, so an idle contract falls silent. */
function obliges({ statement }: SignedStatement): boolean {
  return statement.requests.length > 0 || statement.decided.length > 0 || statement.key !== undefined
}
