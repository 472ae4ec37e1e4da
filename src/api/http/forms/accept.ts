import { ConcordataError } from '../../../runtime/errors.ts'

/** The client accepts none of the forms in which this can be written. Evidence: `options`. */
export class NotAcceptable extends ConcordataError {}

/** The forms in which a document is shown (decision 0132). */
export const mediaTypes = {
  text: 'text/plain; charset=utf-8',
  json: 'application/json',
  xml: 'application/xml',
  csv: 'text/csv; charset=utf-8; header=present',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
} as const
export type Format = keyof typeof mediaTypes
export const formats = Object.keys(mediaTypes) as readonly Format[]

interface Range {
  readonly type: string
  readonly quality: number
  readonly place: number
}

/** As clients write it: Java's `q=.2`, and more digits than the three of RFC 9110 §12.4.2. */
const Q = /^q\s*=\s*(0?\.\d{1,20}|0\.?|1(?:\.0{0,20})?)$/

/**
 * The form that a client likes best (RFC 9110 §12.5.1): of equal quality what it names before what it takes as well, and what it
 * names first. `offered`: the server's own choice first. Throws NotAcceptable.
 */
export function formatFor(accept: string | undefined, offered: readonly [Format, ...Format[]]): Format {
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return offered[0]
  const ranges = rangesIn(accept)
  let best: (Found & { readonly format: Format }) | undefined
  for (const format of offered) {
    const matching = ranges.map((range) => ({ range, specificity: specificityOf(range.type, format) }))
    const [found] = matching.filter(({ specificity }) => specificity > 0).sort((a, b) => b.specificity - a.specificity)
    if (found === undefined || found.range.quality === 0) continue
    if (best === undefined || isBetter(found, best)) best = { format, ...found }
  }
  if (best !== undefined) return best.format
  throw notAcceptable(offered)
}

export function notAcceptable(offered: readonly Format[]): NotAcceptable {
  const options = offered.map((format) => mediaTypes[format].split(';', 1)[0])
  return new NotAcceptable('not_acceptable', `it is shown as ${options.join(', ')}`, { options })
}

type Found = { readonly range: Range; readonly specificity: number }

function isBetter(one: Found, other: Found): boolean {
  if (one.range.quality !== other.range.quality) return one.range.quality > other.range.quality
  if (one.specificity !== other.specificity) return one.specificity > other.specificity
  return one.range.place < other.range.place
}

function rangesIn(accept: string): Range[] {
  return accept.split(',').flatMap(rangeOf)
}

/** Whether a client takes this type, likes none better, and names none before it that it likes as well. */
export function isNamedFirst(accept: string | undefined, type: string): boolean {
  const ranges = accept === undefined ? [] : rangesIn(accept)
  const named = ranges.find((range) => range.type === type)
  if (named === undefined || named.quality === 0) return false
  return ranges.every(({ place, quality }) =>
    quality === named.quality ? place >= named.place : quality < named.quality,
  )
}

/** What is no range is passed over, as what the client would take besides. */
function rangeOf(text: string, place: number): Range[] {
  const [said = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  // Java's HttpURLConnection says `*` as well.
  const type = said === '*' ? '*/*' : said
  if (!type.includes('/')) return []
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))
  if (weight === undefined) return [{ type, quality: 1, place }]
  const quality = Q.exec(weight)?.[1]
  return quality === undefined ? [] : [{ type, quality: Number(quality), place }]
}

/** 0: it does not match. */
function specificityOf(range: string, format: Format): 0 | 1 | 2 | 3 {
  const [type = ''] = mediaTypes[format].split(';', 1)
  if (range === type || (format === 'xml' && range === 'text/xml')) return 3
  if (range === `${type.split('/', 1)[0]}/*` || (format === 'xml' && range === 'text/*')) return 2
  return range === '*/*' ? 1 : 0
}
