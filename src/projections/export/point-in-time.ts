import { ConcordataError } from '../../runtime/errors.ts'
import type { Cut } from '../fold.ts'

/** What is asked for does not go together, or there is no such point. */
export class RebuildUnfit extends ConcordataError {}

/** A point in a ledger: an entry, the last one that counts, or a time. */
export type PointInTime = { readonly index: number } | { readonly time: string }

const INDEX = /^(0|[1-9][0-9]{0,14})$/
const TIME = /^\d{4}-\d\d-\d\d(T(?!24)\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/

/** `17`, or a time of RFC 3339, of which milliseconds count: `2026-01-31` (its first moment, UTC), `2026-01-31T12:00:00+01:00`. Throws RebuildUnfit. */
export function parsePointInTime(text: string): PointInTime {
  if (INDEX.test(text)) return { index: Number(text) }
  const time = TIME.test(text) && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN
  const said = Number.isNaN(time) ? '' : new Date(time).toISOString()
  // Years of five digits, and those before 0000, begin with a sign: as texts they come before all times of statements.
  if (!/^\d/.test(said)) {
    const message = `${text} is neither the index of a ledger entry nor a time such as 2026-01-31T12:00:00Z`
    throw new RebuildUnfit('rebuild_unfit', message, { at: text })
  }
  return { time: said }
}

/** `Date` takes the 30th of February for the 2nd of March. */
function isDay(day: string): boolean {
  const time = Date.parse(day)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day)
}

/**
 * Entries carry no time; the statements that carry their requests do, by their authors' claim. A ledger ends, for a time,
 * before the first entry whose statement claims a later one, whatever comes after: so it is a prefix of the ledger, and the
 * same for everybody who holds it. A claim proves nothing. Times compare as the texts that they are in statements.
 */
export function cutAt(point: PointInTime): Cut {
  return 'index' in point ? ({ index }) => index > point.index : ({ time }) => time > point.time
}
