/** A JSON number that a double does not keep as it is written: `1.10`, `1e400`, `9007199254740993`. */
export class WrittenNumber {
  /** As JSON writes numbers. */
  readonly digits: string

  constructor(digits: string) {
    this.digits = digits
  }
}
