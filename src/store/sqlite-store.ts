import { EmbeddedStore } from './embedded-store.ts'
import type { Store } from './port.ts'
import { SqliteEngine } from './sqlite-engine.ts'
import { openDatabase } from './sqlite-schema.ts'

export interface SqliteOptions {
  /** To look only, as an auditor does, whether another process has the store open or not. */
  readonly readonly?: boolean
  /** How long a call may wait for another process that writes, before it throws StoreUnavailable. Default 5 s. */
  readonly busyTimeoutMs?: number
}

/**
 * The embedded default: one SQLite file, with its `-wal` and `-shm` beside it. Several processes of one machine may have
 * it open at once. Positions have no gaps here. Throws StoreIncompatible, StoreUnavailable, StoreCorrupt.
 */
export async function openSqliteStore(path: string, options: SqliteOptions = {}): Promise<Store> {
  const { readonly = false, busyTimeoutMs = 5000 } = options
  return new EmbeddedStore(new SqliteEngine(openDatabase(path, { readonly, busyTimeoutMs })))
}
