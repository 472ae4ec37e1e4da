import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  EventStoreDBClient,
  jsonEvent,
  MaxAppendSizeExceededError,
  NO_STREAM,
  STREAM_EXISTS,
  WrongExpectedVersionError,
} from '@eventstore/db-client'
import t, { type Test } from 'tap'
import { StoreCorrupt } from '../../../src/store/errors.ts'
import { openEventStoreDbStore } from '../../../src/store/eventstoredb/eventstoredb-store.ts'
import { startServer } from '../../support/eventstoredb-server/server.ts'
import { all, facts, namesOf } from '../../support/store-conformance/harness.ts'

// Our server through the client's own eyes, against what was observed of the real one (eventstoredb.md).
const credentials = { username: 'nobody', password: '' }
const event = (id = randomUUID()) => jsonEvent({ id, type: 'Fact', data: { n: 1 } })

/** `done`, or the type of the client's error. */
const outcomeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: { type?: string }) => error.type,
  )

async function clientOfServer(t: Test) {
  const server = await startServer(t.testdir())
  const client = EventStoreDBClient.connectionString(server.url)
  t.teardown(async () => {
    await client.dispose()
    server.close()
  })
  const append = (
    stream: string,
    expectedRevision: bigint | typeof NO_STREAM | typeof STREAM_EXISTS,
    ...some: object[]
  ) => client.appendToStream(stream, some as ReturnType<typeof event>[], { expectedRevision, credentials })
  const read = async (stream: string) => {
    const revisions: bigint[] = []
    for await (const { event } of client.readStream(stream, { credentials })) revisions.push(event?.revision ?? -1n)
    return revisions
  }
  return { server, client, append, read }
}

t.test('a wrong revision is told with the actual one', async (t) => {
  const { append } = await clientOfServer(t)
  await append('a', NO_STREAM, event(), event())
  for (const expected of [NO_STREAM, 5n, 0n] as const) {
    const error = await append('a', expected, event()).catch((error: unknown) => error)
    t.ok(error instanceof WrongExpectedVersionError)
    t.match(error, { type: 'wrong-expected-version', expectedVersion: expected, actualVersion: 1n })
  }
  for (const expected of [3n, STREAM_EXISTS] as const) {
    t.match(await append('none', expected, event()).catch((error: unknown) => error), { actualVersion: 'no_stream' })
  }
})

t.test('the same ids at the same revision give the first result; partly old, partly new is wrong', async (t) => {
  const { append } = await clientOfServer(t)
  const [one, two] = [event(), event()]
  const first = await append('a', NO_STREAM, one, two)
  await append('a', 1n, event())
  t.same(await append('a', NO_STREAM, one, two), first)
  t.equal(await outcomeOf(append('a', 0n, two, event(), event())), 'wrong-expected-version')
})

t.test(
  'an append whose id is in flight at the revision is dropped; one with another id is told that it is too late',
  async (t) => {
    const { server, append } = await clientOfServer(t)
    const committed = Promise.withResolvers<void>()
    server.database.commit = () => committed.promise
    const one = event()
    const first = append('a', NO_STREAM, one)
    await once(server.database, 'stored')
    const [same, other] = [append('a', NO_STREAM, one), append('a', NO_STREAM, event())].map(outcomeOf)
    t.equal(await other, 'wrong-expected-version')
    if (server.database.dropped === 0) await once(server.database, 'dropped')
    committed.resolve()
    await t.resolves(first)
    t.equal(await same, 'timeout')
    t.equal(server.database.dropped, 1)
  },
)

t.test('deleted softly, a stream is not found, and goes on with its revisions; for good, it is deleted', async (t) => {
  const { append, client, read } = await clientOfServer(t)
  t.equal(await outcomeOf(read('a')), 'stream-not-found')
  await append('a', NO_STREAM, event(), event())
  await client.deleteStream('a', { credentials })
  t.equal(await outcomeOf(read('a')), 'stream-not-found')
  t.equal((await append('a', NO_STREAM, event())).nextExpectedRevision, 2n)
  t.same(await read('a'), [2n])
  await client.tombstoneStream('a', { credentials })
  t.equal(await outcomeOf(read('a')), 'stream-deleted')
  t.equal(await outcomeOf(append('a', NO_STREAM, event())), 'stream-deleted')
})

t.test('an append above 1 MiB in all is refused, one of no events makes nothing', async (t) => {
  const { append, read } = await clientOfServer(t)
  const large = jsonEvent({ type: 'Fact', data: 'x'.repeat(600_000) })
  const error = await append('a', NO_STREAM, large, { ...large, id: randomUUID() }).catch((error: unknown) => error)
  t.ok(error instanceof MaxAppendSizeExceededError)
  t.match(error, { maxAppendSize: 1_048_576 })
  await append('a', NO_STREAM)
  t.equal(await outcomeOf(read('a')), 'stream-not-found')
})

t.test('a stream that somebody has deleted for good is told as damage', async (t) => {
  const { server, client } = await clientOfServer(t)
  const store = await openEventStoreDbStore({ url: server.url })
  t.teardown(() => store.close())
  await store.events.append('a', -1, facts('a0'))
  await client.tombstoneStream('a', { credentials })
  await t.rejects(all(store.events.read('a')), StoreCorrupt)
  await t.rejects(store.events.append('a', 0, facts('a1')), {
    message: /^append to a: somebody has deleted the stream/,
  })
})

t.test('what a kill has torn at the end of the journal is cut off', async (t) => {
  const directory = t.testdir()
  const before = await startServer(directory)
  const store = await openEventStoreDbStore({ url: before.url })
  await store.events.append('a', -1, facts('a0'))
  await store.close()
  before.close()
  await appendFile(join(directory, 'journal'), '0123abcd {"stream":"a","fi')
  const after = await startServer(directory)
  const again = await openEventStoreDbStore({ url: after.url })
  t.teardown(async () => {
    await again.close()
    after.close()
  })
  await again.events.append('a', 0, facts('a1'))
  t.same(namesOf(await all(again.events.read('a'))), ['a0', 'a1'])
})
