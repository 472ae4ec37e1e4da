import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import t, { type Test } from 'tap'
import { StoreUnavailable } from '../../../src/store/errors.ts'
import { openEventStoreDbStore } from '../../../src/store/eventstoredb/eventstoredb-store.ts'
import { NO_EVENTS } from '../../../src/store/port.ts'
import { startServer } from '../../support/eventstoredb-server/server.ts'
import { until } from '../../support/node-party.ts'
import { contract, facts, group, refTo, sealNamed } from '../../support/store-conformance/harness.ts'

const entry = (name: string, text = `"${name}"`) => ({ seal: sealNamed(name), text })
const stream = `payload-${contract}-${group}`

async function storeOfServer(t: Test) {
  const directory = t.testdir()
  const server = await startServer(directory)
  const store = await openEventStoreDbStore({ url: server.url, timeoutMs: 1_000 })
  const other = await openEventStoreDbStore({ url: server.url })
  t.teardown(async () => {
    server.faults.slowness.goOn()
    await Promise.all([store.close(), other.close()])
    server.close()
  })
  /** Whether the server's files have it, as the double writes it. */
  const isInFiles = (text: string) => {
    const journal = readFileSync(join(directory, 'journal'), 'utf8')
    const data = [...journal.matchAll(/"data":"([^"]*)"/g)].map(([, data = '']) =>
      Buffer.from(data, 'base64').toString(),
    )
    return data.some((one) => one.includes(text))
  }
  const isInAll = (text: string) => server.database.all.some(({ data }) => data.includes(text))
  return { server, directory, store, payloads: store.payloads, other: other.payloads, isInFiles, isInAll }
}

t.test(
  'a stream that was deleted keeps its last event through a scavenge; $all shows the others until then',
  async (t) => {
    const { server } = await storeOfServer(t)
    const client = EventStoreDBClient.connectionString(server.url)
    t.teardown(() => client.dispose())
    const credentials = { username: 'nobody', password: '' }
    const append = (stream: string, name: string) =>
      client.appendToStream(stream, jsonEvent({ type: 'Fact', data: { name } }), { credentials })
    const shown = async () => {
      const names: unknown[] = []
      for await (const { event } of client.readAll({ credentials })) {
        if (event?.type === 'Fact') names.push((event.data as { name: string }).name)
      }
      return names
    }
    for (const name of ['s0', 's1', 's2']) await append('soft', name)
    for (const name of ['t0', 't1', 't2']) await append('truncated', name)
    for (const name of ['h0', 'h1']) await append('hard', name)
    await client.deleteStream('soft', { credentials })
    await client.setStreamMetadata('truncated', { truncateBefore: 1 }, { credentials })
    await client.tombstoneStream('hard', { credentials })
    t.same(await shown(), ['s0', 's1', 's2', 't0', 't1', 't2', 'h0', 'h1'])
    server.database.scavenge()
    server.database.scavenge()
    t.same(await shown(), ['s2', 't1', 't2'])
    const next = await client.appendToStream('soft', jsonEvent({ type: 'Fact', data: { name: 's3' } }), {
      expectedRevision: NO_STREAM,
      credentials,
    })
    t.equal(next.nextExpectedRevision, 3n)
  },
)

t.test('what was erased is in no file once the server has been scavenged, and what was kept still is', async (t) => {
  const { server, directory, payloads, isInFiles, isInAll } = await storeOfServer(t)
  const [kept, secret, large] = [entry('kept'), entry('secret'), entry('large', 'z'.repeat(3_000_000))]
  await payloads.put(contract, group, [kept, secret, large])
  await payloads.put(contract, 'ana.1' as typeof group, [secret])
  await payloads.erase(contract, [refTo('secret'), refTo('large'), refTo('secret', 'ana.1' as typeof group)])
  t.ok(isInFiles('secret') && isInAll('secret'), 'until then it is')
  server.database.scavenge()
  for (const text of ['secret', 'zzz']) t.notOk(isInFiles(text) || isInAll(text), text)
  t.same(await payloads.get(contract, [refTo('kept'), refTo('secret')]), new Map([[kept.seal, kept.text]]))
  const copy = join(directory, 'copy')
  cpSync(join(directory, 'journal'), join(copy, 'journal'))
  const again = await startServer(copy)
  const store = await openEventStoreDbStore({ url: again.url })
  t.teardown(async () => {
    await store.close()
    again.close()
  })
  t.same(await store.payloads.get(contract, [refTo('kept'), refTo('secret')]), new Map([[kept.seal, kept.text]]))
})

