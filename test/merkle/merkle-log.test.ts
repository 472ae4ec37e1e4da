import { deepEqual, equal, throws } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { MerkleTree } from 'merkletreejs'
import t from 'tap'
import type { Hash } from '../../src/crypto/hash.ts'
import { verifyConsistency } from '../../src/merkle/consistency.ts'
import { MerkleIndexOutOfRange } from '../../src/merkle/errors.ts'
import { leafHash } from '../../src/merkle/hashing.ts'
import { verifyInclusion } from '../../src/merkle/inclusion.ts'
import { MerkleLog } from '../../src/merkle/merkle-log.ts'
import { HistoryPruned } from '../../src/runtime/history-pruned.ts'
import { naiveConsistencyProof, naiveInclusionProof, naiveRoot } from '../support/naive-merkle.ts'
import { readVectors } from '../support/vectors.ts'

const published = readVectors<{
  emptyRoot: Hash
  leaves: string[]
  roots: Hash[]
  inclusion: { index: number; size: number; proof: Hash[] }[]
  consistency: { from: number; to: number; proof: Hash[] }[]
}>('merkle/rfc6962.json')

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const leavesOf = (count: number, name = 'leaf') => Array.from({ length: count }, (_, i) => leafHash(`${name} ${i}`))

/** A leaf count, and the two ends of a step within it. More than two chunks of a level, and the edges of chunks. */
const steps = fc
  .oneof(fc.integer({ min: 1, max: 150 }), fc.constantFrom(63, 64, 65, 127, 128, 129))
  .chain((count) => fc.tuple(fc.constant(count), fc.nat({ max: count }), fc.nat({ max: count })))
  .map(([count, one, other]) => ({ count, from: Math.min(one, other), to: Math.max(one, other) }))

t.test('the published roots and proofs', async (t) => {
  let log = MerkleLog.empty
  t.equal(log.root(), published.emptyRoot)
  for (const [index, leaf] of published.leaves.entries()) {
    log = log.append(leafHash(Buffer.from(leaf, 'hex')))
    t.equal(log.size, index + 1)
    t.equal(log.root(), published.roots[index])
  }
  for (const { index, size, proof } of published.inclusion) {
    t.same(log.inclusionProof(index, size), proof, `leaf ${index} of ${size}`)
  }
  for (const { from, to, proof } of published.consistency) {
    t.same(log.consistencyProof(from, to), proof, `${from} to ${to}`)
  }
})

t.test('roots and proofs of every size that the log has had are those of the RFC', async (t) => {
  const law = fc.property(steps, ({ count, from, to }) => {
    const leaves = leavesOf(count)
    const texts = leaves.map(hex)
    const log = MerkleLog.empty.appendAll(leaves)
    equal(log.root(), naiveRoot(texts))
    equal(log.rootAt(to), naiveRoot(texts.slice(0, to)))
    if (from < to) deepEqual(log.inclusionProof(from, to), naiveInclusionProof(from, texts.slice(0, to)))
    if (from > 0) deepEqual(log.consistencyProof(from, to), naiveConsistencyProof(from, texts.slice(0, to)))
  })
  t.doesNotThrow(() => fc.assert(law))
})

t.test('whatever the log proves can be verified', async (t) => {
  const law = fc.property(steps, ({ count, from, to }) => {
    const log = MerkleLog.empty.appendAll(leavesOf(count))
    const headAt = (size: number) => ({ size, root: log.rootAt(size) })
    verifyConsistency({ from: headAt(from), to: headAt(to), proof: log.consistencyProof(from, to) })
    if (from === to) return
    const [index, size] = [from, to]
    const proof = log.inclusionProof(index, size)
    verifyInclusion({ leaf: log.leafHash(index), index, size, proof, root: log.rootAt(size) })
  })
  t.doesNotThrow(() => fc.assert(law))
})

/**
 * merkletreejs builds the tree of RFC 9162 when it is given leaf hashes, not leaves (`hashLeaves` would hash them without
 * a prefix), a hash function that puts the 0x01 of an inner node in front, and no options: then a node without a
 * neighbour moves up as it is. `duplicateOdd`, `complete` and each way of sorting make other trees. Its root of no leaves
 * is no hash.
 */
function secondOpinion(leaves: readonly Uint8Array[]): MerkleTree {
  const node = (children: Uint8Array) => createHash('sha256').update(Uint8Array.of(0x01)).update(children).digest()
  return new MerkleTree(
    leaves.map((leaf) => Buffer.from(leaf)),
    node,
  )
}

t.test('merkletreejs finds the same roots and inclusion proofs', async (t) => {
  const law = fc.property(steps, ({ count, from }) => {
    const leaves = leavesOf(count)
    const log = MerkleLog.empty.appendAll(leaves)
    const tree = secondOpinion(leaves)
    equal(log.root(), hex(tree.getRoot()))
    const index = Math.min(from, count - 1)
    const proof = tree.getProof(Buffer.from(leaves[index] as Uint8Array), index)
    deepEqual(
      log.inclusionProof(index, count),
      proof.map(({ data }) => hex(data)),
    )
  })
  t.doesNotThrow(() => fc.assert(law))
})

