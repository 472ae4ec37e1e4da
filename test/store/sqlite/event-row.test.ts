import { constants, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { StoreCorrupt } from '../../../src/store/errors.ts'
import type { NewEvent } from '../../../src/store/port.ts'
import { decodeEvents, ROW_EVENTS_MAX, rowsOf } from '../../../src/store/sqlite/event-row.ts'
import { codePoint } from '../../support/code-point.ts'

const place = { path: 'store.db', revision: 1_000, position: 1_001 }
const wellFormed = (maxLength: number) =>
  fc.string({ unit: codePoint, maxLength, minLength: 1 }).filter((text) => text.isWellFormed())
const event = fc.record({
  type: fc.oneof(fc.constantFrom('StatementMade', 'RequestSettled'), wellFormed(20)),
  data: fc.oneof(wellFormed(300), fc.json()),
})
const events = fc.array(event, { minLength: 1, maxLength: 40 })

const back = (events: readonly NewEvent[]) =>
  Array.from(rowsOf(events)).flatMap(({ row, count }) => decodeEvents(row, count, place))
const onlyRowOf = (events: readonly NewEvent[]): Buffer => {
  const [only, ...more] = rowsOf(events)
  if (only === undefined || more.length > 0) throw new Error('more than one row')
  return only.row
}

t.test('any events come back to the character, in their order', async () => {
  fc.assert(
    fc.property(events, (events) => JSON.stringify(back(events)) === JSON.stringify(events)),
    { numRuns: 300 },
  )
})

t.test('an append is pieces of so many events or bytes at most; a larger event is one by itself', async (t) => {
  const many = Array.from({ length: 2 * ROW_EVENTS_MAX + 1 }, (_, n) => ({ type: 'Fact', data: `${n}` }))
  t.same(
    Array.from(rowsOf(many), ({ count }) => count),
    [ROW_EVENTS_MAX, ROW_EVENTS_MAX, 1],
  )
  t.same(back(many), many)
  const sizes = [100, 600_000, 600_000, 3_000_000, 5]
  const large = sizes.map((size, n) => ({ type: 'Fact', data: `${n}`.repeat(size) }))
  t.same(
    Array.from(rowsOf(large), ({ count }) => count),
    [2, 1, 1, 1],
  )
  t.same(back(large), large)
})

t.test('events that are like one another take little together', async (t) => {
  const entries = Array.from({ length: 100 }, (_, index) => ({
    type: 'RequestSettled',
    data: JSON.stringify({ author: 'ana', events: [{ by: 'ana', field: `0.${index}`, type: 'ValueProposed' }], index }),
  }))
  const plain = entries.reduce((bytes, { data }) => bytes + data.length, 0)
  const row = onlyRowOf(entries)
  t.equal(row[0], 1)
  t.ok(row.length < plain / 6, `${row.length} of ${plain} bytes`)
})

t.test('whatever stands in a row is decoded or told as damage', async () => {
  fc.assert(
    fc.property(events, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (events, at, byte, isCut) => {
      const row = onlyRowOf(events)
      if (isCut) return isToldOrDecoded(row.subarray(0, at % (row.length + 1)), events.length)
      row[at % row.length] = byte
      return isToldOrDecoded(row, events.length)
    }),
    { numRuns: 500 },
  )
})

t.test('a row that would become more than a row may be, or asks for a large window, is damaged', async (t) => {
  const rowOf = (bytes: number, params: Record<number, number>) =>
    Buffer.concat([Buffer.of(1), zstdCompressSync(Buffer.alloc(bytes), { params })])
  const bomb = rowOf(64 * 1024 * 1024, { [constants.ZSTD_c_compressionLevel]: 1 })
  t.ok(bomb.length < 10_000)
  t.throws(() => decodeEvents(bomb, 1, place), { code: 'store_corrupt', message: /Cannot create a Buffer larger/ })
  const wide = rowOf(1024 * 1024, { [constants.ZSTD_c_windowLog]: 24, [constants.ZSTD_c_contentSizeFlag]: 0 })
  t.throws(() => decodeEvents(wide, 1, place), { code: 'store_corrupt' })
})

t.test('what encoding never makes is damage, told with its place', async (t) => {
  const x = Buffer.of(0, 0, 0, 1, 0x78)
  const row = (...parts: (Buffer | number)[]) =>
    Buffer.concat([Buffer.of(0), ...parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : part))])
  const faults: [fault: string, row: Buffer, count: number][] = [
    ['has no form that is known', Buffer.alloc(0), 1],
    ['has no form that is known', Buffer.of(3), 1],
    ['not packed as texts are', Buffer.concat([Buffer.of(2, 1, 0, 0, 0, 2, 1), Buffer.from('x')]), 1],
    ['is packed, and too long', Buffer.concat([Buffer.of(2, 1, 0, 0, 16, 0), Buffer.alloc(4096, 5)]), 1],
    ['the number of events is 0', row(), 0],
    ['the number of events is 257', row(1, x), 257],
    ['has more events than 1', row(1, x, 1, x), 1],
    ['has 1 events instead of 2', row(1, x), 2],
    ['ends within a length', row(1, Buffer.of(0, 0, 0)), 1],
    ['ends within a text', row(1, Buffer.of(0, 0, 0, 2, 0x78)), 1],
    ['an event has no type that is known', row(9, x), 1],
    ['a type is spelt out that has a number', row(0, Buffer.of(0, 0, 0, 13), Buffer.from('StatementMade'), x), 1],
    ['a text is no UTF-8', row(1, Buffer.of(0, 0, 0, 1, 0xff)), 1],
  ]
  for (const [fault, bytes, count] of faults) {
    const message = new RegExp(`^the store store\\.db is damaged: of the row of events at 1001, .*${fault}`)
    t.throws(() => decodeEvents(bytes, count, place), { code: 'store_corrupt', message }, fault)
  }
  const first = { ...place, revision: 1 }
  t.throws(
    () => decodeEvents(row(1, x, 1, x, 1, x), 3, first),
    { message: /number of events is 3/ },
    'before the first',
  )
  t.same(decodeEvents(row(1, x, 0, x, x), 2, place), [
    { type: 'StatementMade', data: 'x' },
    { type: 'x', data: 'x' },
  ])
})

function isToldOrDecoded(row: Buffer, count: number): boolean {
  try {
    decodeEvents(row, count, place)
    return true
  } catch (error) {
    return error instanceof StoreCorrupt
  }
}
