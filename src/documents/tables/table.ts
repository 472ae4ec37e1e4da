import {
  childNamed,
  childrenOf,
  type Element,
  type Field,
  type List,
} from '../../aggregates/contract/document/element.ts'
import { builtInOf, type Types } from '../../aggregates/contract/document/types.ts'
import { nfc } from '../../aggregates/names/normal-form.ts'
import { isAttachment } from '../../events/attachments/attachment.ts'
import { textOf, valueFromText } from '../field-text.ts'
import { parsePath, pathTo } from '../path.ts'
import { isSealed } from '../sealed-value.ts'
import { WriteUnfit } from '../writing/written-value.ts'
import { type Cell, inCell } from './cell.ts'

/** Rows of cells, the first of them the names of the columns. What has no value is null; an empty text is not. */
export type Table = readonly (readonly (string | null)[])[]

/** Of a list of fields. */
const VALUE = 'value'
const PATH = 'path'

/**
 * A list as a table: a row for each entry, a column for each field of an entry, named by the way to it. A list in an entry is a cell
 * with its JSON. Anything else: a row for each field, with its path.
 */
export function tableOf(element: Element, value: unknown): Table {
  if (element.kind !== 'list') return [[PATH, VALUE], ...fieldsOf(element, value, [])]
  const columns = columnsOf(element)
  const rows = (value as readonly unknown[]).map((entry) =>
    columns.map(({ names }) => textIn(names.reduce<unknown>((at, name) => (at as Members)[name], entry))),
  )
  return [columns.map(({ names }) => headOf(names)), ...rows]
}

type Members = Readonly<Record<string, unknown>>

interface Column {
  readonly names: readonly string[]
  readonly element: Field | List
}

function headOf(names: readonly string[]): string {
  return names.length === 0 ? VALUE : pathTo(names)
}

function columnsOf({ prototype }: List): Column[] {
  const columns: Column[] = []
  const walk = (element: Element, names: readonly string[]) => {
    if (element.kind !== 'block') columns.push({ names, element })
    else for (const child of childrenOf(element)) walk(child, [...names, child.name])
  }
  walk(prototype, [])
  return columns
}

function* fieldsOf(element: Element, value: unknown, names: readonly string[]): Generator<(string | null)[]> {
  if (element.kind === 'field') {
    yield [pathTo(names), textIn(value)]
    return
  }
  let place = 0
  for (const child of childrenOf(element)) {
    const below = element.kind === 'list' ? (value as readonly unknown[])[place++] : (value as Members)[child.name]
    yield* fieldsOf(child, below, [...names, child.name])
  }
}

const SEALED = '{"$sealed"'
/** A text that looks like a sealed value has an apostrophe before it, and one more where there are some already. */
const LIKE_SEALED = /^'*(?=\{"\$sealed")/

function textIn(value: unknown): string | null {
  if (value === null) return null
  if (Array.isArray(value) || isSealed(value) || isAttachment(value)) return JSON.stringify(value)
  return textOf(value).replace(LIKE_SEALED, "$&'")
}

/** What a table says is to stand at an element (decision 0136). `parse`: what a JSON text says. */
export interface TableReading {
  readonly types: Types
  readonly parse: (text: string) => unknown
}

/**
 * The entries that a table of a list says. Rows at its end that are empty are no more entries than the `standing` ones: spreadsheets have
 * some there that nobody sees. Throws WriteUnfit, ValueUnreadable.
 */
export function entriesIn(list: List, [head = [], ...rows]: Table, standing: number, reading: TableReading): unknown[] {
  const known = new Map(columnsOf(list).map((column) => [headOf(column.names), column]))
  const columns = head.map((name) => {
    const column = known.get(escapedHead(name ?? ''))
    if (column !== undefined) return column
    const message = `the entries of ${list.name} have no ${name ?? 'column without a name'}`
    throw new WriteUnfit('write_unfit', message, { options: [...known.keys()] })
  })
  // Nothing at all is no table, and does not say that a list is to have no entries.
  if (columns.length === 0)
    throw new WriteUnfit('write_unfit', 'the first row of a table names its columns', { options: [...known.keys()] })
  if (new Set(columns).size < columns.length) throw new WriteUnfit('write_unfit', 'two columns have one name')
  const said = rows.findLastIndex((cells) => cells.some((cell) => cell !== null)) + 1
  return rows.slice(0, Math.max(said, standing)).map((cells, place) => {
    const row = place + 2
    if (cells.length !== columns.length) throw uneven({ row }, cells.length, columns.length)
    const entry: Entry = {}
    for (const [at, { element, names }] of columns.entries()) {
      const value = valueIn(element, cells[at] as string | null, { row, column: headOf(names) }, reading)
      if (names.length === 0) return value
      set(entry, names, value)
    }
    return entry
  })
}

type Entry = { [name: string]: unknown }

function set(entry: Entry, names: readonly string[], value: unknown): void {
  let at = entry
  for (const name of names.slice(0, -1)) {
    if (!Object.hasOwn(at, name)) define(at, name, {})
    at = at[name] as Entry
  }
  define(at, names.at(-1) as string, value)
}

/** Whatever it is called. */
function define(entry: Entry, name: string, value: unknown): void {
  Object.defineProperty(entry, name, { value, enumerable: true, configurable: true, writable: true })
}

/** The fields, with their values, that a table of a document says: of each row one, or none. Throws WriteUnfit, ValueUnreadable, PathMalformed. */
export function fieldsIn(
  element: Element,
  [head = [], ...rows]: Table,
  reading: TableReading,
): ({ readonly field: Field; readonly value: unknown } | undefined)[] {
  if (head.length !== 2 || head[0] !== PATH || head[1] !== VALUE) {
    const expected = `${PATH},${VALUE}`
    throw new WriteUnfit('write_unfit', `the columns of a document are ${expected}`, { expected })
  }
  const seen = new Set<string>()
  return rows.map((cells, place) => {
    const cell = { row: place + 2 }
    if (cells.length !== 2) throw uneven(cell, cells.length, 2)
    if (cells.every((one) => one === null)) return undefined
    const path = cells[0] ?? ''
    const names = inCell({ ...cell, column: PATH }, () => parsePath(`/${path}`))
    const field = names.reduce<Element | undefined>((at, name) => at && childNamed(at, name), element)
    const unfit = (message: string) => new WriteUnfit('write_unfit', message, { cell, name: path })
    if (field?.kind !== 'field') throw unfit(`there is no field ${path} here`)
    if (seen.has(field.id)) throw unfit(`${path} stands there twice`)
    seen.add(field.id)
    return { field, value: valueIn(field, cells[1] ?? null, { ...cell, column: VALUE }, reading) }
  })
}

function valueIn(element: Field | List, text: string | null, cell: Cell, { parse, types }: TableReading): unknown {
  if (text === null) return element.kind === 'list' ? [] : null
  return inCell(cell, () => {
    if (element.kind === 'list' || text.startsWith(SEALED)) return parse(text)
    const type = builtInOf(element.field, types)
    if (type.type === 'attachment') return parse(text)
    return valueFromText(type, LIKE_SEALED.test(text) ? text.slice(1) : text)
  })
}

/** What needs no escape may have none, as in every path. */
function escapedHead(head: string): string {
  try {
    return pathTo(parsePath(`/${head}`))
  } catch {
    return nfc(head)
  }
}

function uneven(cell: Cell, has: number, wanted: number): WriteUnfit {
  return new WriteUnfit('write_unfit', `row ${cell.row} has ${has} cells, and the head ${wanted}`, { cell })
}
