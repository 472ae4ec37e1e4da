import { assert } from '../../../runtime/assert.ts'
import { Rejection } from '../rejection.ts'

/**
 * The steps that the rules of one request may take, or of all change sets that one request completes, whatever they take them for:
 * values, conditions, and who may and must. It begins with one at least: whoever has overspent it has taken some for a rule.
 */
export class StepBudget {
  #left: number
  /** On whose account the last were taken. */
  #rule: number | undefined

  /** Requires 0 < steps. */
  constructor(steps: number) {
    assert(steps > 0, 'whoever may take no step can overspend before any rule was looked at')
    this.#left = steps
  }

  /** Below zero where more were taken than there were. */
  get left(): number {
    return this.#left
  }

  spend(steps: number, rule: number): void {
    this.#left -= steps
    this.#rule = rule
  }

  /** Undefined: there are some left, or just none. */
  get overspent(): Rejection | undefined {
    if (this.#left >= 0) return undefined
    assert(this.#rule !== undefined, 'what is overspent has been spent for a rule')
    return new Rejection('rule_over_budget', [String(this.#rule), 'requestSteps'])
  }
}
