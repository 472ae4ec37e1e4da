import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import {
  StoreAccessDenied,
  StoreAddressInvalid,
  StoreUnavailable,
  WrongExpectedRevision,
} from '../../../src/store/errors.ts'
import { openEventStoreDbStore } from '../../../src/store/eventstoredb/eventstoredb-store.ts'
import { within } from '../../../src/store/eventstoredb/reading.ts'
import { NO_EVENTS, type RecordedEvent } from '../../../src/store/port.ts'
import { startServer } from '../../support/eventstoredb-server/server.ts'
import {
  all,
  collector,
  contract,
  facts,
  group,
  namesOf,
  numbered,
  refTo,
  sealNamed,
} from '../../support/store-conformance/harness.ts'

/** Our own server in this process, with its faults at hand, and a store on it. */
async function storeWithFaults(t: Test, timeoutMs = 2_000) {
  const server = await startServer(t.testdir())
  const store = await openEventStoreDbStore({ url: server.url, timeoutMs })
  t.teardown(async () => {
    server.faults.slowness.goOn()
    await store.close()
    server.close()
  })
  /** The same store, whose calls may last so long. */
  const hurried = async (timeoutMs: number) => {
    const store = await openEventStoreDbStore({ url: server.url, timeoutMs })
    t.teardown(() => store.close())
    return store
  }
  return { server, store, events: store.events, hurried }
}

t.test('an append that was stored but not acknowledged is told as unknown, and its repeat is no double', async (t) => {
  const { server, events } = await storeWithFaults(t)
  server.faults.cutNextAnswer = true
  await t.rejects(events.append('a', NO_EVENTS, facts('a0')), StoreUnavailable)
  t.equal((await events.append('a', NO_EVENTS, facts('a0'))).revision, 0)
  t.same(namesOf(await all(events.read('a'))), ['a0'])
})

t.test('an append that was cut off before it was stored is told as unknown, and its repeat is done', async (t) => {
  const { server, events } = await storeWithFaults(t)
  server.faults.cutNextAppend = true
  await t.rejects(events.append('a', NO_EVENTS, facts('a0')), { code: 'store_unavailable', message: /^append to a: / })
  t.same(await all(events.read('a')), [])
  t.equal((await events.append('a', NO_EVENTS, facts('a0'))).revision, 0)
})

t.test(
  'of two processes that append the same at once neither waits for the other, and it is stored once',
  async (t) => {
    const { server, events, hurried } = await storeWithFaults(t)
    const others = await hurried(10_000)
    for (let n = 0; n < 3; n++) {
      const committed = Promise.withResolvers<void>()
      server.database.commit = () => committed.promise
      const both = [events, others.events].map((log) => log.append('a', n - 1, facts(n)))
      await Promise.race([...both, once(server.database, 'dropped')])
      t.equal(server.database.dropped, 0, 'the second is told while the first is in flight')
      committed.resolve()
      t.same(
        (await Promise.all(both)).map(({ revision }) => revision),
        [n, n],
      )
    }
    t.same(namesOf(await all(events.read('a'))), [0, 1, 2])
  },
)

t.test('of a server that is starting, opening waits until it is ready', async (t) => {
  const server = await startServer(t.testdir())
  server.faults.isStarting = true
  t.teardown(() => server.close())
  const opening = openEventStoreDbStore({ url: server.url })
  await t.rejects(openEventStoreDbStore({ url: server.url, timeoutMs: 150 }), {
    code: 'store_unavailable',
    message: /Server Is Not Ready/,
  })
  server.faults.isStarting = false
  const store = await opening
  t.equal(await store.events.lastRevision('a'), NO_EVENTS)
  await store.close()
})

