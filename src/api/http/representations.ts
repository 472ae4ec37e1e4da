import type { Element } from '../../aggregates/contract/document/element.ts'
import { textOf } from '../../documents/field-text.ts'
import { isSealed } from '../../documents/sealed-value.ts'
import { entityTag } from './entity-tag.ts'

/** The tags of all in which an element is shown; of a field without a value none, so that `If-None-Match: *` writes the first one. */
export function tagsOf({ kind }: Element, value: unknown): string[] {
  if (kind !== 'field') return [entityTag('application/json', JSON.stringify(value))]
  if (value === null) return []
  const json = entityTag('application/json', JSON.stringify(value))
  return isSealed(value) ? [json] : [json, entityTag('text/plain; charset=utf-8', textOf(value))]
}
