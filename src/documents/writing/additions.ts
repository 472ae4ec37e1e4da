import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { childNamed, type List, type StoredElement } from '../../aggregates/contract/document/element.ts'
import { currentTypes, typeLike } from '../../aggregates/contract/document/types.ts'
import { nfc } from '../../aggregates/names/normal-form.ts'
import { type Audience, AudienceSchema } from '../../events/audience.ts'
import type { FieldType } from '../../events/field-type.ts'
import { HandleSchema, ordinalOf, TimeSchema } from '../../events/ids.ts'
import { definitionHash } from '../../events/type-definition.ts'
import { type EntrySaid, inferredList, type ListSaid } from './inferred-list.ts'
import type { RequestDraft } from './request-draft.ts'
import { fitField, fitNewName, isObject, namedIn, typedValue, WriteUnfit } from './written-value.ts'

/** What is added to a document: elements with what stands in them. */
export class Additions {
  readonly #draft: RequestDraft

  constructor(draft: RequestDraft) {
    this.#draft = draft
  }

  /** With what stands in it, as its prototype has it. */
  addEntry({ prototype }: List, list: string, value: unknown): void {
    this.#fillEntry(prototype, this.#draft.push({ type: 'AddEntry', list }), value)
  }

  #fillEntry(prototype: StoredElement, ref: string, value: unknown): void {
    if (prototype.kind === 'field') {
      if (value === null) return
      const audience = this.#draft.audienceAt(prototype.id)
      this.#draft.proposeValue({ field: ref, basis: [] }, prototype.field, value, audience)
    } else if (prototype.kind === 'list') {
      for (const item of arrayFor(prototype, value)) this.addEntry(prototype, ref, item)
    } else {
      if (!isObject(value)) throw new WriteUnfit('write_unfit', 'an entry takes an object: its children by name')
      for (const [name, member] of namedIn(value)) {
        const child = childNamed(prototype, name)
        if (child === undefined) {
          throw new WriteUnfit('write_unfit', `entries have no ${name}; it is added at the prototype, 0`, { name })
        }
        this.#fillEntry(child as StoredElement, `${ref}.${ordinalOf(child.id)}`, member)
      }
    }
  }

  /** `audience`: whom values are for that are written where it is added. */
  #addBlock(parent: string, name: string, members: Record<string, unknown>, audience: Audience | undefined): void {
    const { $block: said, ...children } = members
    const { owner, confidential, until } = blockSaid(said, name)
    const owned = owner === undefined ? {} : { owner }
    const block = this.#draft.push({ type: 'AddBlock', parent, name: fitNewName(name), ...owned })
    let inside = audience
    if (confidential !== undefined) {
      const limit = until === undefined ? {} : { until }
      this.#draft.push({ type: 'SetAudience', element: block, parties: [...confidential], ...limit })
      inside = confidential.filter((party) => audience?.includes(party) !== false)
    }
    for (const [child, value] of namedIn(children)) this.add(block, child, value, inside)
  }

  /** `audience`: whom values are for that are written where it is added. */
  add(parent: string, name: string, value: unknown, audience: Audience | undefined): void {
    if (isObject(value) && '$list' in value) {
      this.#addList(parent, name, value)
      return
    }
    if (Array.isArray(value)) {
      const said = inferredList(name, [value])
      this.#fillAdded({ $list: said }, this.#addList(parent, name, { $list: said }), value, audience)
      return
    }
    const typed = typedValue(value)
    if (typed === undefined) {
      this.#addBlock(parent, name, value as Record<string, unknown>, audience)
      return
    }
    const type = this.#typeMeant(fitField(typed.field))
    const field = this.#draft.push({ type: 'AddField', parent, name: fitNewName(name), field: type })
    if (typed.value === null || typed.value === undefined) return
    this.#draft.proposeValue({ field, basis: [] }, type, typed.value, audience)
  }

  /** `{"entry": …, "entriesMax": n, "key": name}`: an entry is written as what is added is, a block with its children or a field. */
  #addList(parent: string, name: string, { $list: list, ...others }: Record<string, unknown>): string {
    const { entry, entriesMax, key, ...more } = isObject(list) ? list : {}
    const unread = [...Object.keys(others), ...Object.keys(more)]
    if (!isObject(entry) || typeof entriesMax !== 'number' || unread.length > 0) {
      const expected = '{"$list": {"entry": {…}, "entriesMax": n, "key": name}}'
      throw new WriteUnfit('write_unfit', `a list is added as ${expected}`, { name, expected })
    }
    const common = { type: 'AddList', parent, name: fitNewName(name), entriesMax } as const
    if ('$field' in entry) {
      return this.#draft.push({ ...common, entry: this.#typeFor(entry, name) })
    }
    const { [String(key)]: first, ...children } = entry
    const keyField =
      key === undefined ? {} : { key: { name: fitNewName(String(key)), field: this.#typeFor(first, String(key)) } }
    const added = this.#draft.push({ ...common, entry: 'block', ...keyField })
    for (const [child, value] of namedIn(key === undefined ? entry : children))
      this.#addToPrototype(`${added}.0`, child, value)
    return added
  }

  /** What an array says stands in a list that the same request has made of it. */
  #fillAdded(said: EntrySaid, ref: string, value: unknown, audience: Audience | undefined): void {
    if (value === null) return
    if ('$list' in said) {
      const { entry } = said.$list as ListSaid
      for (const item of value as readonly unknown[])
        this.#fillAdded(entry, this.#draft.push({ type: 'AddEntry', list: ref }), item, audience)
    } else if ('$field' in said) {
      const written = typedValue(value)?.value ?? null
      const type = this.#typeMeant(fitField(said.$field as FieldType))
      if (written !== null) this.#draft.proposeValue({ field: ref, basis: [] }, type, written, audience)
    } else {
      const members = Object.keys(said)
      for (const [name, member] of namedIn(value as Record<string, unknown>))
        this.#fillAdded(
          (said as Record<string, EntrySaid>)[name] as EntrySaid,
          `${ref}.${members.indexOf(name)}`,
          member,
          audience,
        )
    }
  }

  /** A prototype says what entries are, and has no values. */
  #addToPrototype(parent: string, name: string, value: unknown): void {
    if (isObject(value) && '$field' in value) {
      this.#draft.push({ type: 'AddField', parent, name: fitNewName(name), field: this.#typeFor(value, name) })
    } else if (isObject(value) && '$list' in value) {
      this.#addList(parent, name, value)
    } else {
      if (!isObject(value))
        throw new WriteUnfit('write_unfit', `${name} is to say a type: {"$field": {"type": …}}`, { name })
      const block = this.#draft.push({ type: 'AddBlock', parent, name: fitNewName(name) })
      for (const [child, member] of namedIn(value)) this.#addToPrototype(block, child, member)
    }
  }

  #typeFor(value: unknown, name: string): FieldType {
    const typed = isObject(value) && '$field' in value ? typedValue(value) : undefined
    if (typed === undefined || typed.value !== null) {
      throw new WriteUnfit('write_unfit', `${name} is to say a type, and no value: {"$field": {"type": …}}`, { name })
    }
    return this.#typeMeant(fitField(typed.field))
  }

  /** A custom type may be named: then it is the definition that the name stands for now. */
  #typeMeant(type: FieldType | { readonly type: 'custom'; readonly name: unknown; readonly hint?: string }): FieldType {
    if (type.type !== 'custom' || !('name' in type)) return type
    const { name, ...others } = type
    const meant = typeof name === 'string' ? typeLike(this.#draft.types, nfc(name)) : undefined
    if (meant === undefined || meant.name !== nfc(String(name))) {
      const options = currentTypes(this.#draft.types).map((definition) => definition.name)
      throw new WriteUnfit('write_unfit', 'the contract has no type of this name', { options })
    }
    return { ...others, definition: definitionHash(meant) }
  }
}

const blockForm = Compile(
  Type.Object(
    {
      owner: Type.Optional(Type.Union([HandleSchema, Type.Null()])),
      audience: Type.Optional(AudienceSchema),
      until: Type.Optional(TimeSchema),
    },
    { additionalProperties: false },
  ),
)

/** `{"$block": {"owner": handle, "audience": […], "until": time}}` beside the children of a block that is added. */
function blockSaid(said: unknown, name: string) {
  if (said === undefined) return {}
  if (!blockForm.Check(said)) {
    const expected = '{"$block": {"owner": handle or null, "audience": [handle…], "until": time}}'
    throw new WriteUnfit('write_unfit', `what a block is beside its children is said as ${expected}`, {
      name,
      expected,
    })
  }
  const { audience: confidential, ...others } = said
  return { ...others, ...(confidential && { confidential }) }
}

export function arrayFor({ name }: List, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new WriteUnfit('write_unfit', `${name} is a list and takes an array of its entries`, { name })
}
