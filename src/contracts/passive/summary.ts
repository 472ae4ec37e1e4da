import {
  type ContractState,
  type EngineVote,
  formerOf,
  invitationOf,
  memberOf,
  membersOf,
} from '../../aggregates/contract/state.ts'
import type { AgreementState } from '../../agreement/state.ts'
import type { EngineVersion, Handle, Uid } from '../../events/ids.ts'
import type { Head } from '../../events/statement.ts'
import { settledHead, tierReached } from '../signing/cosigned-notes.ts'

/** A contract in a list. */
export interface ContractSummary extends Head {
  readonly contract: Uid
  readonly title: string
  readonly standing: 'member' | 'invited' | 'resigned' | 'stranger'
  readonly members: readonly Handle[]
  /** As of the agreed view, like all of it. */
  readonly engine: EngineVersion
  readonly engineVotes: readonly EngineVote[]
  readonly phase: ContractState['phase']
  readonly tier: 1 | 3 | 4
  readonly self: Handle
}

/** Undefined for one that has not begun: nothing of it has been acknowledged. */
export function summaryOf(state: AgreementState, self: Handle): ContractSummary | undefined {
  const { ledger, settling, contract } = state
  if (ledger.log.size === 0) return undefined
  return {
    contract,
    title: ledger.document.title,
    standing: standingIn(settling.agreed, self),
    members: membersOf(settling.agreed).map(({ card }) => card.handle),
    engine: settling.agreed.engine,
    engineVotes: settling.agreed.engineVotes,
    phase: settling.agreed.phase,
    ...settledHead(state),
    tier: tierReached(state),
    self,
  }
}

/** Whether this node's party is on the contract, as far as it is settled: what is only acknowledged nobody can act on. */
export function standingIn(agreed: ContractState, self: Handle): ContractSummary['standing'] {
  if (memberOf(agreed, self) !== undefined) return 'member'
  if (invitationOf(agreed, self) !== undefined) return 'invited'
  return formerOf(agreed, self) === undefined ? 'stranger' : 'resigned'
}
