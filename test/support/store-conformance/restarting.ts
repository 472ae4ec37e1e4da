import type { Test } from 'tap'
import { NO_EVENTS, type RecordedEvent } from '../../../src/store/port.ts'
import type { OpenStore } from '../event-store-conformance.ts'
import { all, collector, contract, facts, group, namesOf, numbered, sealNamed } from './harness.ts'

export async function restarting(t: Test, open: OpenStore): Promise<void> {
  t.test('everything is there again after a restart, in the same places, and goes on from there', async (t) => {
    const directory = t.testdir()
    const before = await open(directory)
    await before.events.append('a', NO_EVENTS, numbered(3))
    await before.events.append('b', NO_EVENTS, facts('b0'))
    const [kept, erased] = [sealNamed('kept'), sealNamed('erased')]
    await before.payloads.put(contract, group, [
      { seal: kept, text: '1' },
      { seal: erased, text: '2' },
    ])
    await before.payloads.erase(contract, [{ group, seal: erased }])
    const standing = await all(before.events.readAll())
    await before.close()

    const after = await open(directory)
    t.teardown(() => after.close())
    t.same(await all(after.events.readAll()), standing)
    t.same([await after.events.lastRevision('a'), await after.events.lastRevision('b')], [2, 0])
    t.same(
      await after.payloads.get(contract, [
        { group, seal: kept },
        { group, seal: erased },
      ]),
      new Map([[kept, '1']]),
    )
    await after.events.append('a', NO_EVENTS, numbered(3))
    const next = await after.events.append('a', 2, facts('a3'))
    t.ok(next.position > (standing.at(-1)?.position ?? 0))
    t.same(namesOf(await all(after.events.read('a'))), [0, 1, 2, 'a3'])
  })

  t.test('what was accepted before the closing is there after it', async (t) => {
    const directory = t.testdir()
    const before = await open(directory)
    const appended = before.events.append('a', NO_EVENTS, facts('a0'))
    await before.close()
    await appended
    const after = await open(directory)
    t.teardown(() => after.close())
    t.equal(await after.events.lastRevision('a'), 0)
  })

  t.test('a subscription goes on over restarts without gap or double', async (t) => {
    const directory = t.testdir()
    const seen: RecordedEvent[] = []
    let position: number | undefined
    for (let run = 0; run < 5; run++) {
      const store = await open(directory)
      const some = collector()
      const subscription = store.events.subscribe({ after: position }, (event) => {
        seen.push(event)
        some.handler(event)
      })
      // More than the subscription waits for: the rest comes in the next run.
      const appending = Array.from({ length: 10 }, (_, index) =>
        store.events.append('a', 'any', facts(`${run}.${index}`)),
      )
      await some.reached(7)
      await Promise.all(appending)
      await store.close()
      await subscription.closed
      position = subscription.position
    }
    const store = await open(directory)
    t.teardown(() => store.close())
    const everything = await all(store.events.readAll())
    const rest = await all(store.events.readAll({ after: position }))
    t.equal(everything.length, 50)
    t.same([...seen, ...rest], everything)
  })
}
