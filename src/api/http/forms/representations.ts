import type { Element } from '../../../aggregates/contract/document/element.ts'
import { textOf } from '../../../documents/field-text.ts'
import { xmlOf } from '../../../documents/markup/write-xml.ts'
import { isSealed } from '../../../documents/sealed-value.ts'
import { csvOfTable } from '../../../documents/tables/csv-table.ts'
import { tableOf } from '../../../documents/tables/table.ts'
import { xlsxOfTable } from '../../../documents/tables/xlsx.ts'
import { entityTag } from '../entity-tag.ts'
import { mediaTypes } from './accept.ts'

/** The tags of all in which an element is shown; of a field without a value none, so that `If-None-Match: *` writes the first one. */
export function tagsOf(element: Element, value: unknown): string[] {
  const isField = element.kind === 'field'
  if (isField && value === null) return []
  const tags = [entityTag(mediaTypes.json, JSON.stringify(value)), entityTag(mediaTypes.xml, xmlOf(element, value))]
  if (isField) return isSealed(value) ? tags : [...tags, entityTag(mediaTypes.text, textOf(value))]
  const table = tableOf(element, value)
  return [...tags, entityTag(mediaTypes.csv, csvOfTable(table)), entityTag(mediaTypes.xlsx, xlsxOfTable(table))]
}
