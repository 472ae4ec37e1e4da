import { join } from 'node:path'
import type { Store } from '../../src/store/port.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'

/** The SQLite store of a directory. */
export function open(directory: string): Promise<Store> {
  return openSqliteStore(join(directory, 'store.db'))
}
