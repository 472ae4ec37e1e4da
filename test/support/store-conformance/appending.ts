import type { Test } from 'tap'
import { AssertionFailed } from '../../../src/runtime/assert.ts'
import { WrongExpectedRevision } from '../../../src/store/errors.ts'
import { NO_EVENTS } from '../../../src/store/port.ts'
import type { OpenStore } from '../event-store-conformance.ts'
import { all, facts, freshStore, namesOf, numbered } from './harness.ts'

export async function appending(t: Test, open: OpenStore): Promise<void> {
  t.test('revisions count from 0 in each stream, positions rise over all of them', async (t) => {
    const { events } = await freshStore(t, open)
    const first = await events.append('a', NO_EVENTS, facts('a0', 'a1'))
    const second = await events.append('b', NO_EVENTS, facts('b0'))
    const third = await events.append('a', 1, facts('a2'))
    t.same([first.revision, second.revision, third.revision], [1, 0, 2])
    t.ok(first.position < second.position && second.position < third.position)
    const stored = await all(events.read('a'))
    t.same(namesOf(stored), ['a0', 'a1', 'a2'])
    t.same(
      stored.map(({ stream, revision }) => [stream, revision]),
      [
        ['a', 0],
        ['a', 1],
        ['a', 2],
      ],
    )
    t.equal(stored[1]?.position, first.position, 'the position told is that of the last event')
    t.equal(await events.lastRevision('a'), 2)
  })

  t.test(
    'an append at another revision than the last is refused, with both revisions, and stores nothing',
    async (t) => {
      const { events } = await freshStore(t, open)
      await events.append('a', NO_EVENTS, facts('a0', 'a1'))
      for (const expected of [NO_EVENTS, 0, 2, 7]) {
        const error = await events.append('a', expected, facts('x', 'y')).catch((error: unknown) => error)
        t.ok(error instanceof WrongExpectedRevision)
        t.match(error, {
          code: 'store_wrong_revision',
          message: `append to a: expected revision ${expected}, but its last revision is 1`,
          evidence: { stream: 'a', expected, actual: 1 },
        })
      }
      t.same(namesOf(await all(events.readAll())), ['a0', 'a1'])
    },
  )

  t.test('a stream without events is at none but -1', async (t) => {
    const { events } = await freshStore(t, open)
    await t.rejects(events.append('a', 0, facts('a0')), {
      message: 'append to a: expected revision 0, but it has no events',
      evidence: { stream: 'a', expected: 0, actual: NO_EVENTS },
    })
    t.equal(await events.lastRevision('a'), NO_EVENTS)
  })

  t.test('an append repeated is done once, also long after', async (t) => {
    const { events } = await freshStore(t, open)
    const first = await events.append('a', NO_EVENTS, facts('a0', 'a1'))
    await events.append('a', 1, numbered(600))
    t.same(await events.append('a', NO_EVENTS, facts('a0', 'a1')), first, 'with the result of the first time')
    await events.append('a', 1, numbered(600))
    t.equal(await events.lastRevision('a'), 601)
  })

  t.test('a repeat of which only a part stands, or another content, is refused', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('a', NO_EVENTS, facts('a0', 'a1'))
    const [a0, a1] = facts('a0', 'a1')
    if (a0 === undefined || a1 === undefined) return
    await t.rejects(events.append('a', NO_EVENTS, facts('a0', 'a1', 'a2')), WrongExpectedRevision)
    await t.rejects(events.append('a', NO_EVENTS, facts('a0', 'x')), WrongExpectedRevision)
    await t.rejects(events.append('a', 0, facts('a0')), WrongExpectedRevision)
    await t.rejects(events.append('a', NO_EVENTS, [a0, { ...a1, type: 'Other' }]), WrongExpectedRevision)
    t.equal(await events.lastRevision('a'), 1)
  })

  t.test('the same content may come again, where it is expected', async (t) => {
    const { events } = await freshStore(t, open)
    await events.append('a', NO_EVENTS, facts('on', 'off', 'on'))
    await events.append('a', 2, facts('on'))
    t.same(namesOf(await all(events.read('a'))), ['on', 'off', 'on', 'on'])
  })

  t.test('with any revision an append goes to the end', async (t) => {
    const { events } = await freshStore(t, open)
    t.equal((await events.append('a', 'any', facts('a0'))).revision, 0)
    t.equal((await events.append('a', 'any', facts('a1', 'a2'))).revision, 2)
    t.same(namesOf(await all(events.read('a'))), ['a0', 'a1', 'a2'])
  })

  t.test('of many appends at one revision exactly one is done', async (t) => {
    const { events } = await freshStore(t, open)
    const racers = Array.from({ length: 20 }, (_, racer) =>
      events.append('a', NO_EVENTS, facts(`${racer}a`, `${racer}b`)),
    )
    const results = await Promise.allSettled(racers)
    const winner = results.findIndex(({ status }) => status === 'fulfilled')
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    t.ok(results.every((result) => result.status === 'fulfilled' || result.reason instanceof WrongExpectedRevision))
    t.same(namesOf(await all(events.read('a'))), [`${winner}a`, `${winner}b`])
  })

  t.test('one append that is refused does not hurt those beside it', async (t) => {
    const { events } = await freshStore(t, open)
    const results = await Promise.allSettled([
      events.append('a', NO_EVENTS, facts('a0')),
      events.append('b', 5, facts('b6')),
      events.append('c', NO_EVENTS, facts('c0')),
    ])
    t.same(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    t.same(namesOf(await all(events.readAll())).sort(), ['a0', 'c0'])
  })

  t.test('data come back to the character', async (t) => {
    const { events } = await freshStore(t, open)
    const texts = [
      '{"a":"\\u0000 \u0000 \u0001"}',
      '"😀 ﷺ \u2028 e\u0301"',
      '1.0',
      '{"b" : 1, "a":1}',
      `"${'x'.repeat(700_000)}"`,
    ]
    for (const data of texts) await events.append('a', 'any', [{ type: 'Fact', data }])
    const stored = await all(events.read('a'))
    t.ok(stored.every(({ data }, index) => data === texts[index]) && stored.length === texts.length)
  })

  t.test('what the port rules out is a fault of the caller', async (t) => {
    const { events } = await freshStore(t, open)
    const lone = JSON.parse('"\\ud800"') as string
    await t.rejects(events.append('a', NO_EVENTS, []), AssertionFailed)
    await t.rejects(events.append('', NO_EVENTS, facts(1)), AssertionFailed)
    await t.rejects(events.append('a', -2, facts(1)), AssertionFailed)
    await t.rejects(events.append('a', 0.5, facts(1)), AssertionFailed)
    await t.rejects(events.append('a', NO_EVENTS, [{ type: '', data: '1' }]), AssertionFailed)
    await t.rejects(events.append('a', NO_EVENTS, [{ type: 'A\nB', data: '1' }]), AssertionFailed)
    await t.rejects(events.append('a', NO_EVENTS, [{ type: 'Fact', data: lone }]), AssertionFailed)
    t.same(await all(events.readAll()), [])
  })
}
