import { childrenOf, type Element } from '../../aggregates/contract/document/element.ts'
import { isAttachment } from '../../events/attachments/attachment.ts'
import { ROOT } from '../../events/ids.ts'
import { textOf } from '../field-text.ts'
import { isSealed } from '../sealed-value.ts'
import { ELEMENT, ITEM, NIL_NAMESPACE, RECORD } from './markup.ts'

const NAME_START =
  'A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}-\\u{200D}\\u{2070}-\\u{218F}\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}'
/** XML 1.0 (5th edition) §2.3, without the colon; what begins with `xml` is reserved. */
const NAME = new RegExp(
  `^(?![Xx][Mm][Ll])[${NAME_START}][-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}-\\u{2040}${NAME_START}]*$`,
  'u',
)
/** XML 1.0 §2.2: what no document has, escaped or not. */
const UNWRITABLE = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu

/** An element and all below it. `value`: as `AgreedView.valueOf` has it. */
export function xmlOf(element: Element, value: unknown): string {
  const parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
  write(element, value, rootName(element), ` xmlns:xsi="${NIL_NAMESPACE}"`, parts)
  return parts.join('')
}

/** What the element that an XML text has outermost is called. */
export function rootName({ id, instance, name }: Pick<Element, 'id' | 'instance' | 'name'>): string {
  if (id === ROOT) return RECORD
  return instance !== undefined && /^[1-9]\d*$/.test(name) ? ITEM : name
}

function write(element: Element, value: unknown, name: string, more: string, parts: string[]): void {
  const tag = NAME.test(name) ? name : ELEMENT
  const start = tag === name ? `<${tag}${more}` : `<${tag} name="${escaped(name)}"${more}`
  if (element.kind === 'field') {
    parts.push(start, contentOf(value), `</${tag}>`)
    return
  }
  parts.push(start, '>')
  const members = value as Readonly<Record<string, unknown>> & readonly unknown[]
  let place = 0
  for (const child of childrenOf(element)) {
    if (element.kind === 'list') write(child, members[place++], ITEM, '', parts)
    else write(child, members[child.name], child.name, '', parts)
  }
  parts.push(`</${tag}>`)
}

/** The rest of the start tag, and what stands behind it. */
function contentOf(value: unknown): string {
  if (value === null) return ' xsi:nil="true">'
  if (isSealed(value) || isAttachment(value)) return ` encoding="json">${escaped(jsonOf(value))}`
  const text = textOf(value)
  if (text.search(UNWRITABLE) !== -1) return ` encoding="json">${escaped(jsonOf(text))}`
  return `>${escaped(text)}`
}

/** JSON has an escape for each. */
function jsonOf(value: unknown): string {
  return JSON.stringify(value).replace(UNWRITABLE, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}

/** A carriage return that is not escaped would be read as a line feed. */
function escaped(text: string): string {
  return text.replace(/[&<>"\r]/g, (sign) => entities[sign] as string)
}
