/** What an element's name has to be put in back-quotes for, and a variable cannot be called. */
const KEYWORDS = [
  ...['null', 'true', 'false', 'and', 'or', 'not', 'in', 'between', 'if', 'then', 'else', 'for', 'return', 'some'],
  ...['every', 'satisfies', 'instance', 'of', 'function', 'external', 'date', 'time', 'duration', 'years', 'months'],
  ...['list', 'context', 'range', 'item', 'here', 'outer', 'partial', 'get', 'entries', 'value', 'string', 'number'],
]
const RESERVED = new Set(KEYWORDS)
const PLAIN = /^[A-Za-z][A-Za-z0-9_]*$/

/** The document. */
export const ROOT_WORD = '_'
/** The block that the rule stands in: what a bare name is looked up in. Of a list of fields, the entry. */
export const HERE_WORD = 'here'
/** The block around that one: of an entry, the one that its list stands in. */
export const OUTER_WORD = 'outer'
/** Inside a filter: the item that is looked at. Outside, in a rule of a list of fields: the entry. */
export const ITEM_WORD = 'item'

/** Whether a name reads as itself, with no back-quotes, wherever it stands. */
export function isPlain(name: string): boolean {
  return PLAIN.test(name) && !RESERVED.has(name)
}

export function quoted(name: string): string {
  return isPlain(name) ? name : `\`${name}\``
}
