import { childNamed, type Element } from '../../aggregates/contract/document/element.ts'
import { nfc } from '../../aggregates/names/normal-form.ts'
import type { How } from './writing.ts'
import { isObject } from './written-value.ts'

/**
 * What a write compares with what stands: the fields that it names, and lists whole whose entries it replaces. Of a large document the
 * values of no others have to be in memory for it.
 */
export function concernedBy(element: Element, json: unknown, how: How): Element[] {
  if (element.kind === 'list') return how === 'post' ? [] : [element]
  if (element.kind === 'field') return [element]
  if (!isObject(json)) return []
  return Object.entries(json).flatMap(([name, value]) => {
    const child = childNamed(element, nfc(name))
    return child === undefined ? [] : concernedBy(child, value, how)
  })
}
