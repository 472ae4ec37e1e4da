import type { AgreementState } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import type { About } from '../../events/about.ts'
import type { RequestRef } from '../../events/ids.ts'
import type { RefusalCode } from '../../events/reasons.ts'
import type { Request } from '../../events/statement.ts'

/** A request of another party that this node is to answer. */
export interface Asked {
  readonly ref: RequestRef
  readonly request: Request
  readonly held: VerifiedStatement
  readonly state: AgreementState
  /** Whether the answer may wait, for values or for a person. */
  readonly mayWait: boolean
}

/** What this node refuses a request for. */
export interface Grounds {
  readonly code: RefusalCode
  readonly about?: About | undefined
}

/** Whether there are grounds to refuse it. `waits`: that is not known yet. Undefined: there are none. */
export type Finding = Grounds | 'waits' | undefined

export function byPolicy(reason: string): Grounds {
  return { code: 'policy', about: { text: reason.toWellFormed() } }
}
