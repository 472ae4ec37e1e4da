import t from 'tap'
import { StoreUnavailable } from '../../../src/store/errors.ts'
import type { NewEvent, Store } from '../../../src/store/port.ts'
import { serverUnderTest } from '../../support/eventstoredb-under-test.ts'
import { open } from '../../support/open-eventstoredb.ts'
import { all, collector, facts, namesOf } from '../../support/store-conformance/harness.ts'

const ROUNDS = 6
const WRITERS = 8
const { restart } = await serverUnderTest(t)

const options = restart === undefined ? { skip: 'ESDB_RESTART does not say how to restart the server' } : {}
t.test(
  'the server is killed again and again: nothing acknowledged is lost, nothing is there twice',
  options,
  async (t) => {
    const store = await open(t.testdir())
    t.teardown(() => store.close())
    const seen = collector()
    store.events.subscribe({}, seen.handler)
    let isOver = false
    const written = Promise.all(
      Array.from({ length: WRITERS }, (_, writer) => writeOn(store, `writer-${writer}`, () => isOver)),
    )
    for (let round = 0; round < ROUNDS; round++) {
      const { length } = seen.events
      await seen.reached(length + 50)
      await restart?.()
    }
    isOver = true
    const counts = await written
    const everything = await all(store.events.readAll())
    for (const [writer, count] of counts.entries()) {
      const stored = everything.filter(({ stream }) => stream === `writer-${writer}`)
      t.same(
        namesOf(stored),
        Array.from({ length: count }, (_, n) => n),
      )
    }
    t.same(
      await seen.reached(everything.length),
      everything,
      'the subscription has missed nothing and given nothing twice',
    )
  },
)

/** Appends one event after another, each until it is acknowledged; the answer is how many. */
async function writeOn({ events }: Store, stream: string, isOver: () => boolean): Promise<number> {
  let count = 0
  for (; !isOver(); count++) await untilAcknowledged((some) => events.append(stream, count - 1, some), facts(count))
  return count
}

async function untilAcknowledged(append: (some: NewEvent[]) => Promise<unknown>, some: NewEvent[]): Promise<void> {
  for (;;) {
    try {
      await append(some)
      return
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
    }
  }
}
