/** The requests of some clients that are under way. */
export class UnderWay {
  #count = 0
  #waiting: { readonly count: number; readonly resolve: (count: number) => void }[] = []

  get count(): number {
    return this.#count
  }

  began(): void {
    this.#count++
    for (const { count, resolve } of this.#waiting) if (this.#count >= count) resolve(this.#count)
    this.#waiting = this.#waiting.filter(({ count }) => this.#count < count)
  }

  ended(): void {
    this.#count--
  }

  /** Resolves, with how many, as soon as there are so many. */
  reached(count: number): Promise<number> {
    if (this.#count >= count) return Promise.resolve(this.#count)
    return new Promise((resolve) => this.#waiting.push({ count, resolve }))
  }
}
