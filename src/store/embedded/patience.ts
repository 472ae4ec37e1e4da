import { setTimeout } from 'node:timers/promises'
import { StoreLocked } from '../errors.ts'

/** Pauses between attempts: they double, from the one up to the other. Milliseconds. */
const PAUSE_MIN_MS = 1
const PAUSE_MAX_MS = 50

/**
 * Retries while another process holds a lock, with pauses in which this process does its other work. SQLite's own
 * waiting would block the event loop (decision 0061).
 */
export class Patience {
  readonly #endsAt: number
  #pauseMs = PAUSE_MIN_MS

  /** From the first failure on. */
  constructor(limitMs: number) {
    this.#endsAt = performance.now() + limitMs
  }

  /** How long to pause before the next attempt; undefined if there is to be none. */
  pauseAfter(error: unknown): number | undefined {
    const leftMs = this.#endsAt - performance.now()
    if (!(error instanceof StoreLocked) || leftMs <= 0) return undefined
    const pauseMs = Math.min(this.#pauseMs, leftMs)
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MAX_MS)
    return pauseMs
  }
}

/** Attempts it, the first time at once, for so long as StoreLocked is all that is thrown. */
export async function patiently<T>(limitMs: number, attempt: () => T): Promise<T> {
  for (let patience: Patience | undefined; ; ) {
    try {
      return attempt()
    } catch (error) {
      patience ??= new Patience(limitMs)
      const pauseMs = patience.pauseAfter(error)
      if (pauseMs === undefined) throw error
      await setTimeout(pauseMs)
    }
  }
}
