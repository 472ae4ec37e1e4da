import type Database from 'better-sqlite3'

/** Rows that one statement inserts: a call into SQLite costs as much as a small row. */
const ROWS_PER_STATEMENT = 64

/** Takes any number of rows, each its values in the order of the columns, and gives the rowid of the last; 0 for none. */
export type BulkInsert = (rows: readonly (readonly unknown[])[]) => number

/** `verb`: `INSERT`, or `INSERT OR REPLACE`. */
export function bulkInsert(
  database: Database.Database,
  table: string,
  columns: readonly string[],
  verb = 'INSERT',
): BulkInsert {
  const row = `(${columns.map(() => '?').join(', ')})`
  const insert = (rows: number) =>
    database.prepare(`${verb} INTO ${table} (${columns.join(', ')}) VALUES ${Array(rows).fill(row).join(', ')}`)
  const many = insert(ROWS_PER_STATEMENT)
  const one = insert(1)
  return (rows) => {
    let rowid: number | bigint = 0
    let at = 0
    for (; at + ROWS_PER_STATEMENT <= rows.length; at += ROWS_PER_STATEMENT) {
      rowid = many.run(rows.slice(at, at + ROWS_PER_STATEMENT).flat()).lastInsertRowid
    }
    for (; at < rows.length; at++) rowid = one.run(rows[at]).lastInsertRowid
    return Number(rowid)
  }
}
