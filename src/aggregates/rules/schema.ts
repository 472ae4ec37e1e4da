import type { ElementId } from '../../events/ids.ts'
import type { RuleType } from './types.ts'
import type { Value } from './values/values.ts'

/** One element as the rules see it. A prototype has no name of its own. */
export type SchemaElement =
  | { readonly kind: 'block'; readonly name: string }
  | { readonly kind: 'field'; readonly name: string; readonly type: RuleType }
  | {
      readonly kind: 'list'
      readonly name: string
      /** The prototype: a field or a block. */
      readonly entry: ElementId
      /** Field of the prototype that no two entries share a value of. */
      readonly key?: ElementId
      readonly entriesMax: number
    }

/** The document's structure: what an expression is drafted, checked and printed against. */
export interface Schema {
  element(id: ElementId): SchemaElement | undefined
  /** The child of a block that has this name, exactly. */
  child(block: ElementId, name: string): ElementId | undefined
  /** For suggestions: asked only once something was not found. */
  children(block: ElementId): Iterable<ElementId>
}

/** The document's values, at one index: what an expression is evaluated against. Ids name entries, never prototypes. */
export interface DocumentView {
  /** Null: empty, inactive, erased, or of an audience. */
  value(field: ElementId): Value | null
  /** The active entries, in their order. */
  entries(list: ElementId): readonly ElementId[]
  /** Of the request that is judged (design §5a); null outside of one. */
  requestTime(): Value | null
}

/** Requires an id that is not the root's. */
export function parentOf(id: ElementId): ElementId {
  return id.slice(0, id.lastIndexOf('.')) as ElementId
}

export function isWithin(id: ElementId, block: ElementId): boolean {
  return id === block || id.startsWith(`${block}.`)
}

/** The prototype of a list whose entries are fields: their values are those of the list itself. */
export function entryFieldOf(id: ElementId, schema: Schema): ElementId | undefined {
  const element = schema.element(id)
  if (element?.kind !== 'list' || schema.element(element.entry)?.kind !== 'field') return undefined
  return element.entry
}

/**
 * The lists whose prototype the id goes through, outermost first. Undefined where the schema has no such element.
 */
export function listsOn(id: ElementId, schema: Schema): readonly ElementId[] | undefined {
  const lists: ElementId[] = []
  let above: SchemaElement | undefined
  for (let end = 0; end !== -1; ) {
    end = id.indexOf('.', end + 1)
    const at = (end === -1 ? id : id.slice(0, end)) as ElementId
    const element = schema.element(at)
    if (element === undefined || above?.kind === 'field') return undefined
    if (above?.kind === 'list') {
      if (above.entry !== at) return undefined
      lists.push(parentOf(at))
    }
    above = element
  }
  return lists
}
