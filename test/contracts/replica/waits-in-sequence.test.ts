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

t.test('a change of three parties at rest waits so often in sequence', { timeout: 120_000 }, async (t) => {
  const waits = new Waits()
  await t.test('on SQLite: five commits, and a guard of its own for the statement that brings values', async (t) => {
    t.equal(await waitsInSequence(t, waits, false, () => waitingStore(waits)), 6)
  })
  await t.test(
    'on EventStoreDB in one process: values, what others have said, and the own word, each in its turn',
    async (t) => {
      t.ok((await waitsInSequence(t, waits, false, await onServer(t, waits))) <= 15)
    },
  )
  await t.test('in several processes: the outbox, and what the process that tells reads, besides', async (t) => {
    t.ok((await waitsInSequence(t, waits, true, await onServer(t, waits))) <= 18)
  })
})
