import { join } from 'node:path'
import Database from 'better-sqlite3'
import { ConcordataError } from '../../runtime/errors.ts'

/** Another node runs on the data directory. Evidence: `dir`. */
export class DataDirectoryInUse extends ConcordataError {}

/**
 * Two nodes with one key would sign two statements for one place. So a node holds a lock as long as it lives: the
 * exclusive lock of an SQLite file, which the system releases however the process ends. Returns a function that unlocks.
 */
export function lockDataDirectory(dir: string): () => void {
  const unlockNode = lock(dir, 'node')
  try {
    const unlockSigner = lock(dir, 'signer')
    return () => {
      unlockSigner()
      unlockNode()
    }
  } catch (error) {
    unlockNode()
    throw error
  }
}

/** Of its signing keys and guard: a signer process, or a node that has none. */
export function lockSigning(dir: string): () => void {
  return lock(dir, 'signer')
}

/** Of all else: one process that does everything. */
export function lockNode(dir: string): () => void {
  return lock(dir, 'node')
}

/** Of the read model: one process writes to it, a node or a rebuild (decision 0099). */
export function lockReadModel(dir: string): () => void {
  return lock(dir, 'read-model')
}

function lock(dir: string, what: 'node' | 'signer' | 'read-model'): () => void {
  const file = new Database(join(dir, `${what}.lock`), { timeout: 0 })
  try {
    file.pragma('locking_mode = EXCLUSIVE')
    file.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    file.close()
    const message =
      what === 'read-model' ? `another process writes the read model of ${dir}` : `another ${what} runs on ${dir}`
    throw new DataDirectoryInUse('data_directory_in_use', message, { dir }, { cause })
  }
  return () => file.close()
}
