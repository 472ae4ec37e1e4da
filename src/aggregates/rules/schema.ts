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

/** Where a rule for each entry of a list of fields stands names are looked up in the block that the list is in. */
export function namesOf(block: ElementId, schema: Schema): ElementId {
  return schema.element(block)?.kind === 'block' ? block : (outerOf(block, schema) ?? block)
}

/** The block that a block, or an entry, stands in: of an entry, the one that its list does. Undefined: of the root. */
export function outerOf(id: ElementId, schema: Schema): ElementId | undefined {
  if (!id.includes('.')) return undefined
  const parent = parentOf(id)
  return schema.element(parent)?.kind === 'list' ? parentOf(parent) : parent
}

/**
 * The innermost entry in which both an element and a rule stand, by its prototype: from there the rule reads the element in its own
 * entry (decision 0147). Undefined: in none. `lists`: on the way to where the rule stands.
 */
export function sharedEntry(id: ElementId, lists: readonly ElementId[]): ElementId | undefined {
  return lists.map((list) => `${list}.0` as ElementId).findLast((entry) => isWithin(id, entry))
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
