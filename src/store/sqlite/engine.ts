import type Database from 'better-sqlite3'
import type { Hash } from '../../crypto/hash.ts'
import type { Uid } from '../../events/ids.ts'
import { type Append, repeatedBy } from '../append-rule.ts'
import {
  type BatchResult,
  type EventsPiece,
  type GroupPiece,
  PIECE_CHARACTERS_MAX,
  PIECE_EVENTS_MAX,
  PIECE_POSITIONS_MAX,
  START,
  type StoreEngine,
} from '../embedded/engine.ts'
import { StoreCorrupt, StoreLocked, StoreReadonly, StoreWriteTooLarge } from '../errors.ts'
import type { PayloadRef } from '../payload-group.ts'
import {
  byGroup,
  bySeries,
  bytesInGroup,
  GROUP_BYTES_MAX,
  newAmong,
  type PayloadGroup,
  placeOf,
} from '../payload-group.ts'
import { type Appended, type NewEvent, NO_EVENTS, type RecordedEvent, type StoredGroup, type Write } from '../port.ts'
import { translated, translating } from './errors.ts'
import { decodeEvents, ROW_EVENTS_MAX, rowsOf } from './event-row.ts'
import { decodeRow, encodeRow, readRow } from './payload-row.ts'
import { type AppendRow, prepare, type RowOfGroup, type Statements, type StoredRow } from './statements.ts'

/** Names of streams that are remembered. */
const STREAM_NAMES_MAX = 16_384

type Batch = readonly Write[]

/** The engine over one connection to a database that `openDatabase` has opened. Positions are 1, 2, 3 … without gaps. */
export class SqliteEngine implements StoreEngine {
  readonly #database: Database.Database
  readonly #path: string
  readonly #sql: Statements
  /** Some of them, by the number of the stream: a number is never given to another one. */
  readonly #streamNames = new Map<number, string>()
  readonly #applyAll: Database.Transaction<(batches: readonly Batch[]) => BatchResult[]>
  readonly #apply: Database.Transaction<(batch: Batch) => Appended[]>
  readonly #erase: Database.Transaction<(contract: Uid, refs: readonly PayloadRef[]) => void>

