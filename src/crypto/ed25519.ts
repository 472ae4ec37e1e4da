import { ed25519 } from '@noble/curves/ed25519.js'
import { assert } from '../runtime/assert.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { BoundedCache } from './bounded-cache.ts'
import { concat } from './bytes.ts'
import { primitives } from './primitives.ts'
import { publicKeyJwk, untagged } from './tagged.ts'

/** With such a key one signature could be valid for many messages, or differ between libraries. Evidence: `publicKey`. */
export class KeyNotAdmissible extends ConcordataError {}

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
const CACHED_KEYS_MAX = 4096
const CACHED_SIGNATURES_MAX = 16_384
const REJECTED_SIGNATURES_MAX = 4096

/** Only keys that are admissible: looking at one costs as much as many verifications. */
const admissible = new BoundedCache<true>(CACHED_KEYS_MAX)

/** By the hash of key, signature and bytes: a statement that waits is looked at again and again (decision 0076). */
const verified = new BoundedCache<true>(CACHED_SIGNATURES_MAX)
/** Apart from those: nobody can make up a valid one, and everybody can fill this. To reject costs most, since noble has to. */
const rejected = new BoundedCache<true>(REJECTED_SIGNATURES_MAX)

/**
 * Whether the signature is valid under ZIP 215, as @noble/curves 2 understands it. All members must judge alike: one
 * signature that some accept and others do not splits the ledger, and anybody with a key can make one (design §3). A
 * faster implementation may accept (`acceptsSignature`); only noble rejects. A key or a signature in another form than
 * `tagged` writes, or of another length, is not valid. This is the lowest leaf of verification: callers throw, with
 * the evidence that they have.
 */
export function isValidSignature(publicKey: string, bytes: Uint8Array, signature: string): boolean {
  const keyBytes = untagged(publicKey, KEY_BYTES)
  const signatureBytes = untagged(signature, SIGNATURE_BYTES)
  if (keyBytes === undefined || signatureBytes === undefined) return false
  const name = primitives.sha256Hex(concat(keyBytes, signatureBytes, bytes))
  if (verified.get(name)) return true
  if (rejected.get(name)) return false
  const isValid =
    primitives.acceptsSignature(publicKeyJwk(publicKey).x, bytes, signatureBytes) ||
    ed25519.verify(signatureBytes, bytes, keyBytes, { zip215: true })
  const known = isValid ? verified : rejected
  known.set(name, true)
  return isValid
}

/** The 32 bytes of a public key. Requires one of the right form. */
export function publicKeyBytes(publicKey: string): Uint8Array {
  const bytes = untagged(publicKey, KEY_BYTES)
  assert(bytes !== undefined, 'a public key has its form')
  return bytes
}

/** Throws KeyNotAdmissible. A party that has another key is not taken in (design §3). */
export function assertAdmissibleKey(publicKey: string): void {
  if (isAdmissibleKey(publicKey)) return
  const message = `the public key ${publicKey} is not canonical, is of small order, or is not torsion-free`
  throw new KeyNotAdmissible('key_not_admissible', message, { publicKey })
}

/** Whether the key is one that RFC 8032 makes: a canonical encoding of a point of the prime-order subgroup. */
export function isAdmissibleKey(publicKey: string): boolean {
  if (admissible.get(publicKey)) return true
  const bytes = untagged(publicKey, KEY_BYTES)
  const point = bytes && pointOf(bytes)
  if (point === undefined || point.isSmallOrder() || !point.isTorsionFree()) return false
  admissible.set(publicKey, true)
  return true
}

/** By the strict rules of RFC 8032 §5.1.3, unlike ZIP 215's: undefined for a second spelling of a point too. */
function pointOf(bytes: Uint8Array) {
  try {
    return ed25519.Point.fromBytes(bytes, false)
  } catch {
    return undefined
  }
}
