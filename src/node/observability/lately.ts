/** How long growth is reported after it happened. Milliseconds. */
const TOLD_FOR_MS = 600_000

/** Which counters have grown lately, and by how much since that began. */
export class Lately<Key = void> {
  readonly #seen = new Map<Key, { readonly since: number; readonly count: number; readonly at: number }>()

  /** `counts`: each only ever grows. */
  grown(counts: ReadonlyMap<Key, number>, now: number): Map<Key, number> {
    const found = new Map<Key, number>()
    for (const [key, count] of counts) {
      const known = this.#seen.get(key) ?? { since: 0, count: 0, at: Number.NEGATIVE_INFINITY }
      const isTold = now - known.at < TOLD_FOR_MS
      if (count > known.count) this.#seen.set(key, { since: isTold ? known.since : known.count, count, at: now })
      const { since, at } = this.#seen.get(key) ?? known
      if (now - at < TOLD_FOR_MS) found.set(key, count - since)
    }
    return found
  }
}
