import type { Hash } from '../crypto/hash.ts'
import type { Uid } from '../events/ids.ts'
import { type Append, repeatedBy } from './append-rule.ts'
import { EmbeddedStore } from './embedded-store.ts'
import { type Engine, type Outcome, PIECE_EVENTS_MAX, PIECE_POSITIONS_MAX, type Piece } from './engine.ts'
import { type Appended, NO_EVENTS, type PayloadEntry, type RecordedEvent, type Store, type Write } from './port.ts'

/** A store that forgets everything with its process: for the simulator and for tests. Uses no timer and no I/O. */
export function openMemoryStore(): Store {
  return new EmbeddedStore(new MemoryEngine())
}

class MemoryEngine implements Engine {
  /** The event at position p stands at index p - 1. */
  readonly #all: RecordedEvent[] = []
  readonly #streams = new Map<string, RecordedEvent[]>()
  /** By contract and seal. */
  readonly #payloads = new Map<string, string>()

  commit(batches: readonly (readonly Write[])[]): Outcome[] {
    return batches.map((batch) => this.#apply(batch))
  }

  lastRevision(stream: string): number {
    return (this.#streams.get(stream)?.length ?? 0) + NO_EVENTS
  }

  readStream(stream: string, from: number, count: number): readonly RecordedEvent[] {
    return this.#streams.get(stream)?.slice(from, from + Math.min(count, PIECE_EVENTS_MAX)) ?? []
  }

  lastPosition(): number {
    return this.#all.length
  }

  readAfter(position: number, streamPrefix: string): Piece {
    const events: RecordedEvent[] = []
    const end = Math.min(this.#all.length, position + PIECE_POSITIONS_MAX)
    let through = position
    while (through < end && events.length < PIECE_EVENTS_MAX) {
      const event = this.#all[through++]
      if (event?.stream.startsWith(streamPrefix)) events.push(event)
    }
    return { events, through }
  }

  payloads(contract: Uid, seals: readonly Hash[]): Map<Hash, string> {
    const found = new Map<Hash, string>()
    for (const seal of seals) {
      const text = this.#payloads.get(payloadKey(contract, seal))
      if (text !== undefined) found.set(seal, text)
    }
    return found
  }

  erase(contract: Uid, seals: readonly Hash[]): void {
    for (const seal of seals) this.#payloads.delete(payloadKey(contract, seal))
  }

  defer(rest: () => void): void {
    queueMicrotask(rest)
  }

  close(): void {}

  #apply(batch: readonly Write[]): Outcome {
    const appended: Appended[] = []
    const before = this.#all.length
    const added: string[] = []
    try {
      for (const write of batch) {
        if (write.kind === 'append') appended.push(this.#append(write))
        else this.#put(write.contract, write.entries, added)
      }
      return { appended }
    } catch (error) {
      for (const event of this.#all.splice(before)) this.#streams.get(event.stream)?.pop()
      for (const key of added) this.#payloads.delete(key)
      return { error }
    }
  }

  #append(append: Append): Appended {
    const stream = this.#streams.get(append.stream) ?? []
    const repeated = repeatedBy(append, stream.length - 1, (from, count) => stream.slice(from, from + count))
    if (repeated !== undefined) return repeated
    this.#streams.set(append.stream, stream)
    for (const { type, data } of append.events) {
      const event = { stream: append.stream, revision: stream.length, position: this.#all.length + 1, type, data }
      stream.push(event)
      this.#all.push(event)
    }
    return { revision: stream.length - 1, position: this.#all.length }
  }

  /** Notes in `added` the keys of those that are new. */
  #put(contract: Uid, entries: readonly PayloadEntry[], added: string[]): void {
    for (const { seal, text } of entries) {
      const key = payloadKey(contract, seal)
      if (this.#payloads.has(key)) continue
      this.#payloads.set(key, text)
      added.push(key)
    }
  }
}

function payloadKey(contract: Uid, seal: Hash): string {
  return `${contract} ${seal}`
}
