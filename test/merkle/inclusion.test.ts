import { throws } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Hash } from '../../src/crypto/hash.ts'
import { MerkleProofMalformed, MerkleRootMismatch } from '../../src/merkle/errors.ts'
import { leafHash } from '../../src/merkle/hashing.ts'
import { type Inclusion, verifyInclusion } from '../../src/merkle/inclusion.ts'
import { HashSource, naiveRootByInclusion } from '../support/naive-merkle.ts'
import { readVectors } from '../support/vectors.ts'

const published = readVectors<{
  leaves: string[]
  roots: Hash[]
  inclusion: { index: number; size: number; proof: Hash[] }[]
}>('merkle/rfc6962.json')
const refused = readVectors<(Omit<Inclusion, 'leaf'> & { name: string; leaf: string; code: string })[]>(
  'merkle/inclusion-refused.json',
)

t.test('the published proofs are valid', async (t) => {
  for (const { index, size, proof } of published.inclusion) {
    const leaf = leafHash(Buffer.from(published.leaves[index] as string, 'hex'))
    const root = published.roots[size - 1] as Hash
    t.doesNotThrow(() => verifyInclusion({ leaf, index, size, proof, root }), `leaf ${index} of ${size}`)
  }
})

t.test('a proof that is spoilt anywhere is refused', async (t) => {
  for (const { name, code, leaf, ...claim } of refused) {
    const verify = () => verifyInclusion({ ...claim, leaf: Buffer.from(leaf, 'hex') })
    t.throws(verify, { code }, name)
  }
})

/** A tree of any size up to 2^53 - 1, of which there is a leaf, a proof and a root, and nothing else. */
const madeUp = fc
  .oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }))
  .chain((size) => fc.tuple(fc.nat({ max: size - 1 }), fc.constant(size)))
  .map(([index, size]): Inclusion => {
    const source = new HashSource()
    const leaf = leafHash('the leaf')
    const root = naiveRootByInclusion(BigInt(index), BigInt(size), Buffer.from(leaf).toString('hex'), source) as Hash
    return { leaf, index, size, proof: source.hashes as Hash[], root }
  })

t.test('trees up to 2^53 - 1 leaves are verified like small ones', async (t) => {
  const law = fc.property(madeUp, (claim) => {
    const { index, size, proof, root } = claim
    verifyInclusion(claim)
    throws(() => verifyInclusion({ ...claim, leaf: leafHash('another leaf') }), MerkleRootMismatch)
    throws(() => verifyInclusion({ ...claim, proof: [...proof, root] }), MerkleProofMalformed)
    if (size === 1) return
    throws(() => verifyInclusion({ ...claim, proof: proof.slice(1) }), MerkleProofMalformed)
    // At the right edge the other leaf may have a path of another length.
    throws(
      () => verifyInclusion({ ...claim, index: index > 0 ? index - 1 : 1 }),
      /^Merkle(RootMismatch|ProofMalformed)/,
    )
  })
  t.doesNotThrow(() => fc.assert(law))
})

t.test('what does not verify says which roots it found', async (t) => {
  const [leaf, root] = [leafHash('a'), published.roots[0] as Hash]
  const computed = Buffer.from(leaf).toString('hex')
  t.throws(() => verifyInclusion({ leaf, index: 0, size: 1, proof: [], root }), {
    name: 'MerkleRootMismatch',
    message: `the proof leads leaf 0 of 1 to root ${computed}, not to ${root}`,
    evidence: { index: 0, size: 1, expected: root, computed },
  })
  t.throws(() => verifyInclusion({ leaf, index: 3, size: 3, proof: [], root }), {
    name: 'MerkleIndexOutOfRange',
    message: 'index 3 is not in 0..2',
    evidence: { index: 3, max: 2 },
  })
  t.throws(() => verifyInclusion({ leaf, index: 0, size: 3, proof: [root], root }), {
    name: 'MerkleProofMalformed',
    message: 'an inclusion proof of 1 hashes is too short for size 3',
    evidence: { index: 0, size: 3, hashes: 1 },
  })
  t.throws(() => verifyInclusion({ leaf, index: 0, size: 1, proof: [root], root }), {
    message: 'an inclusion proof of 1 hashes is too long for size 1',
  })
})
