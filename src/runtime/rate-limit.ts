export interface Rate {
  readonly perSecond: number
  /** How much can be taken at once by who has taken nothing for a while. */
  readonly burst: number
}

interface Bucket {
  level: number
  /** When `level` was right, in milliseconds of `now`. */
  at: number
}

/** Callers that are remembered. Who has been silent the longest is forgotten first, and finds a full bucket then. */
const KEYS_MAX = 10_000

/**
 * Token buckets, one a caller. What is taken may exceed what is left, once: how much a call costs is known only when all
 * of it has come. Then the caller waits until the debt is paid.
 */
export class RateLimit<Key> {
  readonly #rate: Rate
  readonly #now: () => number
  readonly #buckets = new Map<Key, Bucket>()
  /** The one that stands last in there. */
  #last: Bucket | undefined

  /** `now`: milliseconds of a clock that does not go back. */
  constructor(rate: Rate, now: () => number) {
    this.#rate = rate
    this.#now = now
  }

  /** Milliseconds until the caller may go on; 0: now. Takes nothing. */
  waitMs(key: Key): number {
    return this.#waitOf(this.#bucketOf(key))
  }

  /** Takes one, if the caller may go on: as `waitMs`. */
  takeOne(key: Key): number {
    const bucket = this.#bucketOf(key)
    const waitMs = this.#waitOf(bucket)
    if (waitMs === 0) bucket.level -= 1
    return waitMs
  }

  take(key: Key, amount: number): void {
    this.#bucketOf(key).level -= amount
  }

  #waitOf({ level }: Bucket): number {
    return level >= 1 ? 0 : Math.ceil(((1 - level) / this.#rate.perSecond) * 1000)
  }

  #bucketOf(key: Key): Bucket {
    const { perSecond, burst } = this.#rate
    const now = this.#now()
    const known = this.#buckets.get(key) ?? { level: burst, at: now }
    known.level = Math.min(burst, known.level + (Math.max(0, now - known.at) / 1000) * perSecond)
    known.at = now
    if (known === this.#last) return known
    this.#last = known
    // At the end again: a Map keeps the order of insertion.
    this.#buckets.delete(key)
    this.#buckets.set(key, known)
    if (this.#buckets.size > KEYS_MAX) this.#buckets.delete(this.#buckets.keys().next().value as Key)
    return known
  }
}
