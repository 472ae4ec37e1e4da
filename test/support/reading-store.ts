import type { Store } from '../../src/store/port.ts'

type Events = ReturnType<Store['events']['read']>

/** The same store, but that what is read of a stream goes through here. */
export function reading(store: Store, through: (stream: string, events: Events) => Events): Store {
  const { events } = store
  return {
    ...store,
    write: (writes) => store.write(writes),
    events: { ...events, read: (stream, range) => through(stream, events.read(stream, range)) },
  }
}
