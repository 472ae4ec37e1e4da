import { depthOf, type ElementId, ordinalsOf, ROOT } from '../../../events/ids.ts'
import type { Schema, SchemaElement } from '../../rules/schema.ts'
import { ruleTypeOf } from '../../rules/values/field-values.ts'
import { childAt, childNamed, childrenOf, type Element, entriesOf } from '../document/element.ts'
import { builtInOf } from '../document/types.ts'
import { type ContractState, find } from '../state.ts'

const schemas = new WeakMap<
  ContractState['document'],
  { readonly types: ContractState['types']; readonly schema: Schema }
>()

/** The structure of a document, as the language of the rules sees it: of a list its prototype. The same one as long as the document is. */
export function schemaOf(state: ContractState): Schema {
  const known = schemas.get(state.document)
  if (known?.types === state.types) return known.schema
  const schema = schemaFor(state)
  schemas.set(state.document, { schema, types: state.types })
  return schema
}

function schemaFor(state: ContractState): Schema {
  // A path asks for all elements on its way, and every rule for the same few.
  const seen = new Map<ElementId, SchemaElement>()
  const named = new Map<ElementId, Map<string, ElementId>>()
  return {
    element: (id) => {
      const known = seen.get(id)
      if (known !== undefined) return known
      const element = find(state, id)
      if (element === undefined) return undefined
      const found = schemaElement(element, state)
      seen.set(id, found)
      return found
    },
    child: (block, name) => {
      const known = named.get(block)?.get(name)
      if (known !== undefined) return known
      const element = find(state, block)
      const child = element?.kind === 'block' ? childNamed(element, name)?.id : undefined
      if (child !== undefined) named.set(block, (named.get(block) ?? new Map()).set(name, child))
      return child
    },
    children: function* (block) {
      const element = find(state, block)
      if (element?.kind === 'block') for (const { id } of childrenOf(element)) yield id
    },
  }
}

function schemaElement(element: Element, { types }: ContractState): SchemaElement {
  const { kind, name } = element
  switch (kind) {
    case 'block':
      return { kind, name }
    case 'field':
      return { kind, name, type: ruleTypeOf(builtInOf(element.field, types)) }
    case 'list': {
      const { entriesMax, keyed, prototype } = element
      const key = keyed ? { key: `${prototype.id}.0` as ElementId } : {}
      return { kind, name, entry: prototype.id, entriesMax, ...key }
    }
  }
}

/** The element of the schema that an element is one of: the same, but for what stands in entries, which is as in the prototype. */
export function schemaIdOf(state: ContractState, id: ElementId): ElementId {
  let at: Element | undefined = state.document
  let schemaId: string = ROOT
  for (const ordinal of ordinalsOf(id)) {
    // By the prototype, so that it is the same for an entry that is not there yet.
    const isEntry: boolean = at?.kind === 'list'
    schemaId += isEntry ? '.0' : `.${ordinal}`
    at = at?.kind === 'list' ? at.prototype : at && childAt(at, ordinal)
  }
  return schemaId as ElementId
}

/** `under`: only those below one element, which `of` stands for. */
interface Part {
  readonly under: ElementId
  readonly of: ElementId
}
const WHOLE: Part = { under: ROOT, of: ROOT }

/** All elements of a document that an element of the schema stands for, in their order: one, or one of each entry. */
export function instancesOf(state: ContractState, schemaId: ElementId, part: Part = WHOLE): ElementId[] {
  return [...eachInstanceOf(state, schemaId, part)]
}

/** The same one after another, for who does not need all entries of a list. */
export function* eachInstanceOf(
  state: ContractState,
  schemaId: ElementId,
  { under, of }: Part = WHOLE,
): Generator<ElementId> {
  const from = find(state, under)
  if (from !== undefined) yield* instancesFrom(from, ordinalsOf(schemaId), depthOf(of))
}

function* instancesFrom(from: Element, ordinals: readonly number[], depth: number): Generator<ElementId> {
  let element = from
  for (let place = depth; place < ordinals.length; place++) {
    const ordinal = ordinals[place] as number
    if (element.kind === 'list' && ordinal === 0) {
      for (const entry of entriesOf(element)) yield* instancesFrom(entry, ordinals, place + 1)
      return
    }
    const child = childAt(element, ordinal)
    if (child === undefined) return
    element = child
  }
  yield element.id
}
