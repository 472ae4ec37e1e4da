import t from 'tap'
import type { Chunk } from '../../../src/node/webhooks/messages.ts'
import { NotedPlace } from '../../../src/node/webhooks/noted-place.ts'
import { ReadAhead } from '../../../src/node/webhooks/read-ahead.ts'
import type { Lane } from '../../../src/node/webhooks/webhook-file.ts'

const lane = (next: number, more: Partial<Lane> = {}): Lane => ({
  ...{ hook: 'h', stream: 'contract-x', replay: 0, part: 0, until: null, mark: null },
  ...{ attempts: 0, first: null, last: null, due: null, error: null, message: null },
  ...more,
  next,
})
const chunk: Chunk = { messages: [], next: 20, mark: null, more: false }

t.test('what was read ahead is told where the lane has come to, once, and not when it is old', async (t) => {
  let now = 0
  const ahead = new ReadAhead(() => now)
  const begin = () => ahead.begin(lane(1), 10, async () => chunk)
  t.equal(await ahead.take(lane(10)), undefined)
  begin()
  t.same(await ahead.take(lane(10)), { ...chunk, more: true }, 'what has come since is not in it')
  t.equal(await ahead.take(lane(10)), undefined)
  const others = [lane(9), lane(10, { part: 1 }), lane(10, { until: 12 }), lane(10, { replay: 1 })]
  for (const other of others) {
    begin()
    t.equal(await ahead.take(other), undefined)
  }
  begin()
  now = 5_001
  t.equal(await ahead.take(lane(10)), undefined, 'what was erased since would be in it')
  begin()
  now = 0
  t.equal(await ahead.take(lane(10)), undefined, 'the clock was set back')
  ahead.begin(lane(1), 10, () => Promise.reject(new Error('the store failed')))
  await t.rejects(ahead.take(lane(10)), { message: 'the store failed' })
  begin()
  ahead.drop(lane(10))
  t.equal(await ahead.take(lane(10)), undefined, 'nothing is told for now')
  const streams = Array.from({ length: 5 }, (_, number) => ({ stream: `contract-${number}` }))
  for (const stream of streams) ahead.begin(lane(1, stream), 10, async () => chunk)
  const taken = await Promise.all(streams.map((stream) => ahead.take(lane(10, stream))))
  t.same(
    taken.map((one) => one !== undefined),
    [false, true, true, true, true],
    'of as many lanes as are told at once',
  )
  ahead.begin(lane(1), 10, () => Promise.reject(new Error('nobody hears of it')))
})

t.test('how far a receiver has been told is written every few milliseconds, and whenever sending ends', async (t) => {
  let now = 0
  const written: (readonly [revision: number, part: number, mark: string | null])[] = []
  const clock = { now: () => now, after: () => () => {} }
  const place = new NotedPlace(clock, (...noted) => written.push(noted))
  const message = (revision: number, part = 0, mark: string | null = null) => ({
    id: '',
    body: '',
    mark,
    part,
    revision,
  })
  const sent = Promise.resolve('taken')
  place.told(message(3), message(3, 1))
  await place.during(sent)
  t.same(written, [], 'not for each message')
  now = 10
  await place.during(sent)
  t.same(written.splice(0), [[3, 1, null]])
  place.told(message(3, 1), message(4))
  place.told(message(4, 0, 'm'), undefined)
  place.note()
  t.same(written.splice(0), [[5, 0, 'm']], 'the last')
  place.note()
  t.same(written, [], 'and once')
  place.told(message(5), undefined)
  now = 0
  await place.during(sent)
  t.same(written, [[6, 0, null]], 'the clock was set back')
})

t.test('where it cannot be written, nothing is under way any more when that is said', async (t) => {
  const clock = { now: () => now, after: () => () => {} }
  let now = 0
  const place = new NotedPlace(clock, () => {
    throw new Error('the disk is full')
  })
  place.told({ id: '', body: '', mark: null, part: 0, revision: 3 }, undefined)
  now = 10
  const sending = Promise.withResolvers<string>()
  let isOver = false
  const over = place.during(sending.promise).finally(() => {
    isOver = true
  })
  over.catch(() => {})
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(isOver, false)
  sending.resolve('taken')
  await t.rejects(over, { message: 'the disk is full' })
})
