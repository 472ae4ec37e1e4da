import canonicalize from 'canonicalize'
import { assert } from '../runtime/assert.ts'

/**
 * Canonical JSON, RFC 8785 (JCS).
 * Throws on what JSON cannot carry unchanged: NaN, infinities, lone surrogates, cycles.
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value)
  assert(text !== undefined, 'only JSON values have a canonical form')
  return text
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
