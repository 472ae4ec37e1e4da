import { closeSync, existsSync, openSync, rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import { READ_MODEL_SCHEMA, READ_MODEL_VERSION } from './tables.ts'

/** `Cnrm`, in the header of the file: a read model of Concordata. */
const APPLICATION_ID = 0x436e726d

/** Of programs that have nothing else to do meanwhile. */
const BUSY_TIMEOUT_MS = 5000

/** The files of a database: those of the write-ahead log after the one that they belong to. */
const filesOf = (path: string) => [path, `${path}-wal`, `${path}-shm`, `${path}-journal`]

/**
 * Opens the read model, or makes an empty one: where there is none, or one of another version, or one that SQLite cannot
 * read. All of it follows from the store, so nothing is lost by that. `timeout`: how long a call may wait, and this thread
 * with it, while another process has the file locked.
 */
export function openReadModel(path: string, timeout = BUSY_TIMEOUT_MS): Database.Database {
  if (existsSync(path)) {
    const database = openIfOurs(path, timeout)
    if (database !== undefined) return database
  }
  removeReadModel(path)
  const database = create(path, timeout)
  asLive(database)
  return database
}

/** To look only, while another connection may write. Undefined if there is none of this version. */
export function openReadModelToRead(path: string, timeout = BUSY_TIMEOUT_MS): Database.Database | undefined {
  if (!existsSync(path)) return undefined
  let database: Database.Database | undefined
  try {
    database = new Database(path, { readonly: true, fileMustExist: true, timeout })
    if (isOurs(database)) return database
  } catch (error) {
    if (!isDamage(error)) throw error
  }
  database?.close()
  return undefined
}

/** An empty one to be filled at once and then used, or thrown away: a crash meanwhile leaves nothing to be relied on. */
export function draftReadModel(path: string): Database.Database {
  removeReadModel(path)
  const database = create(path, BUSY_TIMEOUT_MS)
  database.pragma('cache_size = -65536')
  database.pragma('journal_mode = OFF')
  database.pragma('synchronous = OFF')
  database.pragma('locking_mode = EXCLUSIVE')
  return database
}

export function removeReadModel(path: string): void {
  for (const file of filesOf(path)) rmSync(file, { force: true })
}

function openIfOurs(path: string, timeout: number): Database.Database | undefined {
  let database: Database.Database | undefined
  try {
    database = new Database(path, { fileMustExist: true, timeout })
    if (isOurs(database)) {
      asLive(database)
      return database
    }
  } catch (error) {
    if (!isDamage(error)) throw error
  }
  database?.close()
  return undefined
}

function create(path: string, timeout: number): Database.Database {
  // SQLite itself would make it readable for all; its other files take the mode of this one.
  closeSync(openSync(path, 'wx', 0o600))
  const database = new Database(path, { timeout })
  try {
    database.transaction(() => {
      database.exec(READ_MODEL_SCHEMA)
      database.pragma(`application_id = ${APPLICATION_ID}`)
      database.pragma(`user_version = ${READ_MODEL_VERSION}`)
    })()
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Readers beside the writer; what a power failure takes away is folded anew from the checkpoint that is left. */
function asLive(database: Database.Database): void {
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
}

function isOurs(database: Database.Database): boolean {
  return (
    database.pragma('application_id', { simple: true }) === APPLICATION_ID &&
    database.pragma('user_version', { simple: true }) === READ_MODEL_VERSION
  )
}

function isDamage(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(NOTADB|CORRUPT)/.test(error.code)
}
