import { constants, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { type Hash, sha256 } from '../../../src/crypto/hash.ts'
import { StoreCorrupt } from '../../../src/store/errors.ts'
import { GROUP_BYTES_MAX } from '../../../src/store/payload-group.ts'
import { decodeRow, encodeRow } from '../../../src/store/sqlite/payload-row.ts'
import { codePoint } from '../../support/code-point.ts'

const group = fc
  .uniqueArray(fc.string({ unit: codePoint, maxLength: 300 }), { maxLength: 40 })
  .map((texts) => new Map(texts.filter((text) => text.isWellFormed()).map((text) => [sha256(text), text] as const)))

t.test('any group comes back to the character', async () => {
  fc.assert(
    fc.property(group, (entries) => {
      const back = decodeRow(encodeRow(entries))
      return JSON.stringify([...back]) === JSON.stringify([...entries])
    }),
    { numRuns: 300 },
  )
})

t.test('a row of one short value is as it is, for it would get longer; one of many is compressed', async (t) => {
  const entries = (count: number) =>
    new Map(
      Array.from({ length: count }, (_, n) => [sha256(`${n}`), JSON.stringify({ salt: 'x'.repeat(22), value: n })]),
    )
  const plain = encodeRow(entries(1))
  t.equal(plain[0], 0)
  t.equal(plain.length, 1 + 32 + 4 + '{"salt":"","value":0}'.length + 22)
  const many = encodeRow(entries(100))
  t.equal(many[0], 1)
  t.ok(many.length < 4_500, `${many.length} bytes, of which 3,200 are seals`)
})

t.test('whatever stands in a row is decoded or told as damage', async () => {
  fc.assert(
    fc.property(group, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (entries, at, byte, isCut) => {
      const row = encodeRow(entries)
      if (isCut) return isToldOrDecoded(row.subarray(0, at % (row.length + 1)))
      row[at % row.length] = byte
      return isToldOrDecoded(row)
    }),
    { numRuns: 500 },
  )
})

t.test('a row that would become more than a group may be, or asks for a large window, is damaged', async (t) => {
  const rowOf = (bytes: number, params: Record<number, number>) =>
    Buffer.concat([Buffer.of(1), zstdCompressSync(Buffer.alloc(bytes), { params })])
  const bomb = rowOf(GROUP_BYTES_MAX + 1, { [constants.ZSTD_c_compressionLevel]: 1 })
  t.ok(bomb.length < 10_000)
  t.throws(() => decodeRow(bomb), { code: 'store_corrupt', message: /Cannot create a Buffer larger/ })
  const wide = rowOf(GROUP_BYTES_MAX / 2, { [constants.ZSTD_c_windowLog]: 24 })
  t.throws(() => decodeRow(wide), { code: 'store_corrupt', message: /requires too much memory/ })
})

t.test('what encoding never makes is damage', async (t) => {
  const seal = Buffer.alloc(32, 7)
  const entry = (length: number, text: Buffer) => Buffer.concat([seal, Buffer.of(0, 0, 0, length), text])
  const x = Buffer.from('x')
  const faults: [string, Buffer][] = [
    ['has no form that is known', Buffer.alloc(0)],
    ['has no form that is known', Buffer.of(2)],
    ['ends within a seal', Buffer.concat([Buffer.of(0), seal])],
    ['ends within a text', Buffer.concat([Buffer.of(0), entry(2, x)])],
    ['a seal stands there twice', Buffer.concat([Buffer.of(0), entry(1, x), entry(1, x)])],
    ['a text is no UTF-8', Buffer.concat([Buffer.of(0), entry(1, Buffer.of(0xff))])],
  ]
  for (const [fault, row] of faults)
    t.throws(() => decodeRow(row), { code: 'store_corrupt', message: new RegExp(fault) })
  t.same(decodeRow(Buffer.concat([Buffer.of(0), entry(1, x)])), new Map([['07'.repeat(32) as Hash, 'x']]))
})

function isToldOrDecoded(row: Buffer): boolean {
  try {
    decodeRow(row)
    return true
  } catch (error) {
    return error instanceof StoreCorrupt
  }
}
