import { domains, sha256 } from '../crypto/hash.ts'
import type { NewEvent } from './port.ts'

/**
 * The name of a fact: a UUID of version 8 (RFC 9562 §5.8), that is the first 128 bits of SHA-256 over the domain line, the
 * type, a line break and the data, with six of them overwritten by version and variant. The stream has no part in it.
 * So a store that knows a repeated append by its ids (EventStoreDB) comes to the same verdict as one that compares.
 */
export function eventId({ type, data }: NewEvent): string {
  const hex = sha256(`${domains.eventId}${type}\n${data}`)
  // Variant 10xx, in binary: the upper two bits of the digit are fixed.
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) & 0b11)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
