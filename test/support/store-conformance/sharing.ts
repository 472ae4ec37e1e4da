import type { Test } from 'tap'
import { WrongExpectedRevision } from '../../../src/store/errors.ts'
import { NO_EVENTS, type Store } from '../../../src/store/port.ts'
import type { Many, OpenStore } from '../event-store-conformance.ts'
import { startProcess } from '../store-process.ts'
import { appendAmongOthers, SHARED } from './contention.ts'
import { all, collector, facts, namesOf } from './harness.ts'

export async function sharing(t: Test, open: OpenStore, opener: URL, many: Many): Promise<void> {
  const openTwice = async (t: Test): Promise<[Store, Store]> => {
    const directory = t.testdir()
    const stores: [Store, Store] = [await open(directory), await open(directory)]
    t.teardown(() => Promise.all(stores.map((store) => store.close())))
    return stores
  }

  t.test('two handles on one store see each other', async (t) => {
    const [one, other] = await openTwice(t)
    await one.events.append('a', NO_EVENTS, facts('a0'))
    t.equal(await other.events.lastRevision('a'), 0)
    await t.rejects(other.events.append('a', NO_EVENTS, facts('x')), WrongExpectedRevision)
    const seen = collector()
    one.events.subscribe({}, seen.handler)
    await seen.reached(1)
    await other.events.append('a', 0, facts('a1'))
    t.same(namesOf(await seen.reached(2)), ['a0', 'a1'])
  })

  t.test('writers on two handles exclude each other', async (t) => {
    const [one, other] = await openTwice(t)
    const each = many(50)
    await Promise.all([appendAmongOthers(one, 'x', each), appendAmongOthers(other, 'y', each)])
    await assertAllThere(t, one, ['x', 'y'], each)
  })

  t.test('writers in two processes exclude each other, and a third process hears of all they do', async (t) => {
    const directory = t.testdir()
    const store = await open(directory)
    t.teardown(() => store.close())
    const seen = collector()
    store.events.subscribe({ streamPrefix: SHARED }, seen.handler)
    const each = many(100)
    const startWriter = (name: string) => startProcess(t, 'store-writer.ts', [opener.href, directory, name, `${each}`])
    const writers = ['x', 'y'].map(startWriter)
    for (const writer of writers) t.equal(await writer.nextLine(), 'ready')
    for (const writer of writers) writer.send('go')
    for (const writer of writers) t.equal(await writer.ended, 0)
    await assertAllThere(t, store, ['x', 'y'], each)
    t.same(await seen.reached(2 * each), await all(store.events.read(SHARED)))
  })

  t.test('a new store may be made by several processes at once', async (t) => {
    const directory = t.testdir()
    const names = ['u', 'v', 'w', 'x', 'y', 'z'].slice(0, Math.max(2, many(6)))
    const writers = names.map((name) => startProcess(t, 'store-writer.ts', [opener.href, directory, name, '3']))
    for (const writer of writers) writer.send('go')
    for (const writer of writers) t.equal(await writer.ended, 0)
    const store = await open(directory)
    t.teardown(() => store.close())
    await assertAllThere(t, store, names, 3)
  })
}

/** Each writer's events once and in its order, and nothing else. */
async function assertAllThere(t: Test, { events }: Store, writers: readonly string[], each: number): Promise<void> {
  const names = namesOf(await all(events.read(SHARED))).map(String)
  t.equal(names.length, writers.length * each)
  for (const writer of writers) {
    t.same(
      names.filter((name) => name.startsWith(writer)),
      Array.from({ length: each }, (_, n) => `${writer}${n}`),
    )
  }
}
