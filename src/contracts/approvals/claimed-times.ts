import { isExempt } from '../../aggregates/contract/rules/request-rules.ts'
import { wouldReadTime } from '../../aggregates/contract/rules/rules-in-force.ts'
import type { AgreementState } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import type { Request } from '../../events/statement.ts'
import type { Clock } from '../../runtime/clock.ts'

/** How far from the own clock a time that rules read may be (design §5a). Milliseconds. */
export const TIME_TOLERANCE_MS = 5 * 60_000

/** Whether a request is judged by its time: by rules that are in force, or that it publishes. */
export function isJudgedByTime({ ledger: { document, engines } }: AgreementState, { commands }: Request): boolean {
  if (engines.readsTime(document)) return !isExempt(commands)
  return wouldReadTime(document) && commands.some(({ type }) => type === 'PublishRules')
}

/** The times that statements claim, beside the clock of this node when it first looks at each. */
export class ClaimedTimes {
  readonly #clock: Clock
  readonly #areOff = new WeakMap<VerifiedStatement, boolean>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The first answer stays: a statement that waits for a person does not become late by that. */
  isOff(held: VerifiedStatement): boolean {
    const known = this.#areOff.get(held)
    if (known !== undefined) return known
    // What is no time at all is not within anything.
    const isOff = !(Math.abs(this.#clock.now() - Date.parse(held.statement.time)) <= TIME_TOLERANCE_MS)
    this.#areOff.set(held, isOff)
    return isOff
  }
}
