import type Database from 'better-sqlite3'
import { type BulkInsert, bulkInsert } from './bulk-insert.ts'

/** The values of a row, in the order of the columns. They may be changed until the buffer is flushed. */
export type Row = unknown[]

/** Rows that are written in one step. */
const ROWS_A_STEP = 256

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

  *flushing(): Generator<void, void> {
    const rows = this.#rows
    this.#rows = []
    for (let at = 0; at < rows.length; at += ROWS_A_STEP) {
      if (at > 0) yield
      this.#insert(rows.slice(at, at + ROWS_A_STEP))
    }
  }

  /** The batch came to nothing. */
  drop(): void {
    this.#rows = []
  }
}
