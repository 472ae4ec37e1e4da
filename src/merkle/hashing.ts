import { sha256Bytes } from '../crypto/hash.ts'

// RFC 9162 §2.1.1: the prefixes keep a leaf from being passed off as an inner node.
const LEAF_PREFIX = Uint8Array.of(0x00)
const NODE_PREFIX = 0x01

/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32

/** SHA-256(0x00 || leaf). A text is taken as UTF-8. */
export function leafHash(leaf: string | Uint8Array): Uint8Array {
  return sha256Bytes(Buffer.concat([LEAF_PREFIX, typeof leaf === 'string' ? Buffer.from(leaf) : leaf]))
}

/** SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + 2 * HASH_BYTES)
  bytes[0] = NODE_PREFIX
  bytes.set(left, 1)
  bytes.set(right, 1 + HASH_BYTES)
  return sha256Bytes(bytes)
}

/** The root of a tree without leaves: SHA-256 of nothing (RFC 9162 §2.1.1). */
export const EMPTY_ROOT = sha256Bytes(new Uint8Array())
