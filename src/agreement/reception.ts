import type { EngineUnknown } from '../aggregates/contract/engines.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Handle, Seq } from '../events/ids.ts'
import type { SignedStatement, StatementRefused } from '../events/statement-codec.ts'
import type { Completion } from './completing.ts'
import type { Acknowledged } from './ledger.ts'
import type { AgreementState } from './state.ts'
import type { VerifiedStatement } from './verified-statement.ts'

/** Two statements that one party signed for one place of its feed. Nothing else convicts it (design §3). */
export interface Equivocation {
  readonly party: Handle
  readonly seq: Seq
  /** The branch that is held; the other one is kept as evidence only. */
  readonly held: VerifiedStatement
  readonly other: SignedStatement
}

/** A statement covers another branch than the one held. The signer has to show the statement that it means. */
export interface OtherBranch {
  readonly signer: Handle
  readonly party: Handle
  readonly seq: Seq
  readonly theirs: Hash
  readonly ours: Hash
  /** The statement that covers it. Its signature has not been verified. */
  readonly by: SignedStatement
}

export interface Unjudged {
  readonly decoded: SignedStatement
  readonly error: EngineUnknown
}

/** What became of statements that came in. */
export interface Reception {
  readonly state: AgreementState
  /** Newly held, in the order in which they were taken in: causes before effects. */
  readonly taken: readonly VerifiedStatement[]
  /** Payloads that were missing from statements already held, or just taken in. */
  readonly completions: readonly Completion[]
  readonly acknowledged: readonly Acknowledged[]
  readonly settled: readonly Acknowledged[]
  /** They cover what is not held, or the ledger lacks a value for them. Offer them again with more. */
  readonly waiting: readonly SignedStatement[]
  readonly refused: readonly { readonly decoded: SignedStatement; readonly error: StatementRefused }[]
  /** They, or their payloads, lead the ledger into an engine that is not here: nothing can be said about them, or about what covers them. */
  readonly unjudged: readonly Unjudged[]
  readonly equivocations: readonly Equivocation[]
  readonly otherBranches: readonly OtherBranch[]
}

/** The result of an empty delivery; `waiting` is what still waits. */
export function nothingReceived(state: AgreementState, waiting: readonly SignedStatement[]): Reception {
  return {
    state,
    waiting,
    taken: [],
    completions: [],
    acknowledged: [],
    settled: [],
    refused: [],
    unjudged: [],
    equivocations: [],
    otherBranches: [],
  }
}

/** Combines two consecutive receptions. */
export function joined(first: Reception, then: Reception): Reception {
  return {
    state: then.state,
    waiting: then.waiting,
    taken: [...first.taken, ...then.taken],
    completions: [...first.completions, ...then.completions],
    acknowledged: [...first.acknowledged, ...then.acknowledged],
    settled: [...first.settled, ...then.settled],
    refused: [...first.refused, ...then.refused],
    unjudged: [...first.unjudged, ...then.unjudged],
    equivocations: [...first.equivocations, ...then.equivocations],
    otherBranches: [...first.otherBranches, ...then.otherBranches],
  }
}
