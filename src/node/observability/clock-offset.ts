/** What a peer says is good to a second, and took some time to arrive. Milliseconds. */
export const CLOCK_WARNING_MS = 5_000

/** By how much a clock that said that second is ahead of this one: on the average half a second had gone by. Milliseconds. */
export function aheadOf(said: number, now: number): number {
  return said + 500 - now
}

/** Of several that disagree the one in the middle counts: one party whose clock is wrong says nothing of ours. */
export function medianOf(aheadMs: readonly number[]): number | undefined {
  return aheadMs.toSorted((a, b) => a - b)[Math.floor(aheadMs.length / 2)]
}
