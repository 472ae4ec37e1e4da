import { join } from 'node:path'
import Database from 'better-sqlite3'
import { ConcordataError } from '../runtime/errors.ts'

/** Another node runs on the data directory. Evidence: `dir`. */
export class DataDirectoryInUse extends ConcordataError {}

/**
 * Two nodes with one key would sign two statements for one place. So a node holds a lock as long as it lives: the
 * exclusive lock of an SQLite file, which the system lets go of whatever end the process comes to. The answer unlocks.
 */
export function lockDataDirectory(dir: string): () => void {
  const lock = new Database(join(dir, 'node.lock'), { timeout: 0 })
  try {
    lock.pragma('locking_mode = EXCLUSIVE')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    throw new DataDirectoryInUse('data_directory_in_use', `another node runs on ${dir}`, { dir }, { cause })
  }
  return () => lock.close()
}
