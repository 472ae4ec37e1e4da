import { type Hash, hashFromBytes } from '../crypto/hash.ts'
import { half, isOdd } from './bits.ts'
import { type LeafRange, siblings } from './compact-range.ts'
import { malformed, requireWithin, rootMismatch } from './errors.ts'
import { HASH_BYTES, hashBytes, nodeHash } from './hashing.ts'

/** Whose roots prove that leaf `index` is in a tree of `size` leaves (RFC 9162 §2.1.3.1). Requires 0 <= index < size. */
export function inclusionPath(index: number, size: number): LeafRange[] {
  return siblings({ width: 1, position: index }, size)
}

/** A claim, and its proof: that the tree of `size` leaves with this `root` has `leaf` (32 bytes, a leaf hash) at `index`. */
export interface Inclusion {
  readonly leaf: Uint8Array
  readonly index: number
  readonly size: number
  readonly proof: readonly Hash[]
  readonly root: Hash
}

/**
 * RFC 9162 §2.1.3.2, in its words. Any part may come from an attacker: numbers and strings of any form, a proof of any
 * length. What a leaf's presence is worth, `root` decides: take it from a signed head.
 * Throws MerkleIndexOutOfRange unless 0 <= index < size, MerkleProofMalformed, MerkleRootMismatch.
 */
export function verifyInclusion({ leaf, index, size, proof, root }: Inclusion): void {
  requireWithin('size', size, Number.MAX_SAFE_INTEGER)
  requireWithin('index', index, size - 1)
  const about = { index, size, hashes: proof.length }
  if (leaf.length !== HASH_BYTES) throw malformed('the leaf of the inclusion proof is no hash', about)
  let fn = index
  let sn = size - 1
  let r = leaf
  for (const text of proof) {
    if (sn === 0) throw malformed(`an inclusion proof of ${proof.length} hashes is too long for size ${size}`, about)
    const p = hashBytes(text)
    if (p === undefined) throw malformed('the inclusion proof has something in it that is no hash', about)
    if (isOdd(fn) || fn === sn) {
      r = nodeHash(p, r)
      while (fn !== 0 && !isOdd(fn)) {
        fn = half(fn)
        sn = half(sn)
      }
    } else {
      r = nodeHash(r, p)
    }
    fn = half(fn)
    sn = half(sn)
  }
  if (sn !== 0) throw malformed(`an inclusion proof of ${proof.length} hashes is too short for size ${size}`, about)
  const computed = hashFromBytes(r)
  if (computed === root) return
  const message = `the proof leads leaf ${index} of ${size} to root ${computed}, not to ${root}`
  throw rootMismatch(message, { index, size, expected: root, computed })
}
