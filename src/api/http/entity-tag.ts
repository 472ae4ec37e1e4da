import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { sha256 } from '../../crypto/hash.ts'
import { RequestMalformed } from './validation.ts'

/** The strong tag of a representation: other bytes, or another media type, have another (RFC 9110 §8.8.3). */
export function entityTag(mediaType: string, body: string | Buffer): string {
  return `"${sha256(`${mediaType}\n${typeof body === 'string' ? body : body.toString('latin1')}`)}"`
}

/** The same of a text in UTF-8. */
export function entityTagOfUtf8(mediaType: string, bytes: Uint8Array): string {
  return `"${createHash('sha256').update(`${mediaType}\n`).update(bytes).digest('hex')}"`
}

/** What `If-Match` or `If-None-Match` names. */
type Named = '*' | readonly { readonly isWeak: boolean; readonly tag: string }[]

const TAG = /^(W\/)?("[\x21\x23-\x7e\x80-\uffff]*")$/
/** Between tags: a comma may stand in one. */
const BETWEEN = /,(?=(?:[^"]*"[^"]*")*[^"]*$)/

/** Undefined: it is neither `*` nor a list of tags. */
function namedIn(header: string): Named | undefined {
  if (header.trim() === '*') return '*'
  const parts = header.split(BETWEEN).map((part) => part.trim())
  const tags = parts.filter((part) => part !== '').map((part) => TAG.exec(part))
  if (tags.some((tag) => tag === null)) return undefined
  return tags.map((found) => ({ isWeak: found?.[1] !== undefined, tag: found?.[2] ?? '' }))
}

/** Throws RequestMalformed. */
function askedIn(headers: IncomingHttpHeaders, name: 'if-match' | 'if-none-match'): Named | undefined {
  const header = headers[name]
  if (header === undefined) return undefined
  const named = namedIn(header)
  if (named !== undefined) return named
  throw new RequestMalformed('request_malformed', `${name} is a list of entity tags, or *`, { header: name })
}

/**
 * Whether `If-None-Match` of a read names the tag, by the weak comparison (RFC 9110 §13.1.2). What is no list names none: then all is
 * shown, which is what the client can do with in any case.
 */
export function namesTag(header: string | undefined, tag: string): boolean {
  const named = header === undefined ? undefined : namedIn(header)
  return named === '*' || named?.some((one) => one.tag === tag) === true
}

/**
 * What the headers ask of what stands there: `tags` are those of all its representations, none where there is nothing to be shown.
 * `If-Match` compares strongly, `If-None-Match` weakly (RFC 9110 §13.1). Undefined: they ask for nothing. Throws RequestMalformed.
 */
export function preconditionIn(headers: IncomingHttpHeaders): ((tags: readonly string[]) => boolean) | undefined {
  const match = askedIn(headers, 'if-match')
  const noneMatch = askedIn(headers, 'if-none-match')
  if (match === undefined && noneMatch === undefined) return undefined
  const names = (named: Named, tags: readonly string[], isStrong: boolean) =>
    named === '*' ? tags.length > 0 : named.some(({ isWeak, tag }) => !(isStrong && isWeak) && tags.includes(tag))
  return (tags) =>
    (match === undefined || names(match, tags, true)) && (noneMatch === undefined || !names(noneMatch, tags, false))
}
