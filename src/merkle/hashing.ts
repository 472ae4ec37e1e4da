import { concat, utf8 } from '../crypto/bytes.ts'
import { type Hash, hashToBytes, isHash, sha256, sha256Bytes } from '../crypto/hash.ts'
import { assert } from '../runtime/assert.ts'

export const HASH_BYTES = 32

// RFC 9162 §2.1.1: the prefixes keep a leaf from being passed off as an inner node.
const LEAF_PREFIX = '\0'
const NODE_PREFIX = 0x01

/** The root of a tree without leaves: the hash of nothing. */
export const EMPTY_ROOT: Hash = sha256('')

/** SHA-256(0x00 || data), 32 bytes. A text counts as its UTF-8. */
export function leafHash(data: string | Uint8Array): Uint8Array {
  if (typeof data === 'string') return sha256Bytes(LEAF_PREFIX + data)
  return sha256Bytes(concat(utf8(LEAF_PREFIX), data))
}

// One for all calls: hashing is synchronous, and a new one for each would cost as much as the hash.
const nodeInput = new Uint8Array(1 + 2 * HASH_BYTES)
nodeInput[0] = NODE_PREFIX

/** SHA-256(0x01 || left || right), 32 bytes. Requires two hashes of 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  assert(left.length === HASH_BYTES && right.length === HASH_BYTES, 'a Merkle node has two children of 32 bytes')
  nodeInput.set(left, 1)
  nodeInput.set(right, 1 + HASH_BYTES)
  return sha256Bytes(nodeInput)
}

/** The bytes of a hash that came from elsewhere, or undefined if it is none. */
export function hashBytes(hash: unknown): Uint8Array | undefined {
  return isHash(hash) ? hashToBytes(hash) : undefined
}
