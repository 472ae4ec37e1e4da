import { ConcordataError, type ExceededLimit } from './errors.ts'

/** A text is no CSV, or is larger than is read. */
export class CsvMalformed extends ConcordataError {}

/** A number is no formula, whatever its sign. */
const NUMBER = /^[+-]?[0-9]+(\.[0-9]+)?$/
/** With these a formula begins in spreadsheets (OWASP, "CSV injection"), also where the keyboard is a Japanese one. */
const SIGN = '[=+\\-@\\uff0b\\uff0d\\uff1d\\uff20]'
/**
 * Where a cell begins, also for who reads the text with semicolons or tabs between cells, and so without the quotes that stand around this one: behind
 * what would end a cell there, and quotes and blanks that are passed over. Apostrophes that stand there already get another one.
 */
const BEGINS = `(^|[;\\t\\r\\n])(["\\s]*)('*)`
const FORMULA = new RegExp(`${BEGINS}(?=${SIGN})`, 'g')
const QUOTED = new RegExp(`${BEGINS.replace("'*", "'+")}(?=${SIGN})`, 'g')

/**
 * One record of RFC 4180. A cell that a spreadsheet would take for a formula, whether it takes commas, semicolons or tabs for what stands
 * between cells, gets an apostrophe before it: names and values are what other parties have chosen. `cellText` takes it away again.
 */
export function csvRecord(cells: readonly (string | number | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(cell: string | number | null): string {
  if (cell === null) return ''
  const text = safeText(String(cell))
  return /[",;\t\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text
}

/** What no spreadsheet takes for a formula. */
export function safeText(text: string): string {
  return NUMBER.test(text) ? text : text.replace(FORMULA, "$1$2'$3")
}

/** What a cell that `safeText` has made safe said before. */
export function cellText(text: string): string {
  return text.replace(QUOTED, (_, start: string, blanks: string, apostrophes: string) => {
    return start + blanks + apostrophes.slice(1)
  })
}

/** Attacker-controlled: `text`, whole. Cells are what stands between commas, or, where the first line has none, semicolons or tabs. Throws CsvMalformed. */
export function csvRecords(text: string, cellsMax: number): string[][] {
  const separator = separatorOf(text)
  const records: string[][] = []
  let record: string[] = []
  let cells = 0
  let at = 0
  while (at < text.length) {
    if (++cells > cellsMax) throw malformed(`it has more than ${cellsMax} cells`, { name: 'cells', max: cellsMax })
    const [cell, end] = text[at] === '"' ? quotedAt(text, at) : plainAt(text, at, separator)
    record.push(cell)
    at = end
    const next = text[at]
    if (next === separator) {
      at++
      if (at < text.length) continue
      record.push('')
    } else if (next === '\r' || next === '\n') at += text.startsWith('\r\n', at) ? 2 : 1
    else if (next !== undefined)
      throw malformed(`something stands behind a quoted cell in record ${records.length + 1}`)
    records.push(record)
    record = []
  }
  return records
}

function separatorOf(text: string): string {
  const [head = ''] = text.replace(/"(?:[^"]|"")*"/g, '').split(/\r|\n/, 1)
  return [',', ';', '\t'].find((separator) => head.includes(separator)) ?? ','
}

function plainAt(text: string, from: number, separator: string): [cell: string, end: number] {
  let at = from
  for (; at < text.length; at++) {
    const character = text[at]
    if (character === separator || character === '\r' || character === '\n') break
    if (character === '"') throw malformed('a quotation mark stands in a cell without quotes')
  }
  return [text.slice(from, at), at]
}

function quotedAt(text: string, from: number): [cell: string, end: number] {
  for (let at = from + 1; ; at++) {
    at = text.indexOf('"', at)
    if (at === -1) throw malformed('a quoted cell does not end')
    if (text[at + 1] !== '"') return [text.slice(from + 1, at).replaceAll('""', '"'), at + 1]
    at++
  }
}

function malformed(what: string, limit?: ExceededLimit): CsvMalformed {
  return new CsvMalformed('body_malformed', `it is no CSV: ${what}`, limit === undefined ? {} : { limit })
}
