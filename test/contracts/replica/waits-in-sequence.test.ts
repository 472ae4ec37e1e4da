import t, { type Test } from 'tap'
import type { SigningGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { openEventStoreDbStore } from '../../../src/store/eventstoredb/eventstoredb-store.ts'
import type { Store } from '../../../src/store/port.ts'
import { startServer } from '../../support/eventstoredb-server/server.ts'
import { atRest, propose, type Trader, traders } from '../../support/trading-parties.ts'
import { Waits } from '../../support/waits.ts'

const HANDLES = ['ana', 'ben', 'cleo']
const CHANGES = 3

/**
 * How often somebody waits in sequence, for a store or a guard, from the moment that a change is asked for until it is told as settled;
 * the fewest of some changes.
 */
async function sequence(
  t: Test,
  waits: Waits,
  isSplit: boolean,
  openStore: (handle: string) => Promise<Store>,
): Promise<number> {
  const guarded = (guard: SigningGuard): SigningGuard => ({
    read: (contract) => guard.read(contract),
    advance: async (...what) => {
      await waits.wait('guard')
      await guard.advance(...what)
    },
  })
  const { traders: all, contract } = await traders(t, { handles: HANDLES, isSplit, openStore, guarded })
  const counts: number[] = []
  for (let change = 0; change < CHANGES; change++) {
    await atRest(all, contract)
    counts.push(await waits.count(() => propose(all[0] as Trader, '0.0', `${change}`, contract)))
    t.comment(waits.steps.map((step) => step.join(' | ').replace(/[0-9a-z]{52}-/g, '')).join('\n'))
  }
  return Math.min(...counts)
}

/** SQLite: a commit is a wait, and what is read lies in memory. */
async function embedded(waits: Waits): Promise<Store> {
  const store = openMemoryStore()
  const waiting = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    await waits.wait('commit')
    return call()
  }
  return {
    ...store,
    events: { ...store.events, append: (...what) => waiting(() => store.events.append(...what)) },
    write: (batch) => waiting(() => store.write(batch)),
    close: () => store.close(),
  }
}

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
    t.equal(await sequence(t, waits, false, () => embedded(waits)), 6)
  })
  await t.test(
    'on EventStoreDB in one process: values, what others have said, and the own word, each in its turn',
    async (t) => {
      t.ok((await sequence(t, waits, false, await onServer(t, waits))) <= 15)
    },
  )
  await t.test('in several processes: the outbox, and what the process that tells reads, besides', async (t) => {
    t.ok((await sequence(t, waits, true, await onServer(t, waits))) <= 18)
  })
})