t.test('every version stays what it was, however often and wherever the log branches', async (t) => {
  const branches = fc.array(fc.record({ parent: fc.nat(), count: fc.nat({ max: 70 }) }), {
    minLength: 1,
    maxLength: 12,
  })
  const law = fc.property(branches, (branches) => {
    const versions = [{ log: MerkleLog.empty, leaves: [] as Uint8Array[] }]
    for (const [number, { parent, count }] of branches.entries()) {
      const { log, leaves } = versions[parent % versions.length] as (typeof versions)[number]
      const added = leavesOf(count, `branch ${number}`)
      versions.push({ log: log.appendAll(added), leaves: [...leaves, ...added] })
    }
    for (const { log, leaves } of versions) {
      const texts = leaves.map(hex)
      equal(log.size, leaves.length)
      deepEqual(
        leaves.map((_, index) => hex(log.leafHash(index))),
        texts,
      )
      equal(log.root(), naiveRoot(texts))
      equal(log.rootAt(log.size >> 1), naiveRoot(texts.slice(0, log.size >> 1)))
      if (log.size > 0)
        deepEqual(log.inclusionProof(log.size >> 1, log.size), naiveInclusionProof(log.size >> 1, texts))
    }
  })
  t.doesNotThrow(() => fc.assert(law))
})

t.test('appending one by one and all at once are the same', async (t) => {
  const leaves = leavesOf(130)
  const oneByOne = leaves.reduce((log, leaf) => log.append(leaf), MerkleLog.empty)
  const atOnce = MerkleLog.empty.appendAll(leaves)
  t.equal(oneByOne.root(), atOnce.root())
  t.same(oneByOne.consistencyProof(77, 130), atOnce.consistencyProof(77, 130))
  t.equal(atOnce.appendAll([]), atOnce)
})

t.test('nobody can change the log through the bytes that go in or come out', async (t) => {
  const leaf = leafHash('a')
  const log = MerkleLog.empty.append(leaf).append(leafHash('b'))
  const root = log.rootAt(2)
  leaf.fill(0)
  log.leafHash(1).fill(0)
  t.equal(log.rootAt(2), root)
  t.same([log.leafHash(0), log.leafHash(1)].map(hex), [leafHash('a'), leafHash('b')].map(hex))
})

t.test('a leaf that is no hash is refused, and the log goes on', async (t) => {
  const log = MerkleLog.empty.appendAll(leavesOf(3))
  const leaves = leavesOf(5)
  const broken = { name: 'AssertionFailed', message: 'a leaf hash has 32 bytes' }
  t.throws(() => log.appendAll([...leaves.slice(3), new Uint8Array(31)]), broken)
  t.throws(() => log.append(new Uint8Array(33)), broken)
  t.equal(log.append(leaves[3] as Uint8Array).root(), naiveRoot(leaves.slice(0, 4).map(hex)))
})

t.test('what the log does not have, it does not answer', async (t) => {
  const log = MerkleLog.empty.appendAll(leavesOf(3))
  const outside = (message: string) => ({ name: 'MerkleIndexOutOfRange', code: 'merkle_index_out_of_range', message })
  t.throws(() => log.rootAt(4), outside('size 4 is not in 0..3'))
  t.throws(() => log.rootAt(-1), outside('size -1 is not in 0..3'))
  t.throws(() => log.rootAt(1.5), outside('size 1.5 is not in 0..3'))
  t.throws(() => log.rootAt(Number.NaN), outside('size NaN is not in 0..3'))
  t.throws(() => log.leafHash(3), outside('index 3 is not in 0..2'))
  t.throws(() => MerkleLog.empty.leafHash(0), MerkleIndexOutOfRange)
  t.throws(() => log.inclusionProof(2, 2), outside('index 2 is not in 0..1'))
  t.throws(() => log.inclusionProof(0, 4), outside('size 4 is not in 0..3'))
  t.throws(() => log.consistencyProof(3, 2), outside('size 3 is not in 0..2'))
  t.throws(() => log.consistencyProof(1, 4), outside('size 4 is not in 0..3'))
})

t.test('a log that is resumed from its compact range goes on as if it had never been put down', async () => {
  fc.assert(
    fc.property(steps, ({ count, from, to }) => {
      const leaves = leavesOf(count)
      const whole = MerkleLog.empty.appendAll(leaves)
      const resumed = MerkleLog.resume(from, whole.compactRange(from)).appendAll(leaves.slice(from))
      equal(resumed.size, count)
      for (let size = from; size <= count; size++) equal(resumed.rootAt(size), whole.rootAt(size))
      deepEqual(resumed.compactRange(to).map(hex), whole.compactRange(to).map(hex))
      const again = MerkleLog.resume(to, resumed.compactRange(to)).append(leafHash('next'))
      equal(again.root(), MerkleLog.empty.appendAll([...leaves.slice(0, to), leafHash('next')]).root())
      // One that branches off from an older version, and what that one becomes.
      const older = MerkleLog.resume(from, whole.compactRange(from)).appendAll(leaves.slice(from, to))
      const branch = older.append(leafHash('branch'))
      equal(older.appendAll(leaves.slice(to)).root(), whole.root())
      equal(branch.root(), MerkleLog.empty.appendAll([...leaves.slice(0, to), leafHash('branch')]).root())
    }),
  )
})

t.test('of what is before the size that it was resumed at it says nothing, never something else', async (t) => {
  const leaves = leavesOf(200)
  const whole = MerkleLog.empty.appendAll(leaves)
  const resumed = MerkleLog.resume(100, whole.compactRange(100)).appendAll(leaves.slice(100))
  for (let size = 1; size < 100; size++) {
    try {
      equal(resumed.rootAt(size), whole.rootAt(size))
    } catch (error) {
      t.ok(error instanceof HistoryPruned)
    }
  }
  throws(() => resumed.leafHash(3), HistoryPruned)
  throws(() => resumed.inclusionProof(3, 200), HistoryPruned)
  equal(MerkleLog.resume(0, []).append(leafHash('x')).root(), MerkleLog.empty.append(leafHash('x')).root())
})
