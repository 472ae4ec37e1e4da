import type { Test } from 'tap'
import { type Hash, sha256 } from '../../../src/crypto/hash.ts'
import type { Uid } from '../../../src/events/ids.ts'
import type { PayloadGroup, PayloadRef } from '../../../src/store/payload-group.ts'
import type { NewEvent, RecordedEvent, Store } from '../../../src/store/port.ts'
import type { OpenStore } from '../event-store-conformance.ts'

export const contract = '0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk' as Uid
export const otherContract = '1zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz' as Uid

/** A store of its own for this test, closed when the test is over. */
export async function freshStore(t: Test, open: OpenStore): Promise<Store> {
  const store = await open(t.testdir())
  t.teardown(() => store.close())
  return store
}

/** Events that say what they are: `{"n":"a"}` for 'a'. */
export function facts(...names: (string | number)[]): NewEvent[] {
  return names.map((name) => ({ type: 'Fact', data: JSON.stringify({ n: name }) }))
}

/** So many, numbered from a first number on. */
export function numbered(count: number, first = 0): NewEvent[] {
  return facts(...Array.from({ length: count }, (_, index) => first + index))
}

/** The names in `facts`, from events that were read. */
export function namesOf(events: readonly RecordedEvent[]): (string | number)[] {
  return events.map(({ data }) => (JSON.parse(data) as { n: string | number }).n)
}

export async function all(events: AsyncIterable<RecordedEvent>): Promise<RecordedEvent[]> {
  const read: RecordedEvent[] = []
  for await (const event of events) read.push(event)
  return read
}

/** A seal that is told by its name; stores do not look whether it is the hash of its text. */
export function sealNamed(name: string): Hash {
  return sha256(name)
}

/** The group that is meant where it does not matter which. */
export const group = 'ana.0' as PayloadGroup

export function refTo(name: string, where = group): PayloadRef {
  return { group: where, seal: sealNamed(name) }
}

/** A handler that keeps what it is given, and promises of it once there are so many. */
export function collector() {
  const events: RecordedEvent[] = []
  const waiting: { count: number; resolve: (events: RecordedEvent[]) => void }[] = []
  return {
    events,
    handler: (event: RecordedEvent) => {
      events.push(event)
      for (const { count, resolve } of waiting) if (events.length >= count) resolve(events)
    },
    reached: (count: number): Promise<RecordedEvent[]> => {
      const { promise, resolve } = Promise.withResolvers<RecordedEvent[]>()
      waiting.push({ count, resolve })
      if (events.length >= count) resolve(events)
      return promise
    },
  }
}

/** A turn of the event loop: timers, sockets and files get theirs. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
