import type { Test } from 'tap'
import { NO_EVENTS, type RecordedEvent, type Store } from '../../../src/store/port.ts'
import type { Many, OpenStore } from '../event-store-conformance.ts'
import { all, collector, facts, freshStore, namesOf, numbered, turn } from './harness.ts'

export async function subscribing(t: Test, open: OpenStore, many: Many): Promise<void> {
  t.test('a subscription gives what stands, then what comes', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('a', NO_EVENTS, numbered(3))
    const seen = collector()
    const subscription = events.subscribe({}, seen.handler)
    t.equal(subscription.position, undefined)
    await seen.reached(3)
    await events.append('b', NO_EVENTS, facts('b0'))
    await events.append('a', 2, facts('a3', 'a4'))
    t.same(await seen.reached(6), await all(events.readAll()))
    subscription.close()
    await subscription.closed
    t.equal(subscription.position, seen.events.at(-1)?.position)
  })

  t.test('it goes on after a position, that event excluded', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('a', NO_EVENTS, numbered(5))
    const standing = await all(events.readAll())
    const seen = collector()
    const subscription = events.subscribe({ after: standing[2]?.position }, seen.handler)
    t.equal(subscription.position, standing[2]?.position)
    await events.append('a', 4, facts('live'))
    t.same(namesOf(await seen.reached(3)), [3, 4, 'live'])
  })

  t.test('it may be for some streams only', async (t) => {
    const { events } = await freshStore(t, open)
    const seen = collector()
    events.subscribe({ streamPrefix: 'feed-' }, seen.handler)
    await events.append('feed-a', NO_EVENTS, facts('a0'))
    const count = many(6_000)
    await events.append('ledger', NO_EVENTS, numbered(count))
    await events.append('feed-b', NO_EVENTS, facts('b0'))
    await events.append('ledger', count - 1, facts('l'))
    await events.append('feed-a', 0, facts('a1'))
    t.same(namesOf(await seen.reached(3)), ['a0', 'b0', 'a1'])
  })

  t.test('a slow handler gets everything, in order, one event at a time, and holds up nobody', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('a', NO_EVENTS, numbered(400))
    const seen = collector()
    let atWork = 0
    events.subscribe({}, async (event) => {
      t.equal(++atWork, 1)
      await turn()
      atWork--
      seen.handler(event)
    })
    for (let piece = 0; piece < 4; piece++)
      await events.append('a', 399 + piece * 100, numbered(100, 400 + piece * 100))
    t.same(
      namesOf(await seen.reached(800)),
      Array.from({ length: 800 }, (_, index) => index),
    )
  })

  t.test('several subscriptions do not disturb each other', async (t) => {
    const { events } = await freshStore(t, open)
    const collectors = Array.from({ length: 5 }, () => collector())
    const subscriptions = collectors.map(({ handler }) => events.subscribe({}, handler))
    await events.append('a', NO_EVENTS, numbered(10))
    const first = subscriptions.shift()
    first?.close()
    await first?.closed
    await events.append('a', 9, numbered(10, 10))
    for (const { reached } of collectors.slice(1)) t.equal((await reached(20)).length, 20)
  })

  t.test('a handler that throws ends it there, and it can be taken up again without gap', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('a', NO_EVENTS, numbered(5))
    const fault = new Error('the projection broke')
    for (const fail of [
      () => Promise.reject(fault),
      () => {
        throw fault
      },
    ]) {
      const seen: RecordedEvent[] = []
      const subscription = events.subscribe({}, (event) => {
        if (event.revision === 3) return fail()
        seen.push(event)
        return undefined
      })
      t.equal(await subscription.closed.catch((error: unknown) => error), fault)
      await events.append('a', 'any', facts('later'))
      t.same(namesOf(seen), [0, 1, 2])
      t.equal(subscription.position, seen.at(-1)?.position)
      const rest = collector()
      events.subscribe({ after: subscription.position }, rest.handler)
      t.same(namesOf(await rest.reached(2)), [3, 4])
    }
  })

  t.test('closing waits for the handler, and gives it nothing more', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('a', NO_EVENTS, numbered(3))
    const entered = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const log: string[] = []
    const subscription = events.subscribe({}, async (event) => {
      entered.resolve()
      await release.promise
      log.push(`handled ${event.revision}`)
    })
    const closed = subscription.closed.then(() => log.push('closed'))
    await entered.promise
    subscription.close()
    subscription.close()
    await turn()
    t.same(log, [])
    release.resolve()
    await closed
    await events.append('a', 2, facts('later'))
    await turn()
    t.same(log, ['handled 0', 'closed'])
  })

  t.test('a handler may close its own subscription, and append', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('a', NO_EVENTS, numbered(3))
    const subscription = events.subscribe({ streamPrefix: 'a' }, async (event) => {
      await events.append('echo', event.revision - 1, facts(`echo ${event.revision}`))
      if (event.revision === 1) subscription.close()
    })
    await subscription.closed
    t.same(namesOf(await all(events.read('echo'))), ['echo 0', 'echo 1'])
  })

  t.test('taken up again and again while others append, it misses nothing and gives nothing twice', async (t) => {
    const store = await freshStore(t, open)
    const appending = appendAlone(store, 'a', 150)
    const seen: RecordedEvent[] = []
    let position: number | undefined
    while (seen.length < 150) {
      const some = collector()
      const wanted = 1 + (seen.length % 7)
      const subscription = store.events.subscribe({ after: position }, (event) => {
        seen.push(event)
        some.handler(event)
        if (seen.length === 150) subscription.close()
      })
      await Promise.race([some.reached(wanted), subscription.closed])
      subscription.close()
      await subscription.closed
      position = subscription.position
    }
    await appending
    t.same(seen, await all(store.events.readAll()))
  })
}

async function appendAlone({ events }: Store, stream: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await events.append(stream, n - 1, facts(n))
}
