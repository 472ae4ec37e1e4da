import type { VerifiedStatement } from './verified-statement.ts'

/**
 * When a request was made: the lower median of the times that its author claims, and that those do who have answered it. One of
 * two can put it back, and nobody can put it forward beyond what the others claim. RFC 3339.
 */
export function requestTime(held: VerifiedStatement, answers: readonly VerifiedStatement[]): string {
  // All of one length and in UTC, so that their order as texts is that in time.
  const times = [held, ...answers].map(({ statement }) => statement.time).sort()
  return times[(times.length - 1) >> 1] as string
}
