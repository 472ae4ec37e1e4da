/** After the first failure, and four times as much after each that follows, up to the most. Milliseconds. */
const FIRST_PAUSE_MS = 5_000
const PAUSE_MAX_MS = 2 * 3600_000
/** By how much a pause may be shorter or longer, so that messages which have failed together do not all come again together. */
const JITTER = 0.2
/** How long it is tried to deliver a message. */
export const RETRIED_FOR_MS = 3 * 24 * 3600_000

/** After how many failures in a row, of whatever messages, a receiver counts as down: then it is tried with one message at a time. */
export const DOWN_AFTER = 5
const DOWN_PAUSE_MAX_MS = 5 * 60_000

export interface Failing {
  /** When the first attempt at this message failed; milliseconds since the epoch, like all. */
  readonly first: number
  readonly attempts: number
}

/**
 * When the next attempt is due; undefined: there is none any more. `fraction`: drawn from [0, 1). `asked`: how long the receiver asks
 * to be left alone, in milliseconds.
 */
export function nextAttempt(
  { attempts, first }: Failing,
  now: number,
  fraction: number,
  asked: number | undefined,
): number | undefined {
  const pause = Math.min(FIRST_PAUSE_MS * 4 ** Math.min(attempts - 1, 16), PAUSE_MAX_MS)
  const drawn = pause * (1 - JITTER + 2 * JITTER * fraction)
  const next = now + Math.round(Math.max(drawn, Math.min(asked ?? 0, PAUSE_MAX_MS)))
  return next - first > RETRIED_FOR_MS ? undefined : next
}

/** How long a receiver is left alone that has failed so often in a row. */
export function pauseAfter(failuresInARow: number, fraction: number): number {
  if (failuresInARow < DOWN_AFTER) return 0
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failuresInARow - DOWN_AFTER, 16), DOWN_PAUSE_MAX_MS)
  return Math.round(pause * (1 - JITTER + 2 * JITTER * fraction))
}

/** When what waits is tried again once the receiver has taken something: it may be up again, or not take this one message. */
export const TRIED_AGAIN_MS = DOWN_PAUSE_MAX_MS

/** RFC 9110 §5.6.7, in the one form that is to be written. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** `Retry-After` (RFC 9110 §10.2.3) in milliseconds from now on. */
export function retryAfterIn(header: string | readonly string[] | undefined, now: number): number | undefined {
  if (typeof header !== 'string') return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const date = HTTP_DATE.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
