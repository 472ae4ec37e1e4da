import type Database from 'better-sqlite3'

/**
 * All of it or nothing, in steps: between them others have their turn, and read what was there before. Within a transaction that is
 * under way it is a part of that. Requires that nothing else uses this connection meanwhile.
 */
export function* inTransaction<Result>(
  database: Database.Database,
  work: Generator<void, Result>,
): Generator<void, Result> {
  const isPart = database.inTransaction
  database.exec(isPart ? 'SAVEPOINT part' : 'BEGIN IMMEDIATE')
  try {
    const result = yield* work
    database.exec(isPart ? 'RELEASE part' : 'COMMIT')
    return result
  } catch (error) {
    // SQLite itself rolls back on some errors.
    if (database.inTransaction) database.exec(isPart ? 'ROLLBACK TO part; RELEASE part' : 'ROLLBACK')
    throw error
  }
}
