import type { RecordedEvent } from '../store/port.ts'

/** Several readings, each in the order of positions, as one in that order. Holds one event of each. */
export async function* byPosition(sources: readonly AsyncIterable<RecordedEvent>[]): AsyncGenerator<RecordedEvent> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]())
  try {
    const next = await Promise.all(iterators.map((iterator) => iterator.next()))
    for (;;) {
      let first = -1
      for (const [index, { done, value }] of next.entries()) {
        if (!done && (first < 0 || value.position < next[first]?.value.position)) first = index
      }
      if (first < 0) return
      yield next[first]?.value
      next[first] = await (iterators[first] as AsyncIterator<RecordedEvent>).next()
    }
  } finally {
    for (const iterator of iterators) await iterator.return?.()
  }
}
