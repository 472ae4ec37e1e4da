/** An element of XML, as far as it says what is written. */
export interface Markup {
  /** Of the element of the document; of an entry of a list `item`. */
  readonly name: string
  /** In one with elements there is no text. */
  readonly children: readonly Markup[]
  readonly text: string
  /** `xsi:nil="true"`: no value. */
  readonly isNil: boolean
  /** `type`: of a field that is added. */
  readonly type?: string
  /** `encoding="json"`: what the text says as JSON. */
  readonly json?: { readonly value: unknown }
}

/** What the record is called, which has no name, and an entry of a list, whose name is its number. */
export const RECORD = 'record'
export const ITEM = 'item'
/** What carries the name of an element, in the attribute `name`, that XML cannot have as a name. */
export const ELEMENT = 'element'

export const NIL_NAMESPACE = 'http://www.w3.org/2001/XMLSchema-instance'
