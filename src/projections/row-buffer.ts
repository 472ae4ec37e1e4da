import type Database from 'better-sqlite3'
import { type BulkInsert, bulkInsert } from '../runtime/bulk-insert.ts'

/** The values of a row, in the order of the columns. They may be changed until the buffer is flushed. */
export type Row = unknown[]

/** Rows that are new in a batch, written together at its end. */
export class RowBuffer {
  readonly #insert: BulkInsert
  #rows: Row[] = []

  /** `verb`: as of `bulkInsert`. */
  constructor(database: Database.Database, table: string, columns: readonly string[], verb?: string) {
    this.#insert = bulkInsert(database, table, columns, verb)
  }

  push(row: Row): Row {
    this.#rows.push(row)
    return row
  }

  flush(): void {
    if (this.#rows.length === 0) return
    const rows = this.#rows
    this.#rows = []
    this.#insert(rows)
  }

  /** The batch came to nothing. */
  drop(): void {
    this.#rows = []
  }
}
