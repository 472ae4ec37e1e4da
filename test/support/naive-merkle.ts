import { createHash } from 'node:crypto'

/**
 * RFC 9162 §2.1 as it is written there, recursion for recursion, slow, and with no line in common with src/merkle: the
 * oracle of its tests. Hashes are hexadecimal text.
 */

/** MTH, over leaf hashes. */
export function naiveRoot(leaves: readonly string[]): string {
  if (leaves.length === 0) return sha256('')
  if (leaves.length === 1) return leaves[0] as string
  const k = splitOf(leaves.length)
  return inner(naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)))
}

/** PATH(m, D_n). */
export function naiveInclusionProof(m: number, leaves: readonly string[]): string[] {
  if (leaves.length === 1) return []
  const k = splitOf(leaves.length)
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)]
  if (m < k) return [...naiveInclusionProof(m, left), naiveRoot(right)]
  return [...naiveInclusionProof(m - k, right), naiveRoot(left)]
}

/** PROOF(m, D_n), defined for 0 < m < n. */
export function naiveConsistencyProof(m: number, leaves: readonly string[]): string[] {
  return subproof(m, leaves, true)
}

function subproof(m: number, leaves: readonly string[], isWholeOld: boolean): string[] {
  if (m === leaves.length) return isWholeOld ? [] : [naiveRoot(leaves)]
  const k = splitOf(leaves.length)
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)]
  if (m <= k) return [...subproof(m, left, isWholeOld), naiveRoot(right)]
  return [...subproof(m - k, right, false), naiveRoot(left)]
}

/**
 * The root that a proof as of PATH(m, D_n) leads to, without the leaves: so a test can make up a tree of any size, with
 * made-up hashes in its proof. `proof` answers hash `i` of it.
 */
export function naiveRootByInclusion(m: bigint, n: bigint, leaf: string, proof: HashSource): string {
  if (n === 1n) return leaf
  const k = bigSplitOf(n)
  const isLeft = m < k
  const below = isLeft ? naiveRootByInclusion(m, k, leaf, proof) : naiveRootByInclusion(m - k, n - k, leaf, proof)
  const beside = proof.next()
  return isLeft ? inner(below, beside) : inner(beside, below)
}

/** Likewise both roots that a proof as of PROOF(m, D_n) leads to. `old`: the root of the old tree if the proof omits it. */
export function naiveRootsByConsistency(m: bigint, n: bigint, old: string, proof: HashSource): Roots {
  return rootsBySubproof(m, n, old, proof, true)
}

interface Roots {
  readonly from: string
  readonly to: string
}

/** Makes up hashes, and keeps them: afterwards they are the proof. */
export class HashSource {
  readonly hashes: string[] = []

  next(): string {
    const hash = sha256(`made up ${this.hashes.length}`)
    this.hashes.push(hash)
    return hash
  }
}

function rootsBySubproof(m: bigint, n: bigint, old: string, proof: HashSource, isWholeOld: boolean): Roots {
  if (m === n) {
    const root = isWholeOld ? old : proof.next()
    return { from: root, to: root }
  }
  const k = bigSplitOf(n)
  if (m <= k) {
    const below = rootsBySubproof(m, k, old, proof, isWholeOld)
    return { from: below.from, to: inner(below.to, proof.next()) }
  }
  const below = rootsBySubproof(m - k, n - k, old, proof, false)
  const left = proof.next()
  return { from: inner(left, below.from), to: inner(left, below.to) }
}

/** The largest power of two smaller than n. */
function splitOf(n: number): number {
  return Number(bigSplitOf(BigInt(n)))
}

function bigSplitOf(n: bigint): bigint {
  let k = 1n
  while (k * 2n < n) k *= 2n
  return k
}

function inner(left: string, right: string): string {
  return sha256(Buffer.from(`01${left}${right}`, 'hex'))
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
