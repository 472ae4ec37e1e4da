import type { ElementSchema } from '../../documents/elements/element-schema.ts'
import type { BuiltInType } from '../../events/field-type.ts'

const types: Readonly<Record<BuiltInType['type'], { readonly text: string; readonly say?: string }>> = {
  text: { text: 'string' },
  integer: { text: 'Integer' },
  decimal: { text: 'Decimal' },
  money: { text: 'Money' },
  date: { text: 'string', say: 'date: 2027-01-31' },
  'date-time': { text: 'string', say: 'date-time: 2027-01-31T12:00:00Z' },
  duration: { text: 'string', say: 'duration: P1Y6M, or P10DT12H' },
  boolean: { text: 'boolean' },
  choice: { text: 'string' },
  party: { text: 'string', say: 'party: its handle' },
  contract: { text: 'Reference' },
  attachment: { text: 'Attachment' },
}
const imported = ['Attachment', 'Decimal', 'Integer', 'Money', 'Reference', 'Sealed']

/** No type can be named so: words of the language, in modules, and its own types. */
const TAKEN = new Set(
  `any await bigint boolean break case catch class const continue debugger default delete do else enum export extends false finally for
  function if implements import in instanceof interface let never new null number object package private protected public return static
  string super switch symbol this throw true try typeof undefined unknown var void while with yield`.split(/\s+/),
)

/**
 * A TypeScript module with the type of a document, for `node.contract<Name>(uid)`. Attacker-controlled: the names in the document.
 * They come to stand between quotes only, escaped.
 */
export function typeText(root: ElementSchema, name: string): string {
  const body = typeOf(root, '')
  const used = imported.filter((one) => new RegExp(`\\b${one}\\b`).test(withoutStrings(body)))
  const imports = used.length === 0 ? '' : `import type { ${used.join(', ')} } from 'concordata'\n\n`
  return `${imports}export interface ${name} ${body}\n`
}

/** An identifier that a title suggests. */
export function typeNameFor(title: string): string {
  const words = title.match(/[A-Za-z0-9]+/g) ?? []
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  return /^[A-Za-z]/.test(name) && canBeNamed(name) ? name : `Contract${name}`
}

/** Whether a document's type can be named so, beside those that its fields may have. */
export function canBeNamed(name: string): boolean {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) && !imported.includes(name) && !TAKEN.has(name)
}

function typeOf(element: ElementSchema, indent: string): string {
  switch (element.kind) {
    case 'block':
      return blockType(element.children, indent)
    case 'list':
      return `readonly ${entryType(element.entry, indent)}[]`
    case 'field': {
      const sealed = element.audience === undefined ? '' : ' | Sealed'
      return `${valueType(element.type)} | null${sealed}`
    }
  }
}

function entryType(entry: ElementSchema, indent: string): string {
  const text = typeOf(entry, indent)
  return entry.kind === 'block' ? text : `(${text})`
}

function blockType(children: readonly ElementSchema[], indent: string): string {
  if (children.length === 0) return '{}'
  const inner = `${indent}  `
  const members = children.flatMap((child) => {
    const say = child.kind === 'field' ? types[child.type.type].say : undefined
    const comment = say === undefined ? [] : [`${inner}/** ${say} */`]
    return [...comment, `${inner}readonly ${memberName(child.name)}: ${typeOf(child, inner)}`]
  })
  return `{\n${members.join('\n')}\n${indent}}`
}

function valueType(type: BuiltInType): string {
  if (type.type === 'choice') return type.options.map(quoted).join(' | ')
  if (type.type === 'money' && type.currency !== undefined) return `Money<${quoted(type.currency)}>`
  return types[type.type].text
}

function memberName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : quoted(name)
}

function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${inner.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}'`
}

function withoutStrings(text: string): string {
  return text.replace(/'(?:[^'\\]|\\.)*'/g, "''")
}
