import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { EmbeddedStore } from '../../../src/store/embedded/embedded-store.ts'
import { RecentEvents } from '../../../src/store/embedded/recent-events.ts'
import type { RecordedEvent } from '../../../src/store/port.ts'
import { SqliteEngine } from '../../../src/store/sqlite/engine.ts'
import { openDatabase } from '../../../src/store/sqlite/schema.ts'
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts'
import { collector, facts, numbered, turn } from '../../support/store-conformance/harness.ts'

const EVERYTHING = Number.MAX_SAFE_INTEGER

/** An append of this process, of another one, or one of this process that repeats what stands. */
const append = fc.record({
  by: fc.constantFrom('own', 'own', 'own', 'foreign', 'repeat'),
  stream: fc.constantFrom('a', 'b'),
  count: fc.integer({ min: 1, max: 5 }),
})

const said = (events: readonly RecordedEvent[]) =>
  JSON.stringify(events.map(({ stream, revision, position, type, data }) => [stream, revision, position, type, data]))

t.test('what it gives is what stands behind a position, without a gap', async () => {
  fc.assert(
    fc.property(fc.array(append, { maxLength: 40 }), (appends) => {
      const recent = new RecentEvents()
      const all: RecordedEvent[] = []
      const done: { stream: string; count: number; revision: number; position: number }[] = []
      for (const { by, stream, count } of appends) {
        const again = done.at(-count)
        if (by === 'repeat' && again !== undefined) {
          recent.add(again.stream, all.slice(again.position - again.count, again.position), again)
          continue
        }
        const events = facts(...Array.from({ length: count }, (_, n) => `${all.length + n}`))
        let revision = all.findLast((event) => event.stream === stream)?.revision ?? -1
        for (const event of events) all.push({ ...event, stream, revision: ++revision, position: all.length + 1 })
        const appended = { revision, position: all.length }
        done.push({ stream, count, ...appended })
        if (by !== 'foreign') recent.add(stream, events, appended)
      }
      for (let position = 0; position <= all.length; position++) {
        const given = recent.after(position, EVERYTHING, EVERYTHING)
        const standing = all.slice(position, position + (given?.length ?? 0))
        if (given !== undefined && said(given) !== said(standing)) return false
        if (given?.length === 0) return false
      }
      return true
    }),
    { numRuns: 300 },
  )
})

t.test('what has just been appended is there, in pieces; of much only the newest', async (t) => {
  const recent = new RecentEvents()
  recent.add('a', numbered(10), { revision: 9, position: 10 })
  recent.add('b', numbered(2), { revision: 1, position: 12 })
  t.same(
    recent.after(8, EVERYTHING, EVERYTHING)?.map(({ stream, revision, position }) => [stream, revision, position]),
    [
      ['a', 8, 9],
      ['a', 9, 10],
      ['b', 0, 11],
      ['b', 1, 12],
    ],
  )
  t.equal(recent.after(0, 5, EVERYTHING)?.length, 5)
  t.equal(recent.after(0, EVERYTHING, 1)?.length, 1)
  t.equal(recent.after(12, EVERYTHING, EVERYTHING), undefined, 'nothing is known of what comes')
  for (let n = 0; n < 100; n++) recent.add('a', numbered(100), { revision: 109 + 100 * n, position: 112 + 100 * n })
  t.equal(recent.after(0, EVERYTHING, EVERYTHING), undefined)
  t.equal(recent.after(9_000, EVERYTHING, EVERYTHING)?.length, 10_012 - 9_000)
  const large = 'x'.repeat(1024 * 1024)
  for (let n = 0; n < 10; n++) recent.add('c', facts(large), { revision: n, position: 10_013 + n })
  t.equal(recent.after(10_012, EVERYTHING, EVERYTHING), undefined, 'of long ones few')
  t.ok(recent.after(10_020, EVERYTHING, EVERYTHING))
})

t.test('subscribers get what this process appends as it was given, and what others append from the file', async (t) => {
  const path = join(t.testdir(), 'store.db')
  const [own, other] = [await openSqliteStore(path), await openSqliteStore(path)]
  t.teardown(() => Promise.all([own.close(), other.close()]))
  const { events, handler, reached } = collector()
  own.events.subscribe({ streamPrefix: 'a' }, handler)
  const appended = facts('one', 'two')
  await own.events.append('a', -1, appended)
  await reached(2)
  t.equal(events[0]?.data, appended[0]?.data)
  for (let n = 0; n < 6; n++) {
    await (n % 2 === 0 ? other : own).events.append('a', 1 + n, facts(n))
    await (n % 3 === 0 ? other : own).events.append('b', n - 1, facts('passed over'))
  }
  t.same(
    (await reached(8)).map(({ revision, data }) => [revision, data]),
    [
      ...appended.map(({ data }, revision) => [revision, data]),
      ...[0, 1, 2, 3, 4, 5].map((n) => [2 + n, JSON.stringify({ n })]),
    ],
  )
})

t.test(
  'who has got what this process appends looks into the file again only when another process may have appended',
  async (t) => {
    const path = join(t.testdir(), 'store.db')
    let looks = 0
    class Counting extends SqliteEngine {
      override readAfter(position: number, streamPrefix: string) {
        looks++
        return super.readAfter(position, streamPrefix)
      }
    }
    const own = new EmbeddedStore(new Counting(openDatabase(path, { readonly: false, busyTimeoutMs: 0 })))
    const other = await openSqliteStore(path)
    t.teardown(() => Promise.all([own.close(), other.close()]))
    const { handler, reached } = collector()
    own.events.subscribe({}, handler)
    await other.events.append('a', -1, facts('of the other'))
    await reached(1)
    await own.events.append('b', -1, facts('own'))
    await reached(2)
    await turn()
    const before = looks
    for (let n = 0; n < 5; n++) {
      await own.events.append('b', n, facts(n))
      await reached(3 + n)
      await turn()
    }
    t.ok(looks - before <= 2, 'at most for what the other has done before, and not once for each')
    await other.events.append('a', 0, facts('of the other again'))
    t.match((await reached(8)).at(-1), { stream: 'a', revision: 1 })
  },
)
