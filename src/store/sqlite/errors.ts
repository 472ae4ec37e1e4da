import Database from 'better-sqlite3'
import { StoreCorrupt, StoreLocked, StoreUnavailable } from '../errors.ts'

/** Primary result codes (sqlite.org/rescode.html) that say that the file, or the way to it, does not serve just now. */
const unavailable = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|PERM|NOMEM|PROTOCOL|NOLFS|AUTH)/
/** And that its content is not what we wrote: a constraint of our own can only be broken by somebody else's rows. */
const corrupt = /^SQLITE_(CORRUPT|NOTADB|FORMAT|CONSTRAINT|MISMATCH|SCHEMA)/

/** An error of SQLite in the terms of the port; any other error as it is. */
export function translated(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error
  const evidence = { path, sqlite: error.code }
  if (unavailable.test(error.code)) {
    const Fault = error.code.startsWith('SQLITE_BUSY') ? StoreLocked : StoreUnavailable
    return new Fault('store_unavailable', `the store ${path} does not serve: ${error.message}`, evidence, {
      cause: error,
    })
  }
  if (corrupt.test(error.code)) {
    return new StoreCorrupt('store_corrupt', `the store ${path} is damaged: ${error.message}`, evidence, {
      cause: error,
    })
  }
  return error
}

/** Runs something on the database; errors of SQLite come out in the terms of the port. */
export function translating<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw translated(error, path)
  }
}
