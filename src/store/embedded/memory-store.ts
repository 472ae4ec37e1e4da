import type { Hash } from '../../crypto/hash.ts'
import type { Uid } from '../../events/ids.ts'
import { type Append, repeatedBy } from '../append-rule.ts'
import { StoreWriteTooLarge } from '../errors.ts'
import type { PayloadRef } from '../payload-group.ts'
import { byGroup, bytesInGroup, GROUP_BYTES_MAX, newAmong, type PayloadGroup } from '../payload-group.ts'
import { type Appended, NO_EVENTS, type RecordedEvent, type Store, type Write } from '../port.ts'
import { EmbeddedStore } from './embedded-store.ts'
import {
  type BatchResult,
  type EventsPiece,
  type GroupPiece,
  PIECE_EVENTS_MAX,
  PIECE_POSITIONS_MAX,
  type StoreEngine,
} from './engine.ts'

/** A store that forgets everything with its process: for the simulator and for tests. Uses no timer and no I/O. */
export function openMemoryStore(): Store {
  return new EmbeddedStore(new MemoryEngine())
}

class MemoryEngine implements StoreEngine {
  /** The event at position p stands at index p - 1. */
  readonly #all: RecordedEvent[] = []
  readonly #streams = new Map<string, RecordedEvent[]>()
  /** By contract and group, then by seal. A group is never changed in place. */
  readonly #groups = new Map<string, ReadonlyMap<Hash, string>>()

  commit(batches: readonly (readonly Write[])[]): BatchResult[] {
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

  readAfter(position: number, streamPrefix: string): EventsPiece {
    const events: RecordedEvent[] = []
    const end = Math.min(this.#all.length, position + PIECE_POSITIONS_MAX)
    let through = position
    while (through < end && events.length < PIECE_EVENTS_MAX) {
      const event = this.#all[through++]
      if (event?.stream.startsWith(streamPrefix)) events.push(event)
    }
    return { events, through }
  }

  payloads(contract: Uid, refs: readonly PayloadRef[]): Map<Hash, string> {
    const found = new Map<Hash, string>()
    for (const { group, seal } of refs) {
      const text = this.#groups.get(groupKey(contract, group))?.get(seal)
      if (text !== undefined) found.set(seal, text)
    }
    return found
  }

  groupsAfter(place: number, contract: Uid): GroupPiece {
    const all = [...this.#groups]
    const through = Math.min(all.length, place + PIECE_EVENTS_MAX)
    const own = all.slice(place, through).filter(([key]) => key.startsWith(groupKey(contract, '')))
    const groups = own.map(([key, entries]) => ({
      group: key.slice(groupKey(contract, '').length),
      entries: [...entries],
      faults: [],
    }))
    return { groups, through }
  }

  erase(contract: Uid, refs: readonly PayloadRef[]): void {
    for (const [group, erased] of byGroup(refs)) {
      const key = groupKey(contract, group)
      const kept = [...(this.#groups.get(key) ?? [])].filter(([seal]) => !erased.has(seal))
      if (kept.length > 0) this.#groups.set(key, new Map(kept))
      else this.#groups.delete(key)
    }
  }

  defer(rest: () => void): void {
    queueMicrotask(rest)
  }

  close(): void {}

  #apply(batch: readonly Write[]): BatchResult {
    const appended: Appended[] = []
    const before = this.#all.length
    const groupsBefore = new Map<string, ReadonlyMap<Hash, string> | undefined>()
    try {
      for (const write of batch) {
        if (write.kind === 'append') appended.push(this.#append(write))
        else this.#put(write, groupsBefore)
      }
      return { appended }
    } catch (error) {
      for (const event of this.#all.splice(before)) this.#streams.get(event.stream)?.pop()
      for (const [key, group] of groupsBefore) {
        if (group === undefined) this.#groups.delete(key)
        else this.#groups.set(key, group)
      }
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

  /** Notes in `before` what the group was at first. */
  #put(
    { contract, group, entries }: Extract<Write, { kind: 'payloads' }>,
    before: Map<string, ReadonlyMap<Hash, string> | undefined>,
  ): void {
    const key = groupKey(contract, group)
    const held = this.#groups.get(key)
    const added = newAmong(held, entries)
    if (added.size === 0) return
    const whole = new Map([...(held ?? []), ...added])
    if (bytesInGroup(whole) > GROUP_BYTES_MAX) throw new StoreWriteTooLarge('put of payloads', 'group', GROUP_BYTES_MAX)
    if (!before.has(key)) before.set(key, held)
    this.#groups.set(key, whole)
  }
}

function groupKey(contract: Uid, group: PayloadGroup | ''): string {
  return `${contract} ${group}`
}
