import { open } from 'node:fs/promises'
import { StoreCorrupt } from '../errors.ts'
import { translating } from './errors.ts'
import { openDatabase } from './schema.ts'

const BUSY_TIMEOUT_MS = 5000

/**
 * Copies a store as it is at one moment, whether a process has it open or not. The copy is one file, without traces of
 * what was erased; positions stay. `to` must not exist. Throws StoreIncompatible, StoreUnavailable, StoreCorrupt.
 */
export async function copySqliteStore(from: string, to: string): Promise<void> {
  const database = openDatabase(from, { readonly: true, busyTimeoutMs: BUSY_TIMEOUT_MS })
  try {
    // SQLite writes into a file of no bytes, and keeps its mode: for the owner's eyes.
    await (await open(to, 'wx', 0o600)).close()
    translating(from, () => database.prepare('VACUUM INTO ?').run(to))
  } finally {
    database.close()
  }
  await using file = await open(to, 'r+')
  await file.sync()
}

/** Whether the file is a store, and sound: throws StoreIncompatible, StoreUnavailable or StoreCorrupt if not. */
export function checkSqliteStore(path: string): void {
  const database = openDatabase(path, { readonly: true, busyTimeoutMs: BUSY_TIMEOUT_MS })
  try {
    const found = translating(path, () => database.pragma('integrity_check', { simple: true }))
    if (found !== 'ok') throw new StoreCorrupt('store_corrupt', `the store ${path} is damaged: ${found}`, { path })
  } finally {
    database.close()
  }
}
