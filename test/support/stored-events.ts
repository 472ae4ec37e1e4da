import type Database from 'better-sqlite3'
import type { NewEvent } from '../../src/store/port.ts'
import { decodeEvents, rowsOf } from '../../src/store/sqlite/event-row.ts'

/** Events in the file of a SQLite store, as somebody who has the file may read and change them. */
export interface StoredEvent extends NewEvent {
  readonly stream: string
  readonly streamId: number
  readonly revision: number
  readonly position: number
}

interface Row {
  readonly stream: string
  readonly streamId: number
  readonly revision: number
  readonly position: number
  readonly count: number
  readonly events: Buffer
}

export function storedEvents(database: Database.Database): StoredEvent[] {
  const rows = database
    .prepare<[], Row>(`
      SELECT name AS stream, stream_id AS streamId, revision, position, count, events
      FROM appends JOIN streams ON streams.id = stream_id ORDER BY position`)
    .all()
  return rows.flatMap(eventsIn)
}

/** Puts other data in the place of an event's. */
export function setData(database: Database.Database, { streamId, revision }: StoredEvent, data: string): void {
  const row = rowWith(database, streamId, revision)
  const events = eventsIn(row).map((event) => (event.revision === revision ? { ...event, data } : event))
  database.prepare('UPDATE appends SET events = ? WHERE position = ?').run(encoded(events), row.position)
}

/** Takes an event out; those beside it stay where they are. */
export function takeOut(database: Database.Database, streamId: number, revision: number): void {
  const row = rowWith(database, streamId, revision)
  const events = eventsIn(row)
  database.prepare('DELETE FROM appends WHERE position = ?').run(row.position)
  addRow(
    database,
    events.filter((event) => event.revision < revision),
  )
  addRow(
    database,
    events.filter((event) => event.revision > revision),
  )
}

/** Puts an event behind the last of its stream, which does not know of it. */
export function putIn(database: Database.Database, streamId: number, revision: number, event: NewEvent): void {
  const last = database.prepare<[], number>('SELECT max(position) FROM appends').pluck().get() ?? 0
  addRow(database, [{ ...event, stream: '', streamId, revision, position: last + 1 }])
}

function addRow(database: Database.Database, events: readonly StoredEvent[]): void {
  const last = events.at(-1)
  if (last === undefined) return
  database
    .prepare('INSERT INTO appends (position, stream_id, revision, count, events) VALUES (?, ?, ?, ?, ?)')
    .run(last.position, last.streamId, last.revision, events.length, encoded(events))
}

function rowWith(database: Database.Database, streamId: number, revision: number): Row {
  const row = database
    .prepare<[number, number], Row>(`
      SELECT '' AS stream, stream_id AS streamId, revision, position, count, events FROM appends
      WHERE stream_id = ? AND revision >= ? ORDER BY revision LIMIT 1`)
    .get(streamId, revision)
  if (row === undefined) throw new Error(`stream ${streamId} has no event ${revision}`)
  return row
}

function eventsIn({ stream, streamId, revision, position, count, events }: Row): StoredEvent[] {
  return decodeEvents(events, count, { path: 'the file', revision, position }).map(({ type, data }, index) => {
    const behind = count - 1 - index
    return { stream, streamId, revision: revision - behind, position: position - behind, type, data }
  })
}

function encoded(events: readonly NewEvent[]): Buffer {
  const [only, ...more] = rowsOf(events)
  if (only === undefined || more.length > 0) throw new Error('the events are more than one row')
  return only.row
}
