/** A cache of the values used last: a sender of many different keys cannot fill the memory. */
export class BoundedCache<Value> {
  readonly #sizeMax: number
  /** In the order of their last use: a Map keeps that of insertion, so each use inserts anew. */
  readonly #values = new Map<string, Value>()

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  get size(): number {
    return this.#values.size
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key)
    if (value !== undefined) this.set(key, value)
    return value
  }

  set(key: string, value: Value): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= this.#sizeMax) return
    for (const [oldest] of this.#values) {
      this.#values.delete(oldest)
      return
    }
  }
}
