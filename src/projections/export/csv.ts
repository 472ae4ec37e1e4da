/** A number is no formula, whatever its sign. */
const NUMBER = /^[+-]?[0-9]+(\.[0-9]+)?$/
/** Cells that begin so are run as formulas by spreadsheets (OWASP, "CSV injection"). */
const FORMULA = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/

/**
 * One record of RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe before it: names are what
 * other parties have chosen. So CSV is for people; the exact text is in the JSON lines.
 */
export function csvRecord(cells: readonly (string | number | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(cell: string | number | null): string {
  if (cell === null) return ''
  const text = String(cell)
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