  constructor(database: Database.Database) {
    this.#database = database
    this.#path = database.name
    this.#sql = this.#translating(() => prepare(database))
    this.#applyAll = database.transaction((batches) =>
      batches.map((batch) => this.#outcomeOf(() => this.#apply(batch))),
    )
    // Inside another transaction this one is a savepoint.
    this.#apply = database.transaction((batch) => {
      try {
        return batch.flatMap((write) => this.#write(write))
      } catch (error) {
        // A full disk and the like make SQLite give up the whole transaction, not only the savepoint.
        throw database.inTransaction ? new BatchFailed(error) : error
      }
    })
    this.#erase = database.transaction((contract, refs) => {
      for (const [group, seals] of byGroup(refs)) this.#eraseFrom(contract, group, seals)
    })
  }

  commit(batches: readonly Batch[]): BatchResult[] {
    this.#assertWritable()
    // Immediate: what the appends find must still hold when they commit, whatever other processes do.
    return this.#translating(() => {
      const [only, ...others] = batches
      if (only === undefined || others.length > 0) return this.#applyAll.immediate(batches)
      return [this.#outcomeOf(() => this.#apply.immediate(only))]
    })
  }

  lastRevision(stream: string): number {
    return this.#translating(() => this.#sql.stream.get(stream)?.lastRevision ?? NO_EVENTS)
  }

  readStream(stream: string, from: number, count: number): RecordedEvent[] {
    return this.#translating(() => {
      const { id } = this.#sql.stream.get(stream) ?? {}
      const rows = id === undefined ? [] : this.#sql.appendsOfStream.iterate(id, from)
      const { appends } = this.#take(rows, Math.min(count, PIECE_EVENTS_MAX))
      const events = appends.flatMap((append) => recorded(append, stream)).filter(({ revision }) => revision >= from)
      return this.#unbroken(stream, from, events.slice(0, count))
    })
  }

  lastPosition(): number {
    return this.#translating(() => this.#sql.lastPosition.get() ?? START)
  }

  readAfter(position: number, streamPrefix: string): EventsPiece {
    return this.#translating(() => {
      const end = Math.min(this.lastPosition(), position + PIECE_POSITIONS_MAX)
      if (end <= position) return { events: [], through: position }
      // A row that begins before the end may go beyond it.
      const last = end + ROW_EVENTS_MAX - 1
      const { appends, isCut } = this.#take(
        streamPrefix === ''
          ? this.#sql.allBetween.iterate(position, last)
          : this.#sql.appendsBetween.iterate(position, last, streamPrefix, streamPrefix),
        PIECE_EVENTS_MAX,
      )
      const taken = appends.at(-1)?.position ?? position
      const events = appends.flatMap((append) => recorded(append, this.#nameOf(append)))
      const from = events.findIndex((event) => event.position > position)
      return { events: from > 0 ? events.slice(from) : events, through: isCut ? taken : Math.max(taken, end) }
    })
  }

  payloads(contract: Uid, refs: readonly PayloadRef[]): Map<Hash, string> {
    const found = new Map<Hash, string>()
    for (const [series, wanted] of bySeries(refs)) {
      const numbers = JSON.stringify([...wanted.keys()])
      for (const [, number, entries] of this.#translating(() => this.#sql.payloads.all(numbers, contract, series))) {
        const held = decodeRow(entries)
        for (const seal of wanted.get(number) ?? []) {
          const text = held.get(seal)
          if (text !== undefined) found.set(seal, text)
        }
      }
    }
    return found
  }

  groupsAfter(place: number, contract: Uid): GroupPiece {
    return this.#translating(() => {
      const end = Math.min(this.#sql.lastPayloads.get() ?? START, place + PIECE_POSITIONS_MAX)
      const groups: StoredGroup[] = []
      let characters = 0
      for (const row of this.#sql.payloadsBetween.iterate(place, Math.max(end, place), contract)) {
        const group = groupIn(row)
        groups.push(group)
        for (const [, text] of group.entries) characters += text.length
        if (characters >= PIECE_CHARACTERS_MAX) return { groups, through: row[0] }
      }
      return { groups, through: Math.max(end, place) }
    })
  }

  erase(contract: Uid, refs: readonly PayloadRef[]): void {
    this.#assertWritable()
    this.#translating(() => this.#erase.immediate(contract, refs))
    this.#emptyLog()
  }

  foreignVersion(): number {
    return this.#translating(() => this.#sql.dataVersion.get() ?? 0)
  }

  defer(rest: () => void): void {
    setImmediate(rest)
  }

  close(): void {
    this.#translating(() => this.#database.close())
  }

  /** The first rows that have that number of events, or enough characters for a piece. */
  #take(rows: Iterable<AppendRow>, count: number): { readonly appends: StoredAppend[]; readonly isCut: boolean } {
    const appends: StoredAppend[] = []
    let taken = 0
    let characters = 0
    for (const [streamId, revision, position, claimed, row] of rows) {
      const events = decodeEvents(row, claimed, { path: this.#path, revision, position })
      appends.push({ streamId, revision, position, events })
      taken += events.length
      for (const { data } of events) characters += data.length
      if (taken >= count || characters >= PIECE_CHARACTERS_MAX) return { appends, isCut: true }
    }
    return { appends, isCut: false }
  }

  #nameOf({ streamId, position }: StoredAppend): string {
    let stream = this.#streamNames.get(streamId)
    if (stream === undefined) {
      stream = this.#sql.streamName.get(streamId)
      if (stream === undefined) {
        const message = `the store ${this.#path} is damaged: the event at ${position} belongs to no stream`
        throw new StoreCorrupt('store_corrupt', message, { path: this.#path, position })
      }
      if (this.#streamNames.size >= STREAM_NAMES_MAX) this.#streamNames.clear()
      this.#streamNames.set(streamId, stream)
    }
    return stream
  }

  #outcomeOf(apply: () => Appended[]): BatchResult {
    try {
      return { appended: apply() }
    } catch (error) {
      if (!(error instanceof BatchFailed)) throw error
      return { error: translated(error.cause, this.#path) }
    }
  }

  #write(write: Write): Appended[] {
    if (write.kind === 'append') return [this.#append(write)]
    this.#put(write)
    return []
  }

  #append(append: Append): Appended {
    const { stream, events } = append
    const known = this.#sql.stream.get(stream)
    const last = known?.lastRevision ?? NO_EVENTS
    const repeated = repeatedBy(append, last, (from, count) => this.#standing(stream, from, count))
    if (repeated !== undefined) return repeated
    const id = known?.id ?? Number(this.#sql.addStream.run(stream, last + events.length).lastInsertRowid)
    if (known !== undefined) this.#sql.setLastRevision.run(last + events.length, id)
    let revision = last
    let position = this.lastPosition()
    for (const { count, row } of rowsOf(events)) {
      revision += count
      position += count
      this.#sql.addAppend.run(position, id, revision, count, row)
    }
    return { revision, position }
  }

  #standing(stream: string, from: number, count: number): RecordedEvent[] {
    const events: RecordedEvent[] = []
    while (events.length < count) events.push(...this.readStream(stream, from + events.length, count - events.length))
    return events
  }

  #put({ contract, group, entries }: Extract<Write, { kind: 'payloads' }>): void {
    const added = newAmong(undefined, entries)
    if (added.size === 0) return
    const { series, number } = placeOf(group)
    const seriesId =
      this.#sql.series.get(contract, series) ?? Number(this.#sql.addSeries.run(contract, series).lastInsertRowid)
    if (this.#sql.addPayloads.run(seriesId, number, rowWith(added)).changes > 0) return
    const [id, , row] = this.#rowOf(contract, group) as StoredRow
    const held = decodeRow(row)
    const missing = newAmong(held, entries)
    if (missing.size > 0) this.#sql.setPayloads.run(rowWith(new Map([...held, ...missing])), id)
  }

  #eraseFrom(contract: Uid, group: PayloadGroup, erased: ReadonlySet<Hash>): void {
    const [id, , row] = this.#rowOf(contract, group) ?? []
    if (id === undefined || row === undefined) return
    const held = decodeRow(row)
    const kept = new Map([...held].filter(([seal]) => !erased.has(seal)))
    if (kept.size === 0) this.#sql.deletePayloads.run(id)
    else if (kept.size < held.size) this.#sql.setPayloads.run(rowWith(kept), id)
  }

  #rowOf(contract: Uid, group: PayloadGroup): StoredRow | undefined {
    const { series, number } = placeOf(group)
    return this.#sql.payloads.get(JSON.stringify([number]), contract, series)
  }

  /** The log still has the pages as they were before the last commits: they are moved to the file, and it is cut off. */
  #emptyLog(): void {
    const [result] = this.#translating(() => this.#database.pragma('wal_checkpoint(TRUNCATE)')) as { busy: number }[]
    if (result?.busy === 0) return
    const message = `erased, but another process reads ${this.#path} and keeps its log, where the values still stand: repeat it`
    throw new StoreLocked('store_unavailable', message, { path: this.#path })
  }

  /** These events must stand there, each a revision after the other: a hole is nothing that we have written. */
  #unbroken(stream: string, from: number, events: RecordedEvent[]): RecordedEvent[] {
    const hole = events.findIndex(({ revision }, index) => revision !== from + index)
    if (hole === -1 && events.length > 0) return events
    const revision = from + Math.max(hole, 0)
    const message = `the store ${this.#path} is damaged: event ${revision} of ${stream} is missing`
    throw new StoreCorrupt('store_corrupt', message, { path: this.#path, stream, revision })
  }

  #assertWritable(): void {
    if (this.#database.readonly) throw new StoreReadonly(this.#path)
  }

  #translating<T>(run: () => T): T {
    return translating(this.#path, run)
  }
}

/** Of a batch that alone has failed: the others beside it do not. `cause`: why. */
class BatchFailed extends Error {
  constructor(cause: unknown) {
    super('a batch has failed', { cause })
  }
}

function groupIn([id, series, number, row]: RowOfGroup): StoredGroup {
  const { entries, fault } = readRow(row)
  const faults = fault === undefined ? [] : [fault]
  if (series !== null) return { group: `${series}${number}`, entries, faults }
  return { group: `row ${id}`, entries, faults: ['it belongs to no series of groups', ...faults] }
}

function rowWith(entries: ReadonlyMap<Hash, string>): Buffer {
  if (bytesInGroup(entries) > GROUP_BYTES_MAX) throw new StoreWriteTooLarge('put of payloads', 'group', GROUP_BYTES_MAX)
  return encodeRow(entries)
}

interface StoredAppend {
  readonly streamId: number
  /** Of the last of its events. */
  readonly revision: number
  readonly position: number
  readonly events: readonly NewEvent[]
}

function recorded({ revision, position, events }: StoredAppend, stream: string): RecordedEvent[] {
  return events.map(({ type, data }, index) => {
    const behind = events.length - 1 - index
    return { stream, revision: revision - behind, position: position - behind, type, data }
  })
}
