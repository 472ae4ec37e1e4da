import t, { type Test } from 'tap'
import { connect } from '../../../src/store/eventstoredb/connection.ts'
import { openEventStoreDbStore } from '../../../src/store/eventstoredb/eventstoredb-store.ts'
import { NO_EVENTS } from '../../../src/store/port.ts'
import { type EventStoreDbServer, startServer } from '../../support/eventstoredb-server/server.ts'
import {
  all,
  collector,
  contract,
  facts,
  group,
  namesOf,
  refTo,
  sealNamed,
} from '../../support/store-conformance/harness.ts'

/** Two servers with the same data, the first of which leads, and a store that finds the leader by itself. */
async function cluster(t: Test) {
  const alive = new Set<EventStoreDbServer>()
  let leader: EventStoreDbServer
  const members = () =>
    [first, second].map((one) => ({
      port: one.port,
      state: one === leader ? ('leader' as const) : ('follower' as const),
      isAlive: alive.has(one),
    }))
  const first: EventStoreDbServer = await startServer(t.testdir(), { members })
  const second: EventStoreDbServer = await startServer('', { members, database: first.database })
  const lead = (server: EventStoreDbServer) => {
    leader = server
    for (const one of [first, second]) one.faults.leader = one === server ? undefined : server.port
  }
  for (const server of [first, second]) alive.add(server)
  lead(first)
  const url = `esdb://127.0.0.1:${first.port},127.0.0.1:${second.port}?tls=false`
  const store = await openEventStoreDbStore({ url })
  t.teardown(async () => {
    await store.close()
    second.close()
    first.close()
  })
  return { first, second, lead, store, alive, url }
}

t.test('when another server leads, every kind of call goes there, and nobody notices', async (t) => {
  const { first, second, lead, store } = await cluster(t)
  const seen = collector()
  store.events.subscribe({}, seen.handler)
  await store.events.append('a', NO_EVENTS, facts('a0'))
  await seen.reached(1)
  const calls: (() => Promise<unknown>)[] = [
    () => store.events.append('a', 0, facts('a1')),
    () => store.events.lastRevision('a'),
    () => store.events.lastPosition(),
    () => store.payloads.put(contract, group, [{ seal: sealNamed('one'), text: '1' }]),
    () => store.payloads.get(contract, [refTo('one')]),
    () => store.payloads.erase(contract, [refTo('one')]),
    () => all(store.events.read('a')),
  ]
  for (const [turn, call] of calls.entries()) {
    lead(turn % 2 === 0 ? second : first)
    await t.resolves(call(), call.toString())
  }
  t.same(namesOf(await seen.reached(2)), ['a0', 'a1'])
})

t.test(
  'when the leader dies, the next one is found, and a subscription goes on there without gap or double',
  async (t) => {
    const { first, second, lead, alive, store } = await cluster(t)
    const seen = collector()
    store.events.subscribe({}, seen.handler)
    for (let n = 0; n < 20; n++) await store.events.append('a', n - 1, facts(n))
    await seen.reached(20)
    alive.delete(first)
    lead(second)
    // Its data live on with the other.
    first.stop()
    for (let n = 20; n < 40; n++) {
      for (;;) {
        const done = await store.events.append('a', n - 1, facts(n)).then(
          () => true,
          () => false,
        )
        if (done) break
      }
    }
    const all = await seen.reached(40)
    t.same(
      namesOf(all),
      Array.from({ length: 40 }, (_, n) => n),
    )
  },
)

t.test('`esdb+discover` asks the servers that the name stands for who leads', async (t) => {
  const { first, second, lead } = await cluster(t)
  lead(second)
  const store = await openEventStoreDbStore({ url: `esdb+discover://127.0.0.1:${first.port}?tls=false` })
  t.teardown(() => store.close())
  t.equal((await store.events.append('b', NO_EVENTS, facts('b0'))).revision, 0)
})

t.test('a cluster is opened and written to by the others when the first server that is named is gone', async (t) => {
  const { first, second, lead, alive, url } = await cluster(t)
  alive.delete(first)
  lead(second)
  first.stop()
  const store = await openEventStoreDbStore({ url })
  t.teardown(() => store.close())
  t.equal((await store.events.append('b', NO_EVENTS, facts('b0'))).revision, 0)
})

t.test('`esdb+discover` with several names, of which the client would take the first alone, is refused', async (t) => {
  await t.rejects(openEventStoreDbStore({ url: 'esdb+discover://a:2113,b:2113,c?tls=false' }), {
    code: 'store_address_invalid',
    message: /several servers are esdb:\/\/a:2113,b:2113,c$/,
  })
})

t.test('a cluster of which nobody is there is not waited for longer than a call may take', async (t) => {
  const { first, second, url } = await cluster(t)
  const store = await openEventStoreDbStore({ url, timeoutMs: 300 })
  t.teardown(() => store.close())
  first.stop()
  second.stop()
  const calls: (() => Promise<unknown>)[] = [
    () => store.events.append('a', NO_EVENTS, facts('a0')),
    () => store.events.append('a', NO_EVENTS, facts('a0')),
    () => store.events.lastRevision('a'),
    () => store.payloads.put(contract, group, [{ seal: sealNamed('one'), text: '1' }]),
    () => store.payloads.erase(contract, [refTo('one')]),
  ]
  for (const call of calls) await t.rejects(call(), { code: 'store_unavailable' }, call.toString())
})

t.test(
  'an append that begins while a connection is let go is told as unknown, and does not end the process',
  async (t) => {
    const server = await startServer(t.testdir())
    const store = await openEventStoreDbStore({ url: server.url, timeoutMs: 2_000 })
    const { client, release } = connect({ url: server.url })
    t.teardown(async () => {
      await release()
      await store.close()
      server.close()
    })
    const begun: Promise<unknown>[] = []
    const beginMany = (left: number) => {
      if (left === 0) return
      const stream = `b${left}`
      begun.push(store.events.append(stream, NO_EVENTS, facts('b0')).catch((error: unknown) => error))
      queueMicrotask(() => beginMany(left - 1))
    }
    // The client lets go of a connection in here, some microtasks later.
    const inside = client as unknown as { handleError(...args: unknown[]): Promise<void> }
    const { handleError } = inside
    inside.handleError = (...args) => {
      inside.handleError = handleError
      beginMany(20)
      return handleError(...args)
    }
    server.faults.cutNextAppend = true
    await t.rejects(store.events.append('a', NO_EVENTS, facts('a0')), { code: 'store_unavailable' })
    for (const outcome of await Promise.all(begun)) {
      if (outcome instanceof Error) t.match(outcome, { code: 'store_unavailable' })
      else t.match(outcome, { revision: 0 })
    }
    t.equal(begun.length, 20)
  },
)
