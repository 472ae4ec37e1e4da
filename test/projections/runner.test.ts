import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { type Checkpoint, Checkpoints, type Failure } from '../../src/projections/checkpoint.ts'
import { rebuildContract, rebuildReadModel } from '../../src/projections/rebuild.ts'
import { ProjectionRunner } from '../../src/projections/runner.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { Turns } from '../../src/runtime/turns.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import type { Store } from '../../src/store/port.ts'
import { contractStream } from '../../src/store/streams.ts'
import { SeededRandom } from '../simulation/seeded-random.ts'
import { busyContract, busyUid, Recorder, recordBusyContract } from '../support/busy-contract.ts'
import { serverUnderTest } from '../support/eventstoredb-under-test.ts'
import { allOf, CONTRACT, market } from '../support/market.ts'
import { until } from '../support/node-party.ts'
import { open as openServer } from '../support/open-eventstoredb.ts'
import { dumpReadModel } from '../support/read-model-dump.ts'

const [one, other] = [busyUid(1), busyUid(2)]
const busy = { members: 2, rounds: 6, requestsPerStatement: 2, fields: 3 }

await serverUnderTest(t)

async function folder(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'runner-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** Of the event loop: in so many of them what was stored has been heard of. */
const TURNS = 4

/** Every step is the last of a turn, and others take theirs. */
class EveryStep implements Turns {
  readonly isOver = true
  count = 0
  /** What another does in its turn. */
  meanwhile: (() => Promise<unknown>) | undefined

  async next(): Promise<void> {
    this.count++
    await this.meanwhile?.()
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}

async function open(path: string, { events }: Store) {
  const reported = {
    failed: [] as Failure[],
    stuck: [] as unknown[],
    goneOn: [] as number[],
    startedAnew: [] as Checkpoint[],
  }
  const report = {
    failed: (failure: Failure) => void reported.failed.push(failure),
    stuck: (error: unknown) => void reported.stuck.push(error),
    goesOn: () => void reported.goneOn.push(reported.stuck.length),
    startedAnew: (checkpoint: Checkpoint) => void reported.startedAnew.push(checkpoint),
  }
  const turns = new EveryStep()
  const runner = await ProjectionRunner.open({ path, events, clock: systemClock, report, turns })
  const upToDate = async () => {
    const last = (await Array.fromAsync(events.readAll())).at(-1)?.position
    await until('the read model is up to date', async () => new Checkpoints(runner.reader).last()?.position === last)
    t.equal(await runner.lagSeconds(), 0)
  }
  return { runner, turns, upToDate, ...reported }
}

t.test('what is stored while it runs, and while it does not, ends up as in a rebuild', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'read-model.sqlite')
  const store = openMemoryStore()
  let running = await open(path, store)
  let steps = 0
  for await (const _ of busyContract(store, { ...busy, contract: one }, new SeededRandom(1))) {
    // Now it runs, now it does not.
    if (++steps % 4 === 0) {
      await running.runner.close()
      t.ok(running.runner.closed, 'and hears nothing more')
    } else if (steps % 4 === 1 && steps > 1) running = await open(path, store)
  }
  if (steps % 4 !== 0) await running.runner.close()
  running = await open(path, store)
  await running.upToDate()
  t.same([running.failed, running.stuck, running.startedAnew], [[], [], []])
  await running.runner.close()
  await rebuildReadModel(join(dir, 'rebuilt.sqlite'), store.events)
  t.same(dumpReadModel(path), dumpReadModel(join(dir, 'rebuilt.sqlite')))
})

t.test('on EventStoreDB it is the same, also over a restart', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'read-model.sqlite')
  const store = await openServer(dir)
  t.teardown(() => store.close())
  const first = await open(path, store)
  await recordBusyContract(store, { ...busy, contract: one }, new SeededRandom(1))
  await first.upToDate()
  await first.runner.close()
  await recordBusyContract(store, { ...busy, contract: other }, new SeededRandom(2))
  const second = await open(path, store)
  await second.upToDate()
  await second.runner.close()
  t.same([...first.failed, ...second.failed, ...second.startedAnew], [])
  await rebuildReadModel(join(dir, 'rebuilt.sqlite'), store.events)
  t.same(dumpReadModel(path), dumpReadModel(join(dir, 'rebuilt.sqlite')))
  await rebuildContract(path, store.events, one)
  t.same(dumpReadModel(path), dumpReadModel(join(dir, 'rebuilt.sqlite')), 'and of one contract')
})

