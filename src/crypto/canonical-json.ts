import canonicalize from 'canonicalize'
import { ConcordataError } from '../runtime/errors.ts'

/** A value has no canonical JSON: NaN, infinities, lone surrogates, cycles, undefined. */
export class NotCanonicalizable extends ConcordataError {}

/**
 * Canonical JSON, RFC 8785 (JCS).
 * Throws NotCanonicalizable on what JSON cannot carry unchanged.
 */
export function canonicalJson(value: unknown): string {
  try {
    const text = canonicalize(value)
    if (text !== undefined) return text
  } catch (cause) {
    throw new NotCanonicalizable('json_not_canonicalizable', 'the value has no canonical JSON', {}, { cause })
  }
  throw new NotCanonicalizable('json_not_canonicalizable', 'undefined has no canonical JSON')
}

/**
 * True if `text` is exactly the canonical JSON of what it parses to. Catches what a parser silently repairs:
 * duplicate keys, rounded integers, escapes, white space, lone surrogates.
 */
export function isCanonicalJson(text: string, parsed: unknown): boolean {
  try {
    return canonicalJson(parsed) === text
  } catch {
    return false
  }
}
