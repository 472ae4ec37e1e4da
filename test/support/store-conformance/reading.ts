import type { Test } from 'tap'
import { NO_EVENTS, type RecordedEvent } from '../../../src/store/port.ts'
import type { Many, OpenStore } from '../event-store-conformance.ts'
import { all, facts, freshStore, namesOf, numbered } from './harness.ts'

const range = (from: number, end: number) => Array.from({ length: end - from }, (_, index) => from + index)

export async function reading(t: Test, open: OpenStore, many: Many): Promise<void> {
  t.test('a stream without events reads as nothing', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('ab', NO_EVENTS, facts('x'))
    t.same(await all(events.read('a')), [])
    t.equal(await events.lastRevision('a'), NO_EVENTS)
  })

  t.test('a stream is read from a revision on, that one included, up to a limit', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('a', NO_EVENTS, numbered(10))
    const names = async (from?: number, limit?: number) =>
      namesOf(
        await all(events.read('a', { ...(from !== undefined && { from }), ...(limit !== undefined && { limit }) })),
      )
    t.same(await names(), range(0, 10))
    t.same(await names(7), [7, 8, 9])
    t.same(await names(9), [9])
    t.same(await names(10), [])
    t.same(await names(1_000), [])
    t.same(await names(3, 2), [3, 4])
    t.same(await names(8, 100), [8, 9])
    t.same(await names(undefined, 0), [])
  })

  t.test('a long stream comes whole and in order, also when its events are large', async (t) => {
    const { events } = await freshStore(t, open)
    const filler = 'x'.repeat(300_000)
    const long = many(1_500)
    await events.append('long', NO_EVENTS, numbered(long))
    for (const n of range(0, 12))
      await events.append('large', n - 1, [{ type: 'Fact', data: JSON.stringify({ n, filler }) }])
    t.same(namesOf(await all(events.read('long'))), range(0, long))
    const [from, limit] = [long >> 1, long >> 2]
    t.same(namesOf(await all(events.read('long', { from, limit }))), range(from, from + limit))
    t.same(namesOf(await all(events.read('large'))), range(0, 12))
    t.same(namesOf(await all(events.readAll())), [...range(0, long), ...range(0, 12)])
  })

  t.test('a reading ends where the stream ended when it began, however long it is', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('a', NO_EVENTS, numbered(600))
    const seen: RecordedEvent[] = []
    for await (const event of events.read('a')) {
      if (event.revision === 0) await events.append('a', 599, numbered(300, 600))
      seen.push(event)
    }
    t.same(namesOf(seen), range(0, 600))
    seen.length = 0
    for await (const event of events.readAll()) {
      if (event.revision === 0) await events.append('a', 899, numbered(300, 900))
      seen.push(event)
    }
    t.same(namesOf(seen), range(0, 900))
  })

  t.test('a reading may be broken off', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('a', NO_EVENTS, numbered(600))
    for await (const event of events.read('a')) if (event.revision === 300) break
    for await (const event of events.readAll()) if (event.revision === 300) break
    await events.append('a', 599, facts('more'))
    t.equal(await events.lastRevision('a'), 600)
  })

  t.test('all events are read by position, after a checkpoint, of the streams that are asked for', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('feed-a', NO_EVENTS, facts('a0'))
    await events.append('ledger', NO_EVENTS, facts('l0', 'l1'))
    await events.append('feed-b', NO_EVENTS, facts('b0'))
    await events.append('feed-a', 0, facts('a1'))
    const everything = await all(events.readAll())
    t.same(namesOf(everything), ['a0', 'l0', 'l1', 'b0', 'a1'])
    t.ok(everything.every(({ position }, index) => index === 0 || position > (everything[index - 1]?.position ?? 0)))
    t.same(await all(events.readAll({ after: undefined })), everything)
    for (const [index, { position }] of everything.entries()) {
      t.same(await all(events.readAll({ after: position })), everything.slice(index + 1))
    }
    t.same(namesOf(await all(events.readAll({ streamPrefix: 'feed-' }))), ['a0', 'b0', 'a1'])
    t.same(namesOf(await all(events.readAll({ streamPrefix: 'feed-a' }))), ['a0', 'a1'])
    t.same(namesOf(await all(events.readAll({ streamPrefix: 'ledger', after: everything[1]?.position }))), ['l1'])
    t.same(await all(events.readAll({ streamPrefix: 'Feed-' })), [])
    t.same(await all(events.readAll({ streamPrefix: 'feed_' })), [], 'a prefix is no pattern')
  })

  t.test('the last position is that of the last event, wherever it stands: what comes later is after it', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('a', NO_EVENTS, facts('a0'))
    await events.append('b', NO_EVENTS, facts('b0', 'b1'))
    const before = await events.lastPosition()
    t.same(await all(events.readAll({ after: before })), [])
    await events.append('a', 0, facts('a1'))
    t.same(namesOf(await all(events.readAll({ after: before }))), ['a1'])
  })

  t.test('what few streams hold is found among much else', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('rare', NO_EVENTS, facts('first'))
    const common = many(2_000)
    for (const piece of range(0, 5)) await events.append('common', 'any', numbered(common, piece * common))
    await events.append('rare', 0, facts('last'))
    t.same(namesOf(await all(events.readAll({ streamPrefix: 'rare' }))), ['first', 'last'])
  })
}
