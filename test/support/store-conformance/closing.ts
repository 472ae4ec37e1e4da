import type { Test } from 'tap'
import { StoreClosed } from '../../../src/store/errors.ts'
import { NO_EVENTS } from '../../../src/store/port.ts'
import type { OpenStore } from '../event-store-conformance.ts'
import { all, contract, facts, freshStore, group, numbered, sealNamed } from './harness.ts'

export async function closing(t: Test, open: OpenStore): Promise<void> {
  t.test('a closed store refuses every call', async (t) => {
    const store = await freshStore(t, open)
    const { events, payloads } = store
    await events.append('a', NO_EVENTS, numbered(600))
    const reading = events.read('a')[Symbol.asyncIterator]()
    await reading.next()
    await store.close()
    await store.close()
    const calls: (() => Promise<unknown>)[] = [
      () => events.append('a', 599, facts('x')),
      () => events.lastRevision('a'),
      () => all(events.read('a')),
      () => all(events.readAll()),
      async () => events.subscribe({}, () => {}),
      () => payloads.put(contract, group, [{ seal: sealNamed('one'), text: '1' }]),
      () => payloads.get(contract, []),
      () => payloads.erase(contract, []),
      () => store.write([]),
      async () => {
        while ((await reading.next()).done !== true);
      },
    ]
    for (const call of calls) {
      const error = await call().catch((error: unknown) => error)
      t.ok(error instanceof StoreClosed, call.toString())
      t.match(error, { code: 'store_closed', message: 'the store is closed' })
    }
  })

  t.test('what was accepted before the closing is done', async (t) => {
    const store = await freshStore(t, open)
    const appended = store.events.append('a', NO_EVENTS, facts('a0'))
    const closed = store.close()
    t.equal((await appended).revision, 0)
    await closed
  })

  t.test('closing ends subscriptions; the handler at work may still write', async (t) => {
    const store = await freshStore(t, open)
    await store.events.append('a', NO_EVENTS, numbered(3))
    const entered = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const handled: number[] = []
    const subscription = store.events.subscribe({ streamPrefix: 'a' }, async (event) => {
      entered.resolve()
      await release.promise
      await store.events.append('echo', event.revision - 1, facts(event.revision))
      handled.push(event.revision)
    })
    await entered.promise
    const closed = store.close()
    t.throws(() => store.events.subscribe({}, () => {}), StoreClosed)
    release.resolve()
    await closed
    await subscription.closed
    t.same(handled, [0])
  })

  t.test('closing gets over a handler that throws; its error is told by `closed`', async (t) => {
    const store = await freshStore(t, open)
    await store.events.append('a', NO_EVENTS, facts('a0'))
    const entered = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const subscription = store.events.subscribe({}, async () => {
      entered.resolve()
      await release.promise
      throw new Error('broken')
    })
    const told = subscription.closed.catch((error: unknown) => error)
    await entered.promise
    const closed = store.close()
    release.resolve()
    await closed
    t.match(await told, { message: 'broken' })
  })
}
