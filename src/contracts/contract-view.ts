import type { Equivocation } from '../agreement/reception.ts'
import type { AgreementState } from '../agreement/state.ts'
import type { EngineVersion, Handle, Uid } from '../events/ids.ts'
import type { SignedStatement } from '../events/statement-codec.ts'
import type { Duties } from './duties.ts'

/** One contract as the parts of its replica see it. Only the loop in live-contract.ts changes what they see. */
export interface ContractView {
  readonly contract: Uid
  readonly self: Handle
  readonly duties: Duties
  /** What is held, all of it durable. */
  readonly state: AgreementState
  /** The store has more of it, behind values that it has lost ⇒ nothing is signed, and no statement taken in, until they are here. */
  readonly isCutShort: boolean
  /** Proofs that a party has signed two statements for one place, one a party. */
  readonly evidence: readonly Equivocation[]
  /** Statements that run ahead of what is held. */
  readonly waiting: readonly SignedStatement[]
  /** The engine that the contract goes on in, should this node not have it. */
  readonly engineUnknown: EngineVersion | undefined
  /** Nothing is taken in or made any more. */
  readonly isClosed: boolean
  /** Has the loop take a turn, or one more after the one under way. */
  wake(): void
  /** Resolves when what the store has is taken in, as far as it can be. Throws what the store throws. */
  readStore(): Promise<void>
  /** Resolves when the whole history is in memory. Throws ContractDamaged, and what the store throws. */
  recall(): Promise<void>
}
