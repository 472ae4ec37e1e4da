import type Database from 'better-sqlite3'
import { EmbeddedStore } from '../embedded/embedded-store.ts'
import { patiently } from '../embedded/patience.ts'
import type { Store } from '../port.ts'
import { SqliteEngine } from './engine.ts'
import { translating } from './errors.ts'
import { openDatabase } from './schema.ts'

export interface SqliteOptions {
  /** To look only, whether another process has the store open or not. */
  readonly readonly?: boolean
  /** With `readonly`: everything stays as it is at this moment for as long as it is open, as an auditor needs it. */
  readonly snapshot?: boolean
  /**
   * How long a call goes on trying while another process has the file locked, before it throws StoreUnavailable. The event
   * loop turns meanwhile. Default 5 s.
   */
  readonly lockedMs?: number
}

/**
 * The embedded default: one SQLite file, with its `-wal` and `-shm` beside it. Several processes of one machine may have
 * it open at once. Positions have no gaps here. Throws StoreIncompatible, StoreUnavailable, StoreCorrupt.
 */
export async function openSqliteStore(path: string, options: SqliteOptions = {}): Promise<Store> {
  const { readonly = false, snapshot = false, lockedMs = 5000 } = options
  const database = await patiently(lockedMs, () => openDatabase(path, { readonly, busyTimeoutMs: 0 }))
  if (readonly && snapshot) await patiently(lockedMs, () => holdSnapshot(database))
  return new EmbeddedStore(await patiently(lockedMs, () => new SqliteEngine(database)), lockedMs)
}

/** A transaction that has read once, and is not ended, sees nothing of what others commit. */
function holdSnapshot(database: Database.Database): void {
  translating(database.name, () => {
    if (!database.inTransaction) database.exec('BEGIN')
    database.prepare('SELECT count(*) FROM streams').get()
  })
}