t.test('a server that says nothing is not waited for without end', async (t) => {
  const sockets = new Set<Socket>()
  const silent = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1')
  await new Promise((resolve) => silent.once('listening', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  const { port } = silent.address() as { port: number }
  const url = `esdb://127.0.0.1:${port}?tls=false`
  await t.rejects(openEventStoreDbStore({ url, timeoutMs: 300 }), StoreUnavailable)
})

t.test('more than an append can take is refused, and nothing is stored', async (t) => {
  const { store, events } = await storeWithFaults(t)
  const large = { type: 'Fact', data: JSON.stringify('x'.repeat(600_000)) }
  const tooLarge = { type: 'Fact', data: JSON.stringify('x'.repeat(1_100_000)) }
  await t.rejects(events.append('a', NO_EVENTS, [large, large]), {
    code: 'store_write_too_large',
    message: 'append to a: one append may have 1048576 bytes at most',
    evidence: { bytesMax: 1_048_576 },
  })
  await t.rejects(store.write([{ kind: 'append', stream: 'a', expectedRevision: NO_EVENTS, events: [tooLarge] }]), {
    code: 'store_write_too_large',
  })
  t.same(await all(events.readAll()), [])
})

t.test('a large text that was written by half is not held, and is gone on with when it is put again', async (t) => {
  const { server, store } = await storeWithFaults(t, 1_000)
  const entry = { seal: sealNamed('one'), text: `${'x'.repeat(3_500_000)}end` }
  const types = () => server.database.all.map(({ type }) => type)
  server.faults.slowness.stall('append', 2)
  await t.rejects(store.payloads.put(contract, group, [entry]), StoreUnavailable)
  t.same(types(), ['PayloadsBegun', 'PayloadsContinued'])
  t.equal((await store.payloads.get(contract, [{ group, seal: entry.seal }])).size, 0)
  server.faults.slowness.goOn()
  await store.payloads.put(contract, group, [entry])
  t.same(types(), ['PayloadsBegun', 'PayloadsContinued', 'PayloadsContinued', 'PayloadsKeptEnded'])
  t.ok((await store.payloads.get(contract, [{ group, seal: entry.seal }])).get(entry.seal) === entry.text)
})

t.test('pieces that are none of it, or were never ended, are no part of what is put', async (t) => {
  const { server, store } = await storeWithFaults(t)
  const entry = { seal: sealNamed('one'), text: 'x'.repeat(2_000_000) }
  const stream = `payload-${contract}-${group}`
  const stands = (type: string, contentType: string, data: string) =>
    server.database.append(stream, 'any', [
      { id: randomUUID(), type, contentType, data: Buffer.from(data), metadata: Buffer.alloc(0) },
    ])
  const whole = `${entry.seal} 1\ny\n`
  await stands('PayloadsKept', 'application/json', JSON.stringify(whole))
  await stands('PayloadsContinued', 'application/octet-stream', whole)
  await stands('PayloadsKeptEnded', 'application/octet-stream', whole)
  await stands('PayloadsBegun', 'application/octet-stream', `${entry.seal} `)
  await stands('PayloadsBegun', 'application/octet-stream', whole.slice(0, 10))
  const held = async () => (await store.payloads.get(contract, [{ group, seal: entry.seal }])).get(entry.seal)
  t.equal(await held(), undefined)
  await store.payloads.put(contract, group, [entry])
  t.ok((await held()) === entry.text)
  await store.payloads.erase(contract, [{ group, seal: entry.seal }])
  t.same(server.database.visible(stream), [{ ...server.database.all.at(-2), data: Buffer.alloc(0) }])
})

t.test('a server that stands still in the middle of a reading is told, and read again when it goes on', async (t) => {
  const { server, store, events, hurried } = await storeWithFaults(t)
  await events.append('a', NO_EVENTS, facts('a0', 'a1', 'a2', 'a3'))
  await store.payloads.put(contract, group, [{ seal: sealNamed('one'), text: '"1"' }])
  const slow = await hurried(200)
  const { slowness } = server.faults
  const late = (doing: string) => ({
    code: 'store_unavailable',
    message: `${doing}: EventStoreDB did not answer in 200 ms`,
  })
  const read: RecordedEvent[] = []
  // One more is read to know where the stream ends.
  slowness.stall('read', 3)
  await t.rejects(async () => {
    for await (const event of slow.events.read('a')) read.push(event)
  }, late('read of a'))
  await t.rejects(slow.events.lastRevision('a'), late('read of a'))
  await t.rejects(all(slow.events.readAll()), late('read of all streams'))
  await t.rejects(slow.payloads.get(contract, [refTo('one')]), late('read of payloads'))
  slowness.goOn()
  const rest = await all(events.read('a', { from: read.length }))
  t.ok(rest.length >= 2)
  t.same(namesOf([...read, ...rest]), ['a0', 'a1', 'a2', 'a3'])
  t.equal((await store.payloads.get(contract, [refTo('one')])).size, 1)
})

t.test(
  'a server that stands still in the middle of an append is told, and what it does late is no double',
  async (t) => {
    const { server, store, events, hurried } = await storeWithFaults(t)
    await events.append('a', NO_EVENTS, facts('a0'))
    const slow = await hurried(200)
    server.faults.slowness.stall('append')
    await t.rejects(slow.events.append('a', 0, facts('a1')), { code: 'store_unavailable', message: /^append to a: / })
    const entry = { seal: sealNamed('one'), text: '"1"' }
    await t.rejects(slow.payloads.put(contract, group, [entry]), {
      code: 'store_unavailable',
      message: /^put of payloads: /,
    })
    t.same(namesOf(await all(events.read('a'))), ['a0'])
    server.faults.slowness.goOn()
    t.equal((await events.append('a', 0, facts('a1'))).revision, 1)
    await store.payloads.put(contract, group, [entry])
    t.same(namesOf(await all(events.read('a'))), ['a0', 'a1'])
    t.equal(server.database.all.filter(({ type }) => type === 'PayloadsKept').length, 1)
  },
)

t.test(
  'of a server that stands still in the middle of a subscription, every event comes once when it goes on',
  async (t) => {
    const { server, events } = await storeWithFaults(t)
    await events.append('a', NO_EVENTS, numbered(5))
    const { slowness } = server.faults
    slowness.stall('subscription', 2)
    const seen = collector()
    const subscription = events.subscribe({}, seen.handler)
    await seen.reached(2)
    // Longer than a call may take: silence is no fault of a subscription.
    await t.rejects(within(200, new Promise(() => {}), 'waiting'), StoreUnavailable)
    t.equal(seen.events.length, 2)
    slowness.goOn()
    await seen.reached(5)
    // Beyond what stood there: more than the server keeps for a consumer, which it drops then.
    slowness.stall('subscription', 1)
    for (let n = 5; n < 50; n++) await events.append('a', n - 1, numbered(1, n))
    slowness.goOn()
    t.same(
      namesOf(await seen.reached(50)),
      Array.from({ length: 50 }, (_, n) => n),
    )
    subscription.close()
    await subscription.closed
  },
)

t.test('what others have appended under ids of their own is a repeat as well', async (t) => {
  const { events } = await storeWithFaults(t)
  // With any revision the ids are drawn, as those of another program would be.
  await events.append('a', 'any', facts('a0', 'a1'))
  t.equal((await events.append('a', NO_EVENTS, facts('a0', 'a1'))).revision, 1)
  await t.rejects(events.append('a', NO_EVENTS, facts('a0', 'x')), WrongExpectedRevision)
  t.same(namesOf(await all(events.read('a'))), ['a0', 'a1'])
})

t.test(
  'a subscriber that is slower than 32 live events is dropped by the server, and still gets every event once',
  async (t) => {
    const { events } = await storeWithFaults(t)
    const seen = collector()
    const release = Promise.withResolvers<void>()
    events.subscribe({}, async (event) => {
      await release.promise
      seen.handler(event)
    })
    const filler = 'x'.repeat(100_000)
    const large = (n: number) => [{ type: 'Fact', data: JSON.stringify({ n, filler }) }]
    for (let n = 0; n < 200; n++) await events.append('a', n - 1, large(n))
    release.resolve()
    t.same(
      namesOf(await seen.reached(200)),
      Array.from({ length: 200 }, (_, n) => n),
    )
  },
)

t.test('addresses that cannot be used are refused before anything is called', async (t) => {
  await t.rejects(openEventStoreDbStore({ url: 'http://127.0.0.1' }), StoreAddressInvalid)
  await t.rejects(openEventStoreDbStore({ url: 'esdb://%zz:x@127.0.0.1' }), StoreAddressInvalid)
  await t.rejects(openEventStoreDbStore({ url: 'esdb://u:p@127.0.0.1', caFile: '/nowhere.pem' }), {
    code: 'store_address_invalid',
    message: /File was not found/,
  })
  await t.rejects(openEventStoreDbStore({ url: 'esdb://127.0.0.1:2113' }), StoreAccessDenied)
})
