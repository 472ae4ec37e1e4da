import { SaxesParser, type SaxesTagPlain } from 'saxes'
import { ConcordataError, type ExceededLimit } from '../../runtime/errors.ts'
import { decimalDigits } from '../digits.ts'
import { CELLS_MAX } from './csv-table.ts'
import type { Table } from './table.ts'
import { ZipReader, zipOf } from './zip.ts'

/** A workbook says something that is not read: a formula, an error, or XML that is none. */
export class WorkbookMalformed extends ConcordataError {}

/** What a workbook unpacks to, as far as it is read: no more than a body may have. */
const UNPACKED_MAX = 4 * 1024 * 1024
const COLUMNS_MAX = 1_000

const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006'
const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

const FRAME: readonly (readonly [name: string, text: string])[] = [
  [
    '[Content_Types].xml',
    `${HEAD}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`,
  ],
  [
    '_rels/.rels',
    `${HEAD}<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
  ],
  [
    'xl/workbook.xml',
    `${HEAD}<workbook xmlns="${MAIN}" xmlns:r="${RELATIONS}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
  ],
  [
    'xl/_rels/workbook.xml.rels',
    `${HEAD}<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
  ],
]

/** A workbook with one sheet. Every cell is a text, so none is a formula, and each digit stays. */
export function xlsxOfTable(table: Table): Buffer {
  const rows = table.map((cells, row) => {
    const shown = cells.map((cell, column) => {
      if (cell === null) return ''
      return `<c r="${nameOf(column, row + 1)}" t="inlineStr"><is><t xml:space="preserve">${xmlText(cell)}</t></is></c>`
    })
    return `<row r="${row + 1}">${shown.join('')}</row>`
  })
  const sheet = `${HEAD}<worksheet xmlns="${MAIN}"><sheetData>${rows.join('')}</sheetData></worksheet>`
  return zipOf([...FRAME, ['xl/worksheets/sheet1.xml', sheet]])
}

/** The first sheet of a workbook, from the first row on that has a cell. Attacker-controlled: `bytes`, whole. Throws ZipMalformed, WorkbookMalformed. */
export function tableOfXlsx(bytes: Buffer): Table {
  const files = new ZipReader(bytes, UNPACKED_MAX)
  const sheet = firstSheet(files)
  const strings = files.text('xl/sharedStrings.xml')
  return rowsIn(sheet, strings === undefined ? [] : sharedStrings(strings))
}

function firstSheet(files: ZipReader): string {
  let id: string | undefined
  read(fileIn(files, 'xl/workbook.xml'), ({ attributes, name }) => {
    if (local(name) === 'sheet') id ??= attributes['r:id']
  })
  let target: string | undefined
  read(fileIn(files, 'xl/_rels/workbook.xml.rels'), ({ attributes, name }) => {
    if (local(name) === 'Relationship' && attributes.Id === id) target = attributes.Target
  })
  if (id === undefined || target === undefined) throw malformed('it has no sheet')
  return fileIn(files, target.startsWith('/') ? target.slice(1) : `xl/${target}`)
}

function fileIn(files: ZipReader, name: string): string {
  const text = files.text(name)
  if (text === undefined) throw malformed(`${name.slice(0, 100)} is not in it`)
  return text
}

function sharedStrings(xml: string): string[] {
  const strings: string[] = []
  let isText = false
  let phonetic = 0
  read(
    xml,
    ({ name }) => {
      if (local(name) === 'si') {
        if (strings.length >= CELLS_MAX)
          throw malformed(`it has more than ${CELLS_MAX} texts`, { name: 'texts', max: CELLS_MAX })
        strings.push('')
      }
      if (local(name) === 'rPh') phonetic++
      isText = local(name) === 't' && phonetic === 0
    },
    (name) => {
      if (name === 'rPh') phonetic--
      if (name === 't') isText = false
    },
    (text) => {
      if (isText && strings.length > 0) strings[strings.length - 1] += text
    },
  )
  return strings.map(unescaped)
}

type Cells = (string | null)[]

function rowsIn(xml: string, strings: readonly string[]): Table {
  const sheet = new SheetRows(strings)
  read(
    xml,
    (tag) => sheet.opened(local(tag.name), tag.attributes),
    (name) => sheet.closed(name),
    (text) => sheet.text(text),
  )
  return sheet.table
}

/** Takes the elements of a sheet as they come. What is empty need not be written in it: rows, cells, and the end of a row. */
class SheetRows {
  readonly #strings: readonly string[]
  readonly #rows: Cells[] = []
  /** The one that is open, and its number, from 1. */
  #row: Cells = []
  #number = 0
  /** Rows without a cell before it that are not in `#rows` yet. */
  #empty = 0
  /** Undefined: none is open. */
  #cell: { readonly type: string; readonly column: number; text: string | undefined } | undefined
  /** Whether what comes is what the cell says. */
  #isContent = false
  #cells = 0

  /** `strings`: which cells name by their places. */
  constructor(strings: readonly string[]) {
    this.#strings = strings
  }

  opened(name: string, attributes: SaxesTagPlain['attributes']): void {
    switch (name) {
      case 'row': {
        const number = rowIn(attributes.r, this.#number + 1)
        this.#empty += number - this.#number - 1
        this.#number = number
        this.#row = []
        break
      }
      case 'c':
        if (++this.#cells > CELLS_MAX) throw tooMany()
        this.#cell = {
          type: attributes.t ?? 'n',
          column: columnIn(attributes.r, this.#row.length),
          text: undefined,
        }
        break
      case 'f':
        throw malformed(`${this.#cell === undefined ? 'a cell' : this.#name} has a formula: write what it comes to`)
      case 'v':
      case 't':
        this.#isContent = this.#cell !== undefined
        if (this.#cell !== undefined) this.#cell.text ??= ''
    }
  }

  text(text: string): void {
    if (this.#isContent && this.#cell !== undefined) this.#cell.text += text
  }

  closed(name: string): void {
    if (name === 'v' || name === 't') this.#isContent = false
    if (name === 'c') this.#endCell()
    if (name === 'row') this.#endRow()
  }

  #endCell(): void {
    if (this.#cell === undefined) return
    const { column, text, type } = this.#cell
    while (this.#row.length < column) this.#row.push(null)
    this.#row[column] = text === undefined ? null : cellOf(type, text, this.#strings, this.#name)
    this.#cell = undefined
  }

  /** Of the cell that is open, as spreadsheets name it: `B3`. */
  get #name(): string {
    return nameOf(this.#cell?.column ?? 0, this.#number)
  }

  #endRow(): void {
    if (this.#row.every((cell) => cell === null)) {
      this.#empty++
      return
    }
    if (this.#rows.length > 0) this.#addEmpty()
    this.#empty = 0
    this.#rows.push(this.#row)
  }

  #addEmpty(): void {
    if (this.#rows.length + this.#empty > CELLS_MAX) throw tooMany()
    for (; this.#empty > 0; this.#empty--) this.#rows.push([])
  }

  /** From the first row on that has a cell, all as long as that one at least. */
  get table(): Table {
    const [head] = this.#rows
    if (head === undefined) return []
    // Of those at the end nobody sees any.
    const room = Math.max(0, Math.floor(CELLS_MAX / head.length) - this.#rows.length)
    this.#empty = Math.min(this.#empty, room)
    this.#addEmpty()
    if (this.#rows.length * head.length > CELLS_MAX) throw tooMany()
    return this.#rows.map((row) => [...row, ...Array(Math.max(0, head.length - row.length)).fill(null)])
  }
}

function tooMany(): WorkbookMalformed {
  return malformed(`it has more than ${CELLS_MAX} cells`, { name: 'cells', max: CELLS_MAX })
}

/** `name`: its own, for whoever is to mend it. */
function cellOf(type: string, text: string, strings: readonly string[], name: string): string {
  switch (type) {
    case 's': {
      const string = strings[Number(text)]
      if (string === undefined) throw malformed(`${name} names a text that is not there`)
      return string
    }
    case 'b':
      return text === '1' ? 'true' : 'false'
    case 'e':
      throw malformed(`${name} is an error`)
    case 'inlineStr':
    case 'str':
      return unescaped(text)
    case 'n':
      return numberText(text)
    default:
      return text
  }
}

function nameOf(column: number, row: number): string {
  return `${columnName(column)}${row}`
}

/** As many digits as a person types, and as spreadsheets show. */
const DIGITS_TYPED = 15
/** As many as it takes to write any double. */
const DIGITS_OF_DOUBLE = 17

/**
 * A number is a double there (ECMA-376 part 1, 18.18.11), and Excel writes what was typed as 1.1 with all digits of that:
 * 1.1000000000000001. It is what was typed that is meant. What has a fraction of other digits stays as it is written.
 */
function numberText(text: string): string {
  const written = decimalDigits(text)
  if (written === undefined) return text
  const digits = significantIn(written)
  if (!written.includes('.') || digits <= DIGITS_TYPED || digits > DIGITS_OF_DOUBLE) return written
  const typed = decimalDigits(String(Number(text)))
  return typed !== undefined && significantIn(typed) <= DIGITS_TYPED ? typed : written
}

function significantIn(digits: string): number {
  return digits.replace(/[-.]/g, '').replace(/^0+/, '').length
}

function columnName(column: number): string {
  const last = String.fromCharCode(65 + (column % 26))
  return column < 26 ? last : columnName(Math.floor(column / 26) - 1) + last
}

/** `reference`: `3`; left out: the next one. */
function rowIn(reference: string | undefined, next: number): number {
  if (reference === undefined) return next
  if (!/^[1-9]\d{0,6}$/.test(reference)) throw malformed('a row stands nowhere')
  if (Number(reference) < next) throw malformed('its rows are in no order')
  return Number(reference)
}

/** `reference`: `B3`; left out: the next one. */
function columnIn(reference: string | undefined, next: number): number {
  if (reference === undefined) return next
  const letters = /^([A-Z]{1,3})[1-9]\d{0,6}$/.exec(reference)?.[1]
  if (letters === undefined) throw malformed('a cell stands nowhere')
  const column = [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1
  if (column < next) throw malformed('the cells of a row are in no order')
  if (column >= COLUMNS_MAX)
    throw malformed(`it has more than ${COLUMNS_MAX} columns`, { name: 'columns', max: COLUMNS_MAX })
  return column
}

/** Elements as they come; no document type, so no entities but those of XML itself. */
function read(
  xml: string,
  opened: (tag: SaxesTagPlain) => void,
  closed: (name: string) => void = () => {},
  text: (text: string) => void = () => {},
): void {
  const parser = new SaxesParser()
  parser.on('error', ({ message }) => {
    throw malformed(`its XML is not well-formed: ${message.slice(0, 200)}`)
  })
  parser.on('doctype', () => {
    throw malformed('its XML has a document type')
  })
  parser.on('opentag', opened)
  parser.on('closetag', ({ name }) => closed(local(name)))
  parser.on('text', text)
  parser.on('cdata', text)
  parser.write(xml).close()
}

/** Whatever its namespace is called. */
function local(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

// ECMA-376 part 1, 22.9.2.19: a sign that XML does not have is written by its number, and what looks like that too.
const UNWRITABLE = /[^\t\n\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]|_(?=x[0-9A-Fa-f]{4}_)/gu
const WRITTEN = /_x([0-9A-Fa-f]{4})_/g

function xmlText(text: string): string {
  return text
    .replace(UNWRITABLE, (sign) => `_x${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`)
    .replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] as string)
}

function unescaped(text: string): string {
  return text.replace(WRITTEN, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

function malformed(what: string, limit?: ExceededLimit): WorkbookMalformed {
  const evidence = limit === undefined ? {} : { limit }
  return new WorkbookMalformed('body_malformed', `it is no spreadsheet that is read here: ${what}`, evidence)
}
