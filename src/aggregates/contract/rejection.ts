import type { VoidCode } from '../../events/outcome.ts'

/** A command breaks a rule. Not an error: it makes the request void. */
export class Rejection {
  readonly code: VoidCode
  /** What it collides with; what stands here for which code: see `VoidReason`. */
  readonly with: readonly string[]

  constructor(code: VoidCode, others: readonly string[] = []) {
    this.code = code
    this.with = others
  }
}
