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

/** What `csvOfTable` has written, or somebody else. Attacker-controlled: `text`, whole. Throws CsvMalformed. */
export function tableOfCsv(text: string): Table {
  return csvRecords(text, CELLS_MAX)
    .filter((cells) => cells.some((cell) => cell !== ''))
    .map((cells) =>
      cells.map((cell) => {
        if (cell === '') return null
        return APOSTROPHES.test(cell) ? cell.slice(1) : cellText(cell)
      }),
    )
}