t.test('of a group erased whole a blank event is left, and it may be put into again', async (t) => {
  const { server, payloads } = await storeOfServer(t)
  await payloads.put(contract, group, [entry('one'), entry('two')])
  await payloads.erase(contract, [refTo('one'), refTo('two')])
  server.database.scavenge()
  const left = server.database.all.filter((event) => event.stream === stream)
  t.match(left, [{ type: 'PayloadsRewritten', data: Buffer.alloc(0) }])
  t.equal(left.length, 1)
  await payloads.put(contract, group, [entry('three')])
  t.equal((await payloads.get(contract, [refTo('one'), refTo('three')])).size, 1)
})

for (const size of [100, 3_000_000]) {
  t.test(`an erasure that is cut off anywhere is completed by its repeat; ${size} characters are kept`, async (t) => {
    // The appends of an erasure: what is kept, in one piece or in several, and the truncation.
    for (let done = 0; ; done++) {
      const { server, payloads, isInFiles } = await storeOfServer(t)
      const kept = entry('kept', 'k'.repeat(size))
      await payloads.put(contract, group, [kept, entry('secret')])
      server.faults.slowness.stall('append', done)
      const outcome = await payloads.erase(contract, [refTo('secret')]).catch((error: unknown) => error)
      server.faults.slowness.goOn()
      if (outcome === undefined) {
        t.ok(done >= 2)
        break
      }
      t.ok(outcome instanceof StoreUnavailable)
      const between = await payloads.get(contract, [refTo('kept'), refTo('secret')])
      t.ok(between.get(kept.seal) === kept.text, 'what is kept is there at every moment')
      await payloads.erase(contract, [refTo('secret')])
      const after = await payloads.get(contract, [refTo('kept'), refTo('secret')])
      t.ok(after.size === 1 && after.get(kept.seal) === kept.text)
      server.database.scavenge()
      t.notOk(isInFiles('secret'))
    }
  })
}

t.test('what a put that was cut off has left is erased as well', async (t) => {
  const { server, payloads, isInFiles } = await storeOfServer(t)
  const secret = entry('secret', `secret${'x'.repeat(4_000_000)}`)
  server.faults.slowness.stall('append', 2)
  await t.rejects(payloads.put(contract, group, [secret]), StoreUnavailable)
  server.faults.slowness.goOn()
  t.ok(isInFiles('secret'))
  await payloads.erase(contract, [refTo('secret')])
  server.database.scavenge()
  t.notOk(isInFiles('secret'))
})

t.test('who truncates late does not bring back what another has truncated since', async (t) => {
  const { server, payloads, other, isInFiles } = await storeOfServer(t)
  const { slowness } = server.faults
  const names = ['kept', 'secret one', 'secret two']
  await payloads.put(
    contract,
    group,
    names.map((name) => entry(name)),
  )
  // The first append of an erasure is what is kept, the second the truncation.
  slowness.stall('append', 1)
  const late = other.erase(contract, [refTo('secret one')])
  await until('it is about to truncate', async () => slowness.standing === 1)
  slowness.letPass()
  await payloads.erase(contract, [refTo('secret two')])
  slowness.goOn()
  await late
  server.database.scavenge()
  for (const name of names) t.equal(isInFiles(name), name === 'kept', name)
  t.equal((await other.get(contract, [refTo('kept')])).size, 1)
})

