import type { Acknowledged } from '../../agreement/ledger.ts'

/**
 * Settled entries that nobody has been told of yet. They are told when they stand in the ledger of the store, which another
 * process of the party may write (decision 0054).
 */
export class UntoldEntries {
  #untold: readonly Acknowledged[]
  /** How much of the ledger stands in the store, as far as is known. */
  #stored: number

  constructor(settled: readonly Acknowledged[], stored: number) {
    this.#untold = settled
    this.#stored = stored
  }

  get isEmpty(): boolean {
    return this.#untold.length === 0
  }

  add(settled: readonly Acknowledged[]): void {
    if (settled.length > 0) this.#untold = [...this.#untold, ...settled]
  }

  /** The ledger in the store has that many entries, or more. */
  stored(size: number): void {
    this.#stored = Math.max(this.#stored, size)
  }

  /** Those that stand there by now, once each; oldest first. */
  take(): readonly Acknowledged[] {
    const standing = this.#untold.filter(({ entry }) => entry.index < this.#stored)
    if (standing.length > 0) this.#untold = this.#untold.slice(standing.length)
    return standing
  }
}
