import { csvRecord } from '../../runtime/csv.ts'
import type { EntityRow } from './held-values.ts'

/** A line for each row, with these of its attributes. What names the columns is `csvRecord` of them. */
export function csvRows(columns: readonly string[], rows: readonly EntityRow[]): string[] {
  return rows.map((row) => csvRecord(columns.map((column) => cellOf(column, row))))
}

/** What is neither text nor number stands in CSV as JSON; so does a value, be it a text: else `"1"` would look like 1. */
function cellOf(column: string, row: EntityRow): string | number | null {
  const { [column]: cell, isHeld = cell !== null } = row
  if (column === 'value') return isHeld ? JSON.stringify(cell) : null
  if (cell === null || cell === undefined) return null
  return typeof cell === 'string' || typeof cell === 'number' ? cell : JSON.stringify(cell)
}
