import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, linkSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { StoreIncompatible, StoreUnavailable } from '../errors.ts'
import { translating } from './errors.ts'

/** `Cncd`, in the header of the file: so that it is never taken for, or by, another program's. */
const APPLICATION_ID = 0x436e6364
const SCHEMA_VERSION = 3

/** Pages of 4 KiB in the write-ahead log before they are moved to the file: the larger, the fewer waits for the disk. */
const WAL_PAGES = 4000

/**
 * Events: a row an append, or a piece of a large one (event-row.ts). Position and revision are those of its last event: so the
 * first row from a place on is the one that has what stands there.
 * Payloads: a row a group (payload-row.ts), added at the end of the table and found by series and number, small
 * integers that rise: so a group put touches two pages, the same ones as the group before it.
 */
const SCHEMA = `
  CREATE TABLE streams (
    id            INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    last_revision INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE appends (
    position  INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL REFERENCES streams (id),
    revision  INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    events    BLOB NOT NULL,
    UNIQUE (stream_id, revision)
  ) STRICT;

  CREATE TABLE payload_series (
    id       INTEGER PRIMARY KEY,
    contract TEXT NOT NULL,
    name     TEXT NOT NULL,
    UNIQUE (contract, name)
  ) STRICT;

  CREATE TABLE payloads (
    id        INTEGER PRIMARY KEY,
    series_id INTEGER NOT NULL REFERENCES payload_series (id),
    number    INTEGER NOT NULL,
    entries   BLOB NOT NULL,
    UNIQUE (series_id, number)
  ) STRICT;
`

export interface DatabaseOptions {
  readonly readonly: boolean
  /** How long a call waits, and this thread with it, while another process has the file locked. */
  readonly busyTimeoutMs: number
}

/**
 * Opens the file; unless for reading only, makes it first if there is none. It is for its owner's eyes: a new file has
 * mode 0600, a new directory 0700. What is not ours is left as it is.
 * Throws StoreIncompatible, StoreUnavailable, StoreCorrupt.
 */
export function openDatabase(path: string, options: DatabaseOptions): Database.Database {
  if (!options.readonly && !existsSync(path)) create(path)
  const database = openFile(path, options)
  try {
    translating(path, () => {
      verifyOurs(database, path)
      configure(database, path, options.readonly)
    })
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * The file gets its name when it is complete, and whoever makes it first wins: several processes may start at once, and
 * none finds it half made. (Two that turn on the write-ahead log of one file at the same time lock each other out.)
 */
function create(path: string): void {
  const draft = `${path}.${randomUUID()}`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // SQLite itself would make it readable for all; its -wal and -shm files take the mode of this one.
    closeSync(openSync(draft, 'wx', 0o600))
    try {
      fill(draft)
      linkSync(draft, path)
    } finally {
      rmSync(draft)
    }
  } catch (cause) {
    if (!existsSync(path)) throw unavailable(path, 'cannot be made', cause)
  }
}

function fill(path: string): void {
  const database = new Database(path)
  try {
    database.pragma('journal_mode = WAL')
    database.transaction(() => {
      database.exec(SCHEMA)
      database.pragma(`application_id = ${APPLICATION_ID}`)
      database.pragma(`user_version = ${SCHEMA_VERSION}`)
    })()
  } finally {
    database.close()
  }
}

function openFile(path: string, { readonly, busyTimeoutMs }: DatabaseOptions): Database.Database {
  try {
    return new Database(path, { readonly, fileMustExist: true, timeout: busyTimeoutMs })
  } catch (cause) {
    throw unavailable(path, 'cannot be opened', cause)
  }
}

function unavailable(path: string, fault: string, cause: unknown): StoreUnavailable {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StoreUnavailable('store_unavailable', `the store ${path} ${fault}: ${reason}`, { path }, { cause })
}

function verifyOurs(database: Database.Database, path: string): void {
  const { applicationId, version } = headerOf(database, path)
  if (applicationId !== APPLICATION_ID) {
    throw new StoreIncompatible('store_incompatible', `${path} is no store of Concordata`, { path, applicationId })
  }
  if (version !== SCHEMA_VERSION) {
    const message =
      version > SCHEMA_VERSION
        ? `${path} has schema version ${version}, but this program knows only ${SCHEMA_VERSION}: use a newer one`
        : `${path} has schema version ${version}, which only programs before this one read; this one reads ${SCHEMA_VERSION}`
    throw new StoreIncompatible('store_incompatible', message, { path, version, known: SCHEMA_VERSION })
  }
}

function headerOf(database: Database.Database, path: string): { applicationId: number; version: number } {
  try {
    return {
      applicationId: Number(database.pragma('application_id', { simple: true })),
      version: Number(database.pragma('user_version', { simple: true })),
    }
  } catch (cause) {
    if (!(cause instanceof Database.SqliteError) || cause.code !== 'SQLITE_NOTADB') throw cause
    throw new StoreIncompatible('store_incompatible', `${path} is no SQLite file`, { path }, { cause })
  }
}

function configure(database: Database.Database, path: string, readonly: boolean): void {
  database.pragma('foreign_keys = ON')
  if (readonly) return
  const mode = database.pragma('journal_mode = WAL', { simple: true })
  if (mode !== 'wal') {
    throw new StoreUnavailable('store_unavailable', `the file system of ${path} cannot hold a write-ahead log`, {
      path,
      mode,
    })
  }
  // Durable on return means that each commit waits for the disk.
  database.pragma('synchronous = FULL')
  database.pragma(`wal_autocheckpoint = ${WAL_PAGES}`)
  // What is deleted is overwritten: an erased value must not be found in the file.
  database.pragma('secure_delete = ON')
}