t.test('of many that erase at once all end well', async (t) => {
  const { server, payloads, other, isInFiles } = await storeOfServer(t)
  const names = Array.from({ length: 12 }, (_, n) => `secret ${n}.`)
  await payloads.put(contract, group, [...names.map((name) => entry(name)), entry('kept')])
  await Promise.all(names.map((name, n) => (n % 2 === 0 ? payloads : other).erase(contract, [refTo(name)])))
  server.database.scavenge()
  for (const name of names) t.notOk(isInFiles(name), name)
  t.equal((await other.get(contract, [refTo('kept')])).size, 1)
})

t.test('a truncation leaves the other metadata of a stream as they are', async (t) => {
  const { server, payloads } = await storeOfServer(t)
  const client = EventStoreDBClient.connectionString(server.url)
  t.teardown(() => client.dispose())
  const credentials = { username: 'nobody', password: '' }
  await payloads.put(contract, group, [entry('one')])
  await client.setStreamMetadata(stream, { owner: 'an administrator' }, { credentials })
  await payloads.erase(contract, [refTo('one')])
  const { metadata } = await client.getStreamMetadata(stream, { credentials })
  t.match(metadata, { owner: 'an administrator', truncateBefore: 1 })
})

t.test('the values of a statement are one append, and those of several statements are put at once', async (t) => {
  const { server, store } = await storeOfServer(t)
  const entries = Array.from({ length: 100 }, (_, n) => entry(`${n}`))
  await store.payloads.put(contract, group, entries)
  t.equal(server.database.all.length, 1)
  server.faults.slowness.stall('append')
  const groups = ['ana.1', 'ana.2', 'ben.0'] as (typeof group)[]
  const written = store.write([
    ...groups.map((group) => ({ kind: 'payloads', contract, group, entries }) as const),
    { kind: 'append', stream: 'a', expectedRevision: NO_EVENTS, events: facts('a0') },
  ])
  await until('all of them are under way', async () => server.faults.slowness.standing === 3)
  server.faults.slowness.goOn()
  await written
  t.same(server.database.all.map(({ stream }) => stream).at(-1), 'a', 'before what names them')
  t.equal(server.database.all.length, 5)
})

t.test('appends that do not depend on each other are under way at once, those that do one after another', async (t) => {
  const { server, store } = await storeOfServer(t)
  const { slowness } = server.faults
  const append = (stream: string, more: { withPrevious?: true; expectedRevision?: number } = {}) =>
    ({ kind: 'append', stream, expectedRevision: NO_EVENTS, events: facts(stream), ...more }) as const
  slowness.stall('append')
  const written = store.write([
    append('a'),
    append('b', { withPrevious: true }),
    append('c', { withPrevious: true }),
    // To one stream only one at a time.
    append('b', { withPrevious: true, expectedRevision: 0 }),
    append('d'),
  ])
  for (const [under, stored] of [
    [3, []],
    [1, ['a', 'b', 'c']],
    [1, ['a', 'b', 'b', 'c']],
  ] as const) {
    await until('the next are under way', async () => slowness.standing === under)
    t.same(server.database.all.map(({ stream }) => stream).sort(), stored)
    slowness.letGo()
  }
  slowness.goOn()
  await written
  t.equal(server.database.all.length, 5)
})

t.test('a reading asks at once for what stands there and for where it ends', async (t) => {
  const { server, store } = await storeOfServer(t)
  await store.events.append('a', NO_EVENTS, facts('a0', 'a1'))
  const calls: string[] = []
  const both = Promise.withResolvers<void>()
  server.faults.gate = async (call) => {
    if (calls.push(call) === 2) both.resolve()
    await both.promise
  }
  const read = []
  for await (const { revision } of store.events.read('a', { from: 1 })) read.push(revision)
  t.same(read, [1])
  t.same(calls, ['read a', 'read a'])
})
