/** What a peer says is good to a second, and took some time to arrive. Milliseconds. */
const CLOCK_WARNING_MS = 5_000

/** By how much a clock that said that second is ahead of this one: on the average half a second had gone by. Milliseconds. */
export function aheadOf(said: number, now: number): number {
  return said + 500 - now
}

/**
 * Of several that disagree the one in the middle counts: one party whose clock is wrong says nothing of ours. Of two in the middle
 * the nearer: a half is not most of them.
 */
export function medianOf(aheadMs: readonly number[]): number | undefined {
  const sorted = aheadMs.toSorted((a, b) => a - b)
  const [lower, upper] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]]
  if (lower === undefined || upper === undefined) return undefined
  return Math.abs(lower) < Math.abs(upper) ? lower : upper
}

export function isOff(aheadMs: number | undefined): boolean {
  return Math.abs(aheadMs ?? 0) > CLOCK_WARNING_MS
}
