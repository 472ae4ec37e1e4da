import { throws } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { type Hash, sha256 } from '../../src/crypto/hash.ts'
import { type Consistency, verifyConsistency } from '../../src/merkle/consistency.ts'
import { MerkleProofMalformed, MerkleRootMismatch } from '../../src/merkle/errors.ts'
import { EMPTY_ROOT } from '../../src/merkle/hashing.ts'
import { HashSource, naiveRootsByConsistency } from '../support/naive-merkle.ts'
import { readVectors } from '../support/vectors.ts'

const published = readVectors<{ roots: Hash[]; consistency: { from: number; to: number; proof: Hash[] }[] }>(
  'merkle/rfc6962.json',
)
const refused = readVectors<(Consistency & { name: string; code: string })[]>('merkle/consistency-refused.json')
const head = (size: number) => ({ size, root: size === 0 ? EMPTY_ROOT : (published.roots[size - 1] as Hash) })

t.test('the published proofs are valid', async (t) => {
  for (const { from, to, proof } of published.consistency) {
    t.doesNotThrow(() => verifyConsistency({ from: head(from), to: head(to), proof }), `${from} to ${to}`)
  }
})

t.test('everything continues the empty tree, and itself', async (t) => {
  for (const [from, to] of [
    [0, 0],
    [0, 1],
    [0, 8],
    [1, 1],
    [5, 5],
    [8, 8],
  ] as const) {
    t.doesNotThrow(() => verifyConsistency({ from: head(from), to: head(to), proof: [] }), `${from} to ${to}`)
  }
})

t.test('a proof that is spoilt anywhere is refused', async (t) => {
  for (const { name, code, ...claim } of refused) {
    t.throws(() => verifyConsistency(claim), { code }, name)
  }
})

/** Two trees of any size up to 2^53 - 1, of which there are a proof and the roots, and nothing else. */
const madeUp = fc
  .oneof(fc.integer({ min: 2, max: 100 }), fc.integer({ min: 2, max: Number.MAX_SAFE_INTEGER }))
  .chain((to) => {
    const complete = fc.nat({ max: Math.floor(Math.log2(to - 1)) }).map((level) => 2 ** level)
    return fc.tuple(
      fc.oneof(
        fc.integer({ min: 1, max: to - 1 }),
        complete.filter((from) => from < to),
      ),
      fc.constant(to),
    )
  })
  .map(([from, to]): Consistency => {
    const source = new HashSource()
    const roots = naiveRootsByConsistency(BigInt(from), BigInt(to), sha256('the old tree'), source)
    return {
      from: { size: from, root: roots.from as Hash },
      to: { size: to, root: roots.to as Hash },
      proof: source.hashes as Hash[],
    }
  })

t.test('trees up to 2^53 - 1 leaves are verified like small ones', async (t) => {
  const law = fc.property(madeUp, (claim) => {
    const { from, to, proof } = claim
    verifyConsistency(claim)
    throws(() => verifyConsistency({ ...claim, proof: [...proof, to.root] }), MerkleProofMalformed)
    throws(() => verifyConsistency({ ...claim, proof: proof.slice(1) }), MerkleProofMalformed)
    throws(() => verifyConsistency({ ...claim, from: { ...from, root: to.root } }), MerkleRootMismatch)
    throws(() => verifyConsistency({ ...claim, to: { ...to, root: from.root } }), MerkleRootMismatch)
  })
  t.doesNotThrow(() => fc.assert(law))
})

t.test('what does not verify says which roots it found', async (t) => {
  const [first, second] = published.roots as [Hash, Hash]
  const other = sha256('another')
  t.throws(() => verifyConsistency({ from: { size: 1, root: first }, to: { size: 1, root: second }, proof: [] }), {
    name: 'MerkleRootMismatch',
    message: `the tree of 1 with root ${second} does not continue that of 1 with root ${first}`,
    evidence: { from: 1, to: 1, expected: { from: first, to: second }, computed: { from: first, to: first } },
  })
  const proof = published.consistency.find(({ from, to }) => from === 6 && to === 8)?.proof as Hash[]
  t.throws(() => verifyConsistency({ from: { size: 6, root: other }, to: head(8), proof }), {
    name: 'MerkleRootMismatch',
    evidence: { expected: { from: other, to: head(8).root }, computed: { from: head(6).root, to: head(8).root } },
  })
  t.throws(() => verifyConsistency({ from: head(6), to: head(8), proof: proof.slice(1) }), {
    name: 'MerkleProofMalformed',
    message: 'a consistency proof of 2 hashes is too short from size 6 to 8',
    evidence: { from: 6, to: 8, hashes: 2 },
  })
  t.throws(() => verifyConsistency({ from: head(3), to: head(2), proof }), {
    name: 'MerkleIndexOutOfRange',
    message: 'size 3 is not in 0..2',
    evidence: { size: 3, max: 2 },
  })
})
