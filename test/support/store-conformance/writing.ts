import type { Test } from 'tap'
import { WrongExpectedRevision } from '../../../src/store/errors.ts'
import { NO_EVENTS, type Write } from '../../../src/store/port.ts'
import type { OpenStore } from '../event-store-conformance.ts'
import { all, contract, facts, freshStore, group, namesOf, sealNamed } from './harness.ts'

const seal = sealNamed('one')
const put: Write = { kind: 'payloads', contract, group, entries: [{ seal, text: '"one"' }] }
const append = (stream: string, expectedRevision: number, ...names: string[]): Write => ({
  kind: 'append',
  stream,
  expectedRevision,
  events: facts(...names),
})

export async function writing(t: Test, open: OpenStore, atomic: boolean): Promise<void> {
  t.test('a batch takes effect in the order given', async (t) => {
    const store = await freshStore(t, open)
    await store.write([put, append('a', NO_EVENTS, 'a0'), append('b', NO_EVENTS, 'b0'), append('a', 0, 'a1', 'a2')])
    t.same(namesOf(await all(store.events.readAll())), ['a0', 'b0', 'a1', 'a2'])
    t.equal((await store.payloads.get(contract, [{ group, seal }])).get(seal), '"one"')
    await store.write([])
  })

  t.test('a batch may be repeated', async (t) => {
    const store = await freshStore(t, open)
    const batch = [append('a', NO_EVENTS, 'a0'), put, append('b', NO_EVENTS, 'b0')]
    await store.write(batch)
    await store.write(batch)
    t.same(namesOf(await all(store.events.readAll())), ['a0', 'b0'])
  })

  t.test('a batch may have more than a store takes in one append, and may be repeated then, too', async (t) => {
    const store = await freshStore(t, open)
    const filler = 'x'.repeat(300_000)
    const events = Array.from({ length: 8 }, (_, n) => ({ type: 'Fact', data: JSON.stringify({ n, filler }) }))
    const batch = [
      append('a', NO_EVENTS, 'before'),
      { kind: 'append', stream: 'a', expectedRevision: 0, events },
    ] as Write[]
    await store.write(batch)
    await store.write(batch)
    t.same(namesOf(await all(store.events.read('a'))), ['before', 0, 1, 2, 3, 4, 5, 6, 7])
    await store.write([{ kind: 'append', stream: 'b', expectedRevision: 'any', events }])
    t.equal(await store.events.lastRevision('b'), 7)
  })

  t.test('a batch of which a part was done before is completed', async (t) => {
    const store = await freshStore(t, open)
    await store.write([append('a', NO_EVENTS, 'a0')])
    await store.write([append('a', NO_EVENTS, 'a0'), append('b', NO_EVENTS, 'b0')])
    t.same(namesOf(await all(store.events.readAll())), ['a0', 'b0'])
  })

  t.test(`a batch that is refused leaves ${atomic ? 'nothing' : 'at most what stands before the fault'}`, async (t) => {
    const store = await freshStore(t, open)
    await store.write([append('a', NO_EVENTS, 'a0')])
    const refused = store.write([
      put,
      append('a', 0, 'a1'),
      append('new', NO_EVENTS, 'n0'),
      append('b', 3, 'b4'),
      append('c', NO_EVENTS, 'c0'),
    ])
    await t.rejects(refused, { message: 'append to b: expected revision 3, but it has no events' })
    const left = namesOf(await all(store.events.readAll()))
    t.same(left, atomic ? ['a0'] : ['a0', 'a1', 'n0'])
    t.equal((await store.payloads.get(contract, [{ group, seal }])).size, atomic ? 0 : 1)
    await store.events.append('a', left.includes('a1') ? 1 : 0, facts('more'))
    t.equal(await store.events.lastRevision('c'), NO_EVENTS)
  })

  t.test('a batch that is refused does not hurt those beside it', async (t) => {
    const store = await freshStore(t, open)
    const results = await Promise.allSettled([
      store.write([append('a', NO_EVENTS, 'a0'), append('a', 0, 'a1')]),
      store.write([append('b', 2, 'b3'), put]),
      store.write([append('c', NO_EVENTS, 'c0')]),
    ])
    t.same(
      results.map((result) => (result.status === 'rejected' ? result.reason instanceof WrongExpectedRevision : 'done')),
      ['done', true, 'done'],
    )
    t.same(namesOf(await all(store.events.readAll())).sort(), ['a0', 'a1', 'c0'])
  })
}
