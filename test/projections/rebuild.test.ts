import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Uid } from '../../src/events/ids.ts'
import { Fold } from '../../src/projections/fold.ts'
import { draftReadModel, openReadModel } from '../../src/projections/read-model.ts'
import { ReadModelMissing, rebuildContract, rebuildReadModel, replay } from '../../src/projections/rebuild.ts'
import { completed } from '../../src/runtime/turns.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import type { RecordedEvent } from '../../src/store/port.ts'
import { SeededRandom } from '../simulation/seeded-random.ts'
import { busyContract, busyUid } from '../support/busy-contract.ts'
import { compactBytes, dump, dumpReadModel } from '../support/read-model-dump.ts'

const uids = [1, 2, 3].map(busyUid)

/** Contracts that go on at once: their events stand between each other's. */
async function busyStore(seed: number, rounds = 4) {
  const store = openMemoryStore()
  const random = new SeededRandom(seed)
  let running = uids.map((contract) =>
    busyContract(
      store,
      { contract, members: 1 + random.below(3), rounds, requestsPerStatement: 1 + random.below(4), fields: 3 },
      random,
    ),
  )
  while (running.length > 0) {
    const next = random.pick(running)
    if ((await next.next()).done) running = running.filter((other) => other !== next)
  }
  return store
}

async function folder(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'rebuild-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return dir
}
type Db = ReturnType<typeof openReadModel>

/** Folded in batches of these lengths, over and over. */
function foldInBatches(path: string, events: readonly RecordedEvent[], lengths: readonly number[]): string[] {
  const database = openReadModel(path)
  let fold = new Fold(database)
  try {
    for (let at = 0, n = 0; at < events.length; n++) {
      const length = lengths[n % lengths.length] ?? 1
      // Now and then as a process that has just started: it knows nothing but what the tables say.
      if (n % 3 === 0) fold = new Fold(database)
      completed(fold.folding(events.slice(at, at + length)))
      at += length
    }
    return dump(database)
  } finally {
    database.close()
  }
}

t.test('however the events are cut into batches, and wherever it goes on, the tables are the same', async (t) => {
  const dir = await folder(t)
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.nat(1_000_000),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
      async (seed, lengths) => {
        run++
        const store = await busyStore(seed)
        const events = await Array.fromAsync(store.events.readAll())
        const live = join(dir, `live ${run}.sqlite`)
        const rebuilt = join(dir, `rebuilt ${run}.sqlite`)
        const dumped = foldInBatches(live, events, lengths)
        const { failures } = await rebuildReadModel(rebuilt, store.events)
        t.same(failures, [])
        t.same(dumpReadModel(rebuilt), dumped)
        const bytes = [live, rebuilt].map((path) => compactBytes(path, `${path}.compact`))
        t.ok(bytes[0]?.equals(bytes[1] as Buffer), 'byte for byte')
        for (const uid of uids) await rebuildContract(live, store.events, uid)
        t.same(dumpReadModel(live), dumped, 'each contract by itself')
        await store.close()
      },
    ),
    { numRuns: 12 },
  )
})

t.test('a contract alone has the ids that it has among others', async (t) => {
  const store = await busyStore(7)
  const dir = await folder(t)
  const [all, one] = [draftReadModel(join(dir, 'all')), draftReadModel(join(dir, 'one'))]
  t.teardown(() => [all, one].forEach((database) => void database.close()))
  await replay(all, store.events)
  await replay(one, store.events, { contract: uids[1] as Uid })
  const numberIn = (database: Db) => database.prepare('SELECT id FROM Contract WHERE uid = ?').pluck().get(uids[1])
  t.ok(numberIn(one))
  t.equal(numberIn(one), numberIn(all))
  for (const table of ['Party', 'Market', 'Element', 'Proposal', 'Vote', 'Request', 'Pending', 'Refusal', 'Feed']) {
    const rows = (database: Db) => database.prepare(`SELECT * FROM ${table} WHERE contract = ?`).all(numberIn(all))
    t.same(rows(one), rows(all), table)
  }
})

t.test('a crash at any moment of a rebuild leaves a read model, or none', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'read-model.sqlite')
  const store = await busyStore(3)
  await rebuildReadModel(path, store.events)
  const before = dumpReadModel(path)
  const dying = rebuildReadModel(path, store.events, {
    progress: () => {
      throw new Error('it dies')
    },
  })
  await t.rejects(dying, { message: 'it dies' })
  t.same(dumpReadModel(path), before)
  await t.rejects(
    rebuildContract(path, store.events, uids[0] as Uid, {
      progress: () => {
        throw new Error('it dies')
      },
    }),
    { message: 'it dies' },
  )
  t.same(dumpReadModel(path), before, 'what was forgotten is back')
  await t.rejects(rebuildContract(join(dir, 'none'), store.events, uids[0] as Uid), ReadModelMissing)
})
