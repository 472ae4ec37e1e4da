import type { Clock } from '../../src/runtime/clock.ts'
import type { Store } from '../../src/store/port.ts'
import type { SeededRandom } from './seeded-random.ts'

/** A machine's disk: writes take time, become durable somewhere in it, and are never heard of again after a crash. */
export function faultyStore(durable: Store, clock: Clock, random: SeededRandom, isUp: () => boolean): Store {
  const pause = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve))
  const never = new Promise<never>(() => {})
  const slowly = async <T>(write: () => Promise<T>): Promise<T> => {
    await pause(random.fraction() * 3)
    if (!isUp()) return never
    const result = await write()
    await pause(random.fraction())
    return isUp() ? result : never
  }
  const { events, payloads } = durable
  return {
    events: {
      append: (stream, expectedRevision, news) => slowly(() => events.append(stream, expectedRevision, news)),
      read: (...request) => events.read(...request),
      readAll: (...request) => events.readAll(...request),
      lastRevision: (stream) => events.lastRevision(stream),
      subscribe: (...request) => events.subscribe(...request),
    },
    payloads,
    write: (writes) => slowly(() => durable.write(writes)),
    close: async () => {},
  }
}
