import type { Clock } from '../../src/runtime/clock.ts'

interface Timer {
  readonly at: number
  readonly order: number
  readonly callback: () => void
  cancelled: boolean
}

/** Time that passes only when the simulation says so. Everything that waits, waits for a timer here. */
export class VirtualClock implements Clock {
  #now = Date.UTC(2026, 0, 1)
  #order = 0
  #timers: Timer[] = []

  now(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback, cancelled: false }
    this.#insert(timer)
    return () => {
      timer.cancelled = true
    }
  }

  /** Fires what is due until then, one timer after another, each with all that follows from it at once. */
  async runUntil(time: number): Promise<void> {
    await settleMicrotasks()
    for (;;) {
      const next = this.#timers[0]
      if (next === undefined || next.at > time) break
      this.#timers.shift()
      if (next.cancelled) continue
      this.#now = Math.max(this.#now, next.at)
      next.callback()
      await settleMicrotasks()
    }
    this.#now = Math.max(this.#now, time)
  }

  #insert(timer: Timer): void {
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#timers[middle] as Timer
      if (other.at < timer.at || (other.at === timer.at && other.order < timer.order)) low = middle + 1
      else high = middle
    }
    this.#timers.splice(low, 0, timer)
  }
}

/** Until nothing is left that could go on without time passing: the queue of immediates comes after all microtasks. */
export function settleMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
