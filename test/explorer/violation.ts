/** A law of the agreement does not hold. `evidence`: what contradicts what; `trace`: the actions that led there. */
export class Violation extends Error {
  readonly evidence: readonly string[]
  readonly trace: readonly string[]

  constructor(law: string, evidence: readonly string[], trace: readonly string[] = []) {
    super(
      [law, ...evidence.map((line) => `  ${line}`), ...trace.map((action, step) => `${step + 1}. ${action}`)].join(
        '\n',
      ),
    )
    this.name = 'Violation'
    this.evidence = evidence
    this.trace = trace
    this.law = law
  }

  readonly law: string

  /** The same, with the way that led to it. */
  after(trace: readonly string[]): Violation {
    return new Violation(this.law, this.evidence, trace)
  }
}
