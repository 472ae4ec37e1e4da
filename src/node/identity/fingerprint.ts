import { type Hash, isHash } from '../../crypto/hash.ts'

/** As people read it to each other: 16 groups of 4 hexadecimal digits. */
export function formatFingerprint(fingerprint: Hash): string {
  return fingerprint.replace(/.{4}(?=.)/g, '$& ')
}

/** What a person typed or pasted, with whatever between the digits; undefined if it is not a whole fingerprint. */
export function parseFingerprint(text: string): Hash | undefined {
  const digits = text.toLowerCase().replace(/[\s:-]/g, '')
  return isHash(digits) ? digits : undefined
}