t.test('what is stored while a batch is being written comes behind it', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'read-model.sqlite')
  const store = openMemoryStore()
  const [ana] = market('ana', 'ben')
  const recorder = await Recorder.open(store, CONTRACT, ana.card)
  await recorder.hears(...allOf(ana))
  const running = await open(path, store)
  await running.upToDate()
  // Ben answers nothing: a statement is folded in in one step, and what it asks for is pending in the next.
  const { turns } = running
  const lastStep = turns.count + 2
  turns.meanwhile = async () => {
    if (turns.count === lastStep) await recorder.hears(ana.proposes('0.1', 'meanwhile'))
  }
  await recorder.hears(ana.proposes('0.0', 'before'))
  await until('the last step', async () => turns.count > lastStep)
  await running.upToDate()
  t.equal(running.runner.reader.prepare('SELECT count(*) FROM Pending').pluck().get(), 2)
  await running.runner.close()
  await rebuildReadModel(join(dir, 'rebuilt.sqlite'), store.events)
  t.same(dumpReadModel(path), dumpReadModel(join(dir, 'rebuilt.sqlite')))
})

t.test('one contract fails, is told of once, and the other goes on', async (t) => {
  const path = join(await folder(t), 'read-model.sqlite')
  const store = openMemoryStore()
  const running = await open(path, store)
  await recordBusyContract(store, { ...busy, contract: one }, new SeededRandom(1))
  const next = await store.events.lastRevision(contractStream(one))
  await store.events.append(contractStream(one), next, [{ type: 'RequestSettled', data: '{"index":5}' }])
  await store.events.append(contractStream(one), 'any', [{ type: 'RequestSettled', data: '{"index":6}' }])
  await recordBusyContract(store, { ...busy, contract: other }, new SeededRandom(2))
  await running.upToDate()
  t.ok(running.turns.count > 0, 'others have their turn between two steps')
  t.match(running.failed, [{ subject: one, revision: next + 1, reason: /FoldFailed/ }])
  t.equal(running.failed.length, 1)
  const size = running.runner.reader.prepare('SELECT size FROM Contract WHERE uid = ?').pluck()
  t.equal(size.get(other), (await store.events.lastRevision(contractStream(other))) + 1)
  await running.runner.close()
  const again = await open(path, store)
  t.match(again.runner.failures(), [{ subject: one }], 'it is remembered')
  t.same(again.failed, [], 'and not told again')
  await again.runner.close()
})

t.test('a store that was set back, or another one, is folded from its beginning', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'read-model.sqlite')
  const [first, second] = [openMemoryStore(), openMemoryStore()]
  await recordBusyContract(first, { ...busy, contract: one }, new SeededRandom(1))
  await recordBusyContract(second, { ...busy, contract: one }, new SeededRandom(2))
  const before = await open(path, first)
  await before.upToDate()
  await before.runner.close()
  const after = await open(path, second)
  await after.upToDate()
  t.equal(after.startedAnew.length, 1)
  await after.runner.close()
  await rebuildReadModel(join(dir, 'rebuilt.sqlite'), second.events)
  t.same(dumpReadModel(path), dumpReadModel(join(dir, 'rebuilt.sqlite')))
})

t.test('while its file fails it tries again, and loses nothing', async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'read-model.sqlite')
  const store = openMemoryStore()
  const running = await open(path, store)
  const blocking = new Database(path)
  blocking.exec('BEGIN IMMEDIATE')
  await recordBusyContract(store, { ...busy, contract: one }, new SeededRandom(1))
  await until('it is stuck', async () => running.stuck.length > 0)
  t.match(running.stuck[0], { code: 'SQLITE_BUSY' })
  t.ok((await running.runner.lagSeconds()) > 0)
  blocking.exec('COMMIT')
  blocking.close()
  await running.upToDate()
  t.same([running.stuck.length, running.goneOn], [1, [1]], 'both are told once')
  await running.runner.close()
  await rebuildReadModel(join(dir, 'rebuilt.sqlite'), store.events)
  t.same(dumpReadModel(path), dumpReadModel(join(dir, 'rebuilt.sqlite')))
})
