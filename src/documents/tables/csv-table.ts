import { cellText, csvRecord, csvRecords } from '../../runtime/csv.ts'
import type { Table } from './table.ts'

/** Cells that are read of one table. */
export const CELLS_MAX = 20_000

/** An empty cell is one without a value; an empty text is an apostrophe, and one of apostrophes alone has another. */
const APOSTROPHES = /^'*$/

export function csvOfTable(table: Table): string {
  return table
    .map((cells) => csvRecord(cells.map((cell) => (cell !== null && APOSTROPHES.test(cell) ? `${cell}'` : cell))))
    .join('')
}

/**
 * What `csvOfTable` has written, or somebody else. A line without a cell is a row only where rows have one cell. Attacker-controlled:
 * `text`, whole. Throws CsvMalformed.
 */
export function tableOfCsv(text: string): Table {
  const records = csvRecords(text, CELLS_MAX)
  const first = records.findIndex((cells) => !isBlank(cells))
  const [head, ...rows] = first === -1 ? [] : records.slice(first)
  if (head === undefined) return []
  return [head, ...rows.filter((cells) => head.length === 1 || cells.length > 1 || !isBlank(cells))].map((cells) =>
    cells.map((cell) => {
      if (cell === '') return null
      return APOSTROPHES.test(cell) ? cell.slice(1) : cellText(cell)
    }),
  )
}

function isBlank(cells: readonly string[]): boolean {
  return cells.every((cell) => cell === '')
}
