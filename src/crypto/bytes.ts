import { primitives } from './primitives.ts'

export const utf8 = (text: string): Uint8Array => primitives.utf8(text)
/** How many bytes `utf8` makes of a text. */
export const utf8Length = (text: string): number => primitives.utf8Length(text)
/** RFC 4648 §4, with padding. */
export const base64 = (bytes: Uint8Array): string => primitives.base64(bytes)
/** RFC 4648 §5, without padding. */
export const base64url = (bytes: Uint8Array): string => primitives.base64url(bytes)
/** Undefined for a text that `base64` does not write: of several spellings of some bytes only one is valid. */
export const fromBase64 = (text: string): Uint8Array | undefined => primitives.fromBase64(text)
/** Undefined for a text that `base64url` does not write. */
export const fromBase64url = (text: string): Uint8Array | undefined => primitives.fromBase64url(text)

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
