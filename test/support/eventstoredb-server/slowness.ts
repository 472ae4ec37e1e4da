export type Work = 'append' | 'read' | 'subscription'

/** What the server stands still in the middle of, until it goes on. */
export class Slowness {
  readonly #left = new Map<Work, number>()
  #waiting: (() => void)[] = []

  /** After so many steps: each append is one, and of readings and subscriptions each event. */
  stall(work: Work, steps = 0): void {
    this.#left.set(work, steps)
  }

  /** How much stands still. */
  get standing(): number {
    return this.#waiting.length
  }

  /** What comes from now on is done, and what stands still goes on standing. */
  letPass(): void {
    this.#left.clear()
  }

  /** What stands still is done now, and what comes from now on stands still. */
  letGo(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** Whatever stands still is done now. */
  goOn(): void {
    this.#left.clear()
    this.letGo()
  }

  /** Resolves when the step may be done. */
  async step(work: Work): Promise<void> {
    const left = this.#left.get(work)
    if (left === undefined) return
    if (left > 0) this.#left.set(work, left - 1)
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
