import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { Handle, LedgerIndex, RequestRef, Uid } from '../../events/ids.ts'
import type { VoidCode } from '../../events/outcome.ts'

/** Where in the ledger a request is decided, and what of the ledger the rules may look at. */
export interface DecideContext {
  readonly contract: Uid
  readonly index: LedgerIndex
  readonly author: Handle
  readonly request: RequestRef
  /** The opened seal; undefined if the value has been taken (erased). */
  reveal(seal: Hash): { readonly value: unknown } | undefined
  /** The ledger's root at a size up to `index`; undefined beyond. */
  rootAt(size: number): Hash | undefined
}

/** A command breaks a rule. Not an error: it makes the request void. */
export class Rejection {
  readonly code: VoidCode
  readonly with: readonly string[] | undefined

  constructor(code: VoidCode, others?: readonly string[]) {
    this.code = code
    this.with = others
  }
}

export type Decision = readonly ContractEvent[] | Rejection
