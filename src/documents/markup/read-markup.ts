import { childNamed, type Element } from '../../aggregates/contract/document/element.ts'
import { builtInOf, type Types } from '../../aggregates/contract/document/types.ts'
import { nfc } from '../../aggregates/names/normal-form.ts'
import { valueFromText } from '../field-text.ts'
import { WriteUnfit } from '../writing/written-value.ts'
import { ITEM, type Markup } from './markup.ts'
import { rootName } from './write-xml.ts'

/** Types that a new field can be given by their names alone. */
const plainTypes = [
  'text',
  'integer',
  'decimal',
  'money',
  'date',
  'date-time',
  'duration',
  'boolean',
  'party',
  'contract',
] as const

/**
 * What is written to an element, as JSON has it. `adds`: by POST, which takes an entry for a list. Throws WriteUnfit,
 * ValueUnreadable.
 */
export function jsonOfMarkup(element: Element, markup: Markup, adds: boolean, types: Types): unknown {
  const entry = adds && element.kind === 'list' ? element.prototype : undefined
  requireNamed(markup, entry === undefined ? rootName(element) : ITEM)
  return writtenTo(entry ?? element, markup, types)
}

/** What is written where nothing stands yet, under that name. Throws as `jsonOfMarkup`. */
export function jsonOfAddedMarkup(name: string, markup: Markup, types: Types): unknown {
  requireNamed(markup, name)
  return addedValue(markup, types)
}

function requireNamed(markup: Markup, name: string): void {
  if (nfc(markup.name) === name) return
  const message = `the outermost element is ${markup.name}, and is to be ${name}`
  throw new WriteUnfit('write_unfit', message, { expected: name })
}

/** `element` undefined: one that is added. */
function writtenTo(element: Element | undefined, markup: Markup, types: Types): unknown {
  if (element === undefined) return addedValue(markup, types)
  const { children, name, text, type } = markup
  if (type !== undefined) {
    throw new WriteUnfit('write_unfit', `${name} stands here already, and has its type`, { name })
  }
  if (element.kind === 'field') {
    if (children.length > 0)
      throw new WriteUnfit('write_unfit', `${name} is a field and takes a value, no elements`, { name })
    return fieldValue(markup, (written) => valueFromText(builtInOf(element.field, types), written))
  }
  if (markup.isNil) return null
  if (markup.json !== undefined || !/^[ \t\n\r]*$/.test(text)) {
    throw new WriteUnfit('write_unfit', `${name} is a ${element.kind} and takes elements, no text`, { name })
  }
  if (element.kind === 'list') {
    return children.map((child) => {
      if (child.name !== ITEM)
        throw new WriteUnfit('write_unfit', `a list has <${ITEM}> for each entry`, { name: child.name, expected: ITEM })
      return writtenTo(element.prototype, child, types)
    })
  }
  return membersOf(children, (child) => writtenTo(childNamed(element, nfc(child.name)), child, types))
}

function fieldValue({ isNil, json, text }: Markup, read: (text: string) => unknown): unknown {
  if (isNil) return null
  return json === undefined ? read(text) : json.value
}

/** A field, whose type is text unless it says another, or a block. */
function addedValue(markup: Markup, types: Types): unknown {
  const { children, name, type: said } = markup
  if (children.length > 0) {
    if (said !== undefined)
      throw new WriteUnfit('write_unfit', `${name} has elements in it, so it is a block, and has no type`, { name })
    return membersOf(children, (child) => writtenTo(undefined, child, types))
  }
  if (said === undefined) return fieldValue(markup, (text) => text)
  const type = plainTypes.find((one) => one === said)
  if (type === undefined) {
    const message = `a field of the type ${said} is added by JSON, which says more of it`
    throw new WriteUnfit('write_unfit', message, { name, options: plainTypes })
  }
  return { $field: { type }, $value: fieldValue(markup, (text) => valueFromText({ type }, text)) }
}

function membersOf(children: readonly Markup[], read: (child: Markup) => unknown): Record<string, unknown> {
  const members = new Map<string, unknown>()
  for (const child of children) {
    const name = nfc(child.name)
    if (members.has(name)) throw new WriteUnfit('write_unfit', `${name} stands there twice`, { name })
    members.set(name, read(child))
  }
  return Object.fromEntries(members)
}
