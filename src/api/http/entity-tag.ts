import { sha256 } from '../../crypto/hash.ts'

/** The strong tag of a representation: other bytes, or another media type, have another (RFC 9110 §8.8.3). */
export function entityTag(mediaType: string, body: string): string {
  return `"${sha256(`${mediaType}\n${body}`)}"`
}

/** Whether a list of tags, as `If-None-Match` has it, names one of them: by the weak comparison, which is the one for reads. */
export function namesTag(header: string | undefined, tag: string): boolean {
  const named = header?.split(',').map((one) => one.trim().replace(/^W\//, ''))
  return named?.some((one) => one === '*' || one === tag) ?? false
}
