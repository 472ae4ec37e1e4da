import { type Hash, hashFromBytes } from '../crypto/hash.ts'
import { half, isOdd, lowestBit } from './bits.ts'
import { type LeafRange, siblings } from './compact-range.ts'
import { type MerkleProofMalformed, malformed, requireWithin, rootMismatch } from './errors.ts'
import { EMPTY_ROOT, hashBytes, nodeHash } from './hashing.ts'

/**
 * Whose roots prove that a tree of `to` leaves continues one of `from` (RFC 9162 §2.1.4.1). Requires 0 <= from <= to.
 * They lead from the last complete subtree of the old tree to the root of the new one; on the left they pass by all the
 * others of the old tree, so that they give its root too. If that subtree is the whole old tree, its root is known.
 */
export function consistencyPath(from: number, to: number): LeafRange[] {
  if (from === 0 || from === to) return []
  const width = lowestBit(from)
  const path = siblings({ width, position: from / width - 1 }, to)
  return width === from ? path : [{ begin: from - width, end: from }, ...path]
}

interface TreeHead {
  readonly size: number
  readonly root: Hash
}

/** A claim, and its proof: that the leaves of the tree `from` are the first leaves of the tree `to`. */
export interface Consistency {
  readonly from: TreeHead
  readonly to: TreeHead
  readonly proof: readonly Hash[]
}

interface Roots {
  readonly from: Hash
  readonly to: Hash
}

/**
 * RFC 9162 §2.1.4.2. Any part may come from an attacker: numbers and strings of any form, a proof of any length.
 * Beyond the RFC: the empty tree has one root only, everything continues it, and a tree continues itself; both with an
 * empty proof. Throws MerkleIndexOutOfRange unless 0 <= from.size <= to.size, MerkleProofMalformed, MerkleRootMismatch.
 */
export function verifyConsistency(claim: Consistency): void {
  const { from, to } = claim
  requireWithin('size', to.size, Number.MAX_SAFE_INTEGER)
  requireWithin('size', from.size, to.size)
  const computed = from.size === 0 || from.size === to.size ? rootsWithoutProof(claim) : rootsByProof(claim)
  if (computed.from === from.root && computed.to === to.root) return
  const message = `the tree of ${to.size} with root ${to.root} does not continue that of ${from.size} with root ${from.root}`
  throw rootMismatch(message, { from: from.size, to: to.size, expected: { from: from.root, to: to.root }, computed })
}

function rootsWithoutProof({ from, to, proof }: Consistency): Roots {
  if (proof.length > 0) {
    const evidence = { from: from.size, to: to.size, hashes: proof.length }
    throw malformed(`from size ${from.size} to ${to.size} there is nothing to prove`, evidence)
  }
  const known = from.size === 0 ? EMPTY_ROOT : from.root
  return { from: known, to: from.size === to.size ? known : to.root }
}

/** In the words of the RFC, after its first step. Requires 0 < from.size < to.size. */
function rootsByProof(claim: Consistency): Roots {
  const [first, ...path] = pathOf(claim)
  if (first === undefined) throw wrongLength('short', claim)
  let fn = claim.from.size - 1
  let sn = claim.to.size - 1
  while (isOdd(fn)) {
    fn = half(fn)
    sn = half(sn)
  }
  let fr = first
  let sr = first
  for (const c of path) {
    if (sn === 0) throw wrongLength('long', claim)
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(c, fr)
      sr = nodeHash(c, sr)
      while (fn !== 0 && !isOdd(fn)) {
        fn = half(fn)
        sn = half(sn)
      }
    } else {
      sr = nodeHash(sr, c)
    }
    fn = half(fn)
    sn = half(sn)
  }
  if (sn !== 0) throw wrongLength('short', claim)
  return { from: hashFromBytes(fr), to: hashFromBytes(sr) }
}

/** The RFC's first step: an old tree that is complete is itself where the path begins. */
function pathOf({ from, to, proof }: Consistency): Uint8Array[] {
  const isComplete = lowestBit(from.size) === from.size
  return (isComplete ? [from.root, ...proof] : proof).map((text) => {
    const bytes = hashBytes(text)
    if (bytes !== undefined) return bytes
    const evidence = { from: from.size, to: to.size, hashes: proof.length }
    throw malformed('the consistency proof has something in it that is no hash', evidence)
  })
}

function wrongLength(how: 'long' | 'short', { from, to, proof }: Consistency): MerkleProofMalformed {
  const message = `a consistency proof of ${proof.length} hashes is too ${how} from size ${from.size} to ${to.size}`
  return malformed(message, { from: from.size, to: to.size, hashes: proof.length })
}
