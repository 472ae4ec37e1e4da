import { Rejection } from '../rejection.ts'

/** The steps that the rules of one request may take, whatever they take them for: values, conditions, and who may and must. */
export class StepBudget {
  steps: number
  /** On whose account the last were taken that were not for a value. */
  #rule = 0

  constructor(steps: number) {
    this.steps = steps
  }

  spend(steps: number, rule: number): void {
    this.steps -= steps
    this.#rule = rule
  }

  /** Undefined: there are some left. */
  get overspent(): Rejection | undefined {
    return this.steps < 0 ? new Rejection('rule_over_budget', [String(this.#rule), 'requestSteps']) : undefined
  }
}
