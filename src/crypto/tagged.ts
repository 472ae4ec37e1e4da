import { base64url, fromBase64url } from './bytes.ts'

/** Stands before every key and signature in what is signed, hashed, stored or sent: which algorithm it is of. There is one today (decision 0026). */
const TAG = 'ed25519:'

/** Ed25519 public keys (32 bytes) and signatures (64): the tag, then base64url without padding, with zero spare bits. */
export const PUBLIC_KEY_PATTERN = `^${TAG}[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$`
export const SIGNATURE_PATTERN = `^${TAG}[A-Za-z0-9_-]{85}[AQgw]$`

/** A key or a signature as it is written everywhere. */
export function tagged(bytes: Uint8Array): string {
  return TAG + base64url(bytes)
}

/** The inverse; undefined for every text that `tagged` does not make of that number of bytes. */
export function untagged(text: string, length: number): Uint8Array | undefined {
  if (!text.startsWith(TAG)) return undefined
  const bytes = fromBase64url(text.slice(TAG.length))
  return bytes?.length === length ? bytes : undefined
}

/** The key in the form of RFC 8037, which DID documents have. Requires a public key of the right form. */
export function publicKeyJwk(publicKey: string) {
  return { kty: 'OKP', crv: 'Ed25519', x: publicKey.slice(TAG.length) } as const
}

/** The inverse; undefined where the spare bits are not zero. Requires `x` of 43 characters of base64url. */
export function taggedJwk({ x }: { readonly x: string }): string | undefined {
  const key = TAG + x
  return untagged(key, 32) === undefined ? undefined : key
}
