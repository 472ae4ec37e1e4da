/** A rule of the protocol taken out of the code. */
export interface Break {
  readonly name: string
  readonly file: string
  /** Stands in the file once. */
  readonly from: string
  readonly to: string
  /** The quick test that is there for it; left out: whatever notices first. */
  readonly caughtBy?: string
}
