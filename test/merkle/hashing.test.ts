import t from 'tap'
import { EMPTY_ROOT, hashBytes, leafHash, nodeHash } from '../../src/merkle/hashing.ts'
import { readVectors } from '../support/vectors.ts'

const { emptyRoot, leaves, roots } = readVectors<{ emptyRoot: string; leaves: string[]; roots: string[] }>(
  'merkle/rfc6962.json',
)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => Buffer.from(text, 'hex')

t.test('hashes are those of RFC 6962', async (t) => {
  const [first, second] = leaves.map((leaf) => leafHash(bytes(leaf))) as [Uint8Array, Uint8Array]
  t.equal(EMPTY_ROOT, emptyRoot)
  t.equal(hex(first), roots[0])
  t.equal(hex(nodeHash(first, second)), roots[1])
})

t.test('a text is hashed as its UTF-8', async (t) => {
  t.equal(hex(leafHash('Größe \u{1f4dc}')), hex(leafHash(Buffer.from('Größe \u{1f4dc}'))))
})

t.test('a leaf cannot be passed off as an inner node', async (t) => {
  const [left, right] = [leafHash('left'), leafHash('right')]
  t.not(hex(leafHash(Buffer.concat([left, right]))), hex(nodeHash(left, right)))
})

t.test('a node has two whole hashes under it', async (t) => {
  const hash = leafHash('')
  const broken = { name: 'AssertionFailed', message: 'a Merkle node has two children of 32 bytes' }
  t.throws(() => nodeHash(hash.subarray(1), hash), broken)
  t.throws(() => nodeHash(hash, Buffer.concat([hash, hash])), broken)
})

t.test('a hash from elsewhere is 64 lower-case digits, or none', async (t) => {
  t.same(hashBytes(emptyRoot), bytes(emptyRoot))
  for (const other of ['', emptyRoot.toUpperCase(), `${emptyRoot}00`, emptyRoot.slice(1), ` ${emptyRoot}`, 7, null]) {
    t.equal(hashBytes(other), undefined, JSON.stringify(other))
  }
})
