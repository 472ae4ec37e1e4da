import { createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import {
  StoreAccessDenied,
  StoreAddressInvalid,
  StoreUnavailable,
  StoreWriteTooLarge,
  WrongExpectedRevision,
} from '../../src/store/errors.ts'
import { openEventStoreDbStore } from '../../src/store/eventstoredb/eventstoredb-store.ts'
import { NO_EVENTS } from '../../src/store/port.ts'
import { startServer } from '../support/eventstoredb-server/server.ts'
import { all, collector, contract, facts, namesOf, sealNamed } from '../support/store-conformance/harness.ts'

/** Our own server in this process, with its faults at hand, and a store on it. */
async function storeWithFaults(t: Test) {
  const server = await startServer(t.testdir())
  const store = await openEventStoreDbStore({ url: server.url, timeoutMs: 2_000 })
  t.teardown(async () => {
    await store.close()
    server.close()
  })
  return { server, store, events: store.events }
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
  await t.rejects(events.append('a', NO_EVENTS, [large, large]), {
    code: 'store_write_too_large',
    message: 'append to a: one append may have 1048576 bytes at most',
    evidence: { bytesMax: 1_048_576 },
  })
  const entry = { seal: sealNamed('one'), text: 'x'.repeat(1_100_000) }
  await t.rejects(store.payloads.put(contract, [entry]), StoreWriteTooLarge)
  t.same(await all(events.readAll()), [])
})

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
