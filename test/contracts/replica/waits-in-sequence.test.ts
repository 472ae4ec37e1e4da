import t, { type Test } from 'tap'
import { openEventStoreDbStore } from '../../../src/store/eventstoredb/eventstoredb-store.ts'
import { startServer } from '../../support/eventstoredb-server/server.ts'
import { Waits } from '../../support/waits.ts'
import { waitingStore, waitsInSequence } from '../../support/waits-in-sequence.ts'

async function onServer(t: Test, waits: Waits) {
  const server = await startServer(t.testdir())
  t.teardown(() => server.close())
  server.faults.gate = waits.wait
  return async (handle: string) => {
    const store = await openEventStoreDbStore({ url: server.url, namespace: `${handle}-` })
    t.teardown(() => store.close())
    return store
  }
}

/** How often a change waits on SQLite. */
const ON_SQLITE = 6

t.test('a change of three parties at rest waits so often in sequence', { timeout: 240_000 }, async (t) => {
  const waits = new Waits()
  const counted = (what: string, count: number) => {
    t.comment(`${what}: ${count}, ${(count / ON_SQLITE).toFixed(2)} times SQLite: ${waits.shown}`)
    return count
  }
  await t.test('on SQLite: five commits, and a guard of its own for the statement that brings values', async (t) => {
    t.equal(await waitsInSequence(t, waits, false, () => waitingStore(waits)), ON_SQLITE)
  })
  await t.test(
    'on EventStoreDB in one process: an answer with all that it covers, but own values, request and guard each in their turn',
    async (t) => {
      t.ok(counted('one process', await waitsInSequence(t, waits, false, await onServer(t, waits))) <= 1.5 * ON_SQLITE)
    },
  )
  await t.test('in several processes: the command queue, and what the process that tells reads, besides', async (t) => {
    const most = 2.5 * ON_SQLITE
    const count = await waitsInSequence(t, waits, true, await onServer(t, waits), most)
    t.ok(counted('four processes', count) <= most, `${count}`)
  })
})
