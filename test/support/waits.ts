/** So long nothing new has come: whatever was under way waits by now. Turns of the event loop, and milliseconds. */
const QUIET_TURNS = 30
const QUIET_MS = 6

/**
 * Counts how often something waits in sequence: all that waits at one moment goes on together, and only when nothing else is under
 * way. So each wait takes as long as any other, however fast the machine is. What is counted has to be in this process.
 */
export class Waits {
  /** What waited together, one after another. */
  readonly steps: string[][] = []
  #held: { readonly what: string; readonly goOn: () => void }[] = []
  #turns = 0
  #since = 0
  #isOver = true

  /** Resolves with the next step. At once, while nothing is counted. */
  readonly wait = (what: string): Promise<void> => {
    if (this.#isOver) return Promise.resolve()
    this.#touched()
    return new Promise((goOn) => this.#held.push({ what, goOn }))
  }

  /** How many steps it takes. */
  async count(work: () => Promise<unknown>): Promise<number> {
    this.steps.length = 0
    this.#isOver = false
    this.#touched()
    this.#watch()
    try {
      await work()
    } finally {
      this.#isOver = true
      for (const { goOn } of this.#held.splice(0)) goOn()
    }
    return this.steps.length
  }

  /** The steps of the last count, as far as something was written. */
  get shown(): string {
    const kinds = (step: readonly string[]) => [...new Set(step.map((what) => what.replace(/-?0[0-9a-z]{51}.*/, '')))]
    return this.steps.map((step) => kinds(step).join(' + ')).join('; ')
  }

  #touched(): void {
    this.#turns = 0
    this.#since = performance.now()
  }

  #watch(): void {
    if (this.#isOver) return
    this.#turns++
    if (this.#held.length > 0 && this.#turns > QUIET_TURNS && performance.now() - this.#since > QUIET_MS) {
      const held = this.#held.splice(0)
      this.steps.push(held.map(({ what }) => what))
      this.#touched()
      for (const { goOn } of held) goOn()
    }
    setImmediate(() => this.#watch())
  }
}
