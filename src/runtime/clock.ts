/** Time and timers as the edges see them. Injected, so that the simulator can drive them. No clock decides a ledger entry. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Calls back once, `delayMs` from now at the earliest. The answer cancels it. */
  after(delayMs: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** RFC 3339, UTC, milliseconds: the one form that statements use. */
export function timestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString()
}
