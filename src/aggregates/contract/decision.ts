import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import { type Handle, type LedgerIndex, type ProposalId, type RequestRef, requestKey, type Uid } from '../../events/ids.ts'
import type { VoidCode } from '../../events/outcome.ts'

/** The ledger entry that events stand in: a `LedgerEntry` is one, so a ledger rebuilds the state that it came from. */
export interface Origin {
  readonly index: LedgerIndex
  readonly request: RequestRef
}

/** Where in the ledger a request is decided, and what of the ledger the rules may look at. */
export interface DecideContext extends Origin {
  readonly contract: Uid
  /** Requires a member, or the founder-to-be of a contract that is not open: whose requests count is not decided here. */
  readonly author: Handle
  /** The opened seal; undefined if the value has been taken (erased). */
  reveal(seal: Hash): { readonly value: unknown } | undefined
  /** The ledger's root at a size up to `index`; undefined beyond. */
  rootAt(size: number): Hash | undefined
}

/** The same for one of the commands of the request. */
export interface CommandContext {
  readonly ledger: DecideContext
  readonly author: Handle
  /** Its place in the request, from 0. */
  readonly place: number
}

/** A command breaks a rule. Not an error: it makes the request void. */
export class Rejection {
  readonly code: VoidCode
  /** What it collides with; what that is follows from the code (events/outcome.ts). */
  readonly with: readonly string[]

  constructor(code: VoidCode, others: readonly string[] = []) {
    this.code = code
    this.with = others
  }
}

export type Decision = readonly ContractEvent[] | Rejection

/** A proposal is named by the command that makes it. */
export function proposalId(request: RequestRef, place: number): ProposalId {
  return `${requestKey(request)}.${place}` as ProposalId
}
