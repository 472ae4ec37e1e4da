import type Database from 'better-sqlite3'

/** All that is ever said to the database. */
export interface Statements {
  readonly stream: Database.Statement<[name: string], { id: number; lastRevision: number }>
  readonly addStream: Database.Statement<[name: string, lastRevision: number]>
  readonly setLastRevision: Database.Statement<[lastRevision: number, id: number]>
  readonly addAppend: Database.Statement<
    [position: number, streamId: number, revision: number, count: number, events: Buffer]
  >
  readonly appendsOfStream: Database.Statement<[streamId: number, from: number], AppendRow>
  readonly lastPosition: Database.Statement<[], number | null>
  readonly streamName: Database.Statement<[id: number], string>
  readonly allBetween: Database.Statement<[after: number, through: number], AppendRow>
  readonly appendsBetween: Database.Statement<[after: number, through: number, ...Prefix], AppendRow>
  readonly series: Database.Statement<[contract: string, name: string], number>
  readonly addSeries: Database.Statement<[contract: string, name: string]>
  readonly addPayloads: Database.Statement<[seriesId: number, number: number, entries: Buffer]>
  readonly payloads: Database.Statement<[numbers: string, contract: string, series: string], StoredRow>
  readonly lastPayloads: Database.Statement<[], number | null>
  readonly payloadsBetween: Database.Statement<[after: number, through: number, contract: string], RowOfGroup>
  readonly setPayloads: Database.Statement<[entries: Buffer, id: number]>
  readonly deletePayloads: Database.Statement<[id: number]>
  readonly dataVersion: Database.Statement<[], number>
}

/** Once for a connection. */
export function prepare(database: Database.Database): Statements {
  return {
    stream: database.prepare<[name: string], { id: number; lastRevision: number }>(
      'SELECT id, last_revision AS lastRevision FROM streams WHERE name = ?',
    ),
    addStream: database.prepare<[name: string, lastRevision: number]>(
      'INSERT INTO streams (name, last_revision) VALUES (?, ?)',
    ),
    setLastRevision: database.prepare<[lastRevision: number, id: number]>(
      'UPDATE streams SET last_revision = ? WHERE id = ?',
    ),
    addAppend: database.prepare<[number, number, number, number, Buffer]>(
      'INSERT INTO appends (position, stream_id, revision, count, events) VALUES (?, ?, ?, ?, ?)',
    ),
    appendsOfStream: database
      .prepare<[streamId: number, from: number], AppendRow>(`
        SELECT stream_id, revision, position, count, events FROM appends
        WHERE stream_id = ? AND revision >= ? ORDER BY revision`)
      .raw(),
    lastPosition: database.prepare<[], number | null>('SELECT max(position) FROM appends').pluck(),
    streamName: database.prepare<[id: number], string>('SELECT name FROM streams WHERE id = ?').pluck(),
    // Whoever reads all streams knows most names already: there is no join.
    allBetween: database
      .prepare<[after: number, through: number], AppendRow>(`
        SELECT stream_id, revision, position, count, events FROM appends
        WHERE position > ? AND position <= ? ORDER BY position`)
      .raw(),
    // CROSS JOIN keeps this order of the loops: straight along the positions.
    appendsBetween: database
      .prepare<[after: number, through: number, ...Prefix], AppendRow>(`
        SELECT stream_id, revision, position, count, events
        FROM appends CROSS JOIN streams ON streams.id = stream_id
        WHERE position > ? AND position <= ? AND substr(name, 1, length(?)) = ?
        ORDER BY position`)
      .raw(),
    series: database
      .prepare<[contract: string, name: string], number>(
        'SELECT id FROM payload_series WHERE contract = ? AND name = ?',
      )
      .pluck(),
    addSeries: database.prepare<[contract: string, name: string]>(
      'INSERT INTO payload_series (contract, name) VALUES (?, ?)',
    ),
    addPayloads: database.prepare<[seriesId: number, number: number, entries: Buffer]>(
      'INSERT INTO payloads (series_id, number, entries) VALUES (?, ?, ?) ON CONFLICT (series_id, number) DO NOTHING',
    ),
    // Many at once: a call into SQLite costs more than a row. Numbers as a JSON array; CROSS JOIN keeps this order of the loops.
    payloads: database
      .prepare<[numbers: string, contract: string, series: string], StoredRow>(`
        SELECT payloads.id, number, entries
        FROM payload_series CROSS JOIN json_each(?) AS wanted CROSS JOIN payloads
          ON series_id = payload_series.id AND number = wanted.value
        WHERE contract = ? AND name = ?`)
      .raw(),
    lastPayloads: database.prepare<[], number | null>('SELECT max(id) FROM payloads').pluck(),
    // Not by the index, which can be without a row that stands there. A row of no series is shown to whoever looks.
    payloadsBetween: database
      .prepare<[after: number, through: number, contract: string], RowOfGroup>(`
        SELECT payloads.id, name, number, entries
        FROM payloads NOT INDEXED LEFT JOIN payload_series ON payload_series.id = series_id
        WHERE payloads.id > ? AND payloads.id <= ? AND (contract = ? OR contract IS NULL)
        ORDER BY payloads.id`)
      .raw(),
    setPayloads: database.prepare<[entries: Buffer, id: number]>('UPDATE payloads SET entries = ? WHERE id = ?'),
    deletePayloads: database.prepare<[id: number]>('DELETE FROM payloads WHERE id = ?'),
    dataVersion: database.prepare<[], number>('PRAGMA data_version').pluck(),
  }
}

/** Revision and position of the last of its events. */
export type AppendRow = [streamId: number, revision: number, position: number, count: number, events: Buffer]

export type StoredRow = [id: number, number: number, entries: Buffer]

/** `series`: null, if there is none of its number. */
export type RowOfGroup = [id: number, series: string | null, number: number, entries: Buffer]

/** The same prefix twice. */
type Prefix = [prefix: string, prefix: string]
