import type Database from 'better-sqlite3'

/**
 * All of it or nothing, in steps: between them others have their turn, and read what was there before (decision 0142). Within a transaction that is
 * under way it is a part of that. Requires that nothing else uses this connection meanwhile.
 */
export class StepwiseTransaction {
  readonly #database: Database.Database
  readonly #begin: Database.Statement
  readonly #commit: Database.Statement

  constructor(database: Database.Database) {
    this.#database = database
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
  }

  *run<Result>(work: Generator<void, Result>): Generator<void, Result> {
    const database = this.#database
    const isPart = database.inTransaction
    if (isPart) database.exec('SAVEPOINT part')
    else this.#begin.run()
    try {
      const result = yield* work
      if (isPart) database.exec('RELEASE part')
      else this.#commit.run()
      return result
    } catch (error) {
      // SQLite itself rolls back on some errors.
      if (database.inTransaction) database.exec(isPart ? 'ROLLBACK TO part; RELEASE part' : 'ROLLBACK')
      throw error
    }
  }
}
