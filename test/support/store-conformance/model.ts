import fc from 'fast-check'
import type { Test } from 'tap'
import { WrongExpectedRevision } from '../../../src/store/errors.ts'
import { type ExpectedRevision, type NewEvent, NO_EVENTS, type Store } from '../../../src/store/port.ts'
import { codePoint } from '../code-point.ts'
import type { OpenStore } from '../event-store-conformance.ts'
import { all, collector } from './harness.ts'

interface Step {
  readonly stream: string
  /** Where to append, counted from the revision that is right; so most steps succeed, some repeat, some are refused. */
  readonly off: number | 'any'
  readonly events: readonly NewEvent[]
}

/** Few contents, so that many repeats are real. */
const event: fc.Arbitrary<NewEvent> = fc.record({
  type: fc.constantFrom('Fact', 'Other'),
  data: fc.oneof(
    fc.constantFrom('0', '1'),
    fc.string({ unit: codePoint }).map((text) => JSON.stringify(text)),
  ),
})
const step: fc.Arbitrary<Step> = fc.record({
  stream: fc.constantFrom('a', 'b', 'ab'),
  off: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constant('any' as const) },
    { weight: 4, arbitrary: fc.integer({ min: -4, max: 1 }) },
  ),
  events: fc.array(event, { minLength: 1, maxLength: 3 }),
})

/** The port in its simplest form: what each stream should hold, and in which order all of it came. */
class Model {
  readonly streams = new Map<string, NewEvent[]>()
  readonly all: NewEvent[] = []

  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): 'done' | 'refused' {
    const held = this.streams.get(stream) ?? []
    const behind = expected === 'any' ? [] : held.slice(expected + 1)
    if (behind.length > 0 && JSON.stringify(behind.slice(0, events.length)) === JSON.stringify(events)) return 'done'
    if (expected !== 'any' && expected !== held.length - 1) return 'refused'
    this.streams.set(stream, [...held, ...events])
    this.all.push(...events)
    return 'done'
  }
}

export async function modelled(t: Test, open: OpenStore): Promise<void> {
  t.test('any sequence of appends leaves what a list would hold', async (t) => {
    let runs = 0
    const directory = t.testdir()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const store = await open(`${directory}/${runs++}`)
        try {
          await agree(store, steps)
        } finally {
          await store.close()
        }
      }),
      { numRuns: 60 },
    )
  })
}

async function agree(store: Store, steps: readonly Step[]): Promise<void> {
  const model = new Model()
  const { events } = store
  const live = collector()
  const subscription = events.subscribe({}, live.handler)
  for (const [index, { stream, off, events: some }] of steps.entries()) {
    // The port does not say what becomes of the same content sent twice to whatever revision.
    const news = off === 'any' ? [{ type: 'Fact', data: `"any ${index}"` }] : some
    const last = (model.streams.get(stream)?.length ?? 0) - 1
    const expected = off === 'any' ? 'any' : Math.max(NO_EVENTS, last + off)
    const wanted = model.append(stream, expected, news)
    const got = await events.append(stream, expected, news).then(
      () => 'done',
      (error: unknown) => (error instanceof WrongExpectedRevision ? 'refused' : error),
    )
    same(got, wanted)
  }
  const everything = await all(events.readAll())
  same(everything.map(content), model.all.map(content))
  for (const stream of ['a', 'b', 'ab']) {
    const held = model.streams.get(stream) ?? []
    const read = await all(events.read(stream))
    same(read.map(content), held.map(content))
    same(
      read.map(({ revision }) => revision),
      held.map((_, index) => index),
    )
    same(
      read,
      everything.filter((event) => event.stream === stream),
    )
    same(await events.lastRevision(stream), held.length - 1)
  }
  const middle = everything[Math.floor(everything.length / 2)]?.position
  same(
    await all(events.readAll({ after: middle })),
    everything.filter(({ position }) => position > (middle ?? 0)),
  )
  same(await live.reached(everything.length), everything)
  subscription.close()
  await subscription.closed
}

function content({ type, data }: NewEvent): [string, string] {
  return [type, data]
}

function same(got: unknown, wanted: unknown): void {
  const [one, other] = [JSON.stringify(got), JSON.stringify(wanted)]
  if (one !== other) throw new Error(`${one}\nshould be\n${other}`)
}
