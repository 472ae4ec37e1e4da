import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import {
  type Block,
  childLike,
  childNamed,
  type Element,
  entriesOf,
  type Field,
  keyOf,
  type List,
  type StoredElement,
} from '../aggregates/contract/document/element.ts'
import { builtInOf, currentTypes, type Types, typeLike } from '../aggregates/contract/document/types.ts'
import { standingAt } from '../aggregates/contract/values/standing.ts'
import { valueFault } from '../aggregates/contract/values/value-types.ts'
import { fitElementName } from '../aggregates/names/fit-text.ts'
import { nfc } from '../aggregates/names/normal-form.ts'
import { canonicalJson } from '../crypto/canonical-json.ts'
import { type Audience, AudienceSchema } from '../events/audience.ts'
import type { Command } from '../events/commands.ts'
import type { FieldType } from '../events/field-type.ts'
import { type ElementId, type Handle, HandleSchema, ordinalOf, TimeSchema } from '../events/ids.ts'
import { seal } from '../events/seal.ts'
import type { Payload, Payloads } from '../events/statement.ts'
import { definitionHash } from '../events/type-definition.ts'
import type { Awaited } from './candidates/fates.ts'
import type { OwnCandidate } from './candidates/own-candidates.ts'
import { isSealed } from './sealed-value.ts'
import { fitField, isObject, namedIn, typedValue, WriteUnfit, wireValue } from './written-value.ts'

/** What is written to. */
export interface Ground {
  /** Those that the contract defines. */
  readonly types: Types
  /** What stands agreed at and below the element, as far as it is held here. By the ids of fields. */
  readonly agreed: ReadonlyMap<ElementId, unknown>
  /** What this party has put up there before, and waits for votes. By the ids of fields. */
  readonly own: ReadonlyMap<ElementId, OwnCandidate>
  /** Who gets values at an element; undefined: everybody. */
  readonly audienceAt: (element: ElementId) => Audience | undefined
  readonly newSalt: () => Uint8Array
}

/** The commands of one request with what they seal, and what of it this party has put up before. */
export interface Gathered {
  readonly commands: readonly Command[]
  readonly payloads: Payloads
  readonly awaited: readonly Awaited[]
}

/** Gathers the commands of one request. */
export class Writing {
  readonly #types: Types
  readonly #newSalt: () => Uint8Array
  readonly #audienceAt: Ground['audienceAt']
  readonly #agreed: Ground['agreed']
  readonly #own: Ground['own']
  readonly #awaited: Awaited[] = []
  readonly #commands: Command[] = []
  readonly #payloads: { [seal: string]: Payload } = {}

  constructor({ types, newSalt, agreed, audienceAt, own }: Ground) {
    this.#own = own
    this.#audienceAt = audienceAt
    this.#types = types
    this.#newSalt = newSalt
    this.#agreed = agreed
  }

  changes(): Gathered {
    return { commands: this.#commands, payloads: this.#payloads, awaited: this.#awaited }
  }

  /** As POST has it: what is not there is added, to a list one entry, and what stands agreed is proposed once more. The names added. */
  post(element: Element, value: unknown): string[] {
    if (element.kind === 'block') return this.fill(element, objectFor(value), true)
    if (element.kind === 'field') this.propose(element, value)
    else this.addEntry(element, element.id, value)
    return []
  }

  /** As PUT has it: what is there gets other values, a list the entries of an array. */
  put(element: Element, value: unknown): void {
    if (element.kind === 'block') this.fill(element, objectFor(value), false)
    else if (element.kind === 'list') this.replaceEntries(element, value)
    else if (!this.isAgreed(element, value)) this.propose(element, value)
  }

  /** What is no value. */
  order(command: Command): void {
    this.#commands.push(command)
  }

  /**
   * Replaces whatever stands there; what the node has not seen makes it void (`exclusive`), as naive clients expect. Null empties.
   * What this party has put up already, and waits for votes, is not put up once more: that would lose the votes it has.
   */
  propose(field: Field, value: unknown): void {
    const own = this.#own.get(field.id)
    if (own !== undefined && this.#isSame(field, own.value, value)) {
      this.#awaited.push(own)
      return
    }
    const basis = standingAt(field).map(({ id }) => id)
    if (value === null) {
      this.#commands.push({ basis, exclusive: true, field: field.id, type: 'EmptyField' })
      return
    }
    const audience = this.#audienceAt(field.id)
    const sealed = this.#seal(field.field, value, audience)
    const confidential = audienceMember(audience)
    this.#commands.push({
      ...confidential,
      basis,
      exclusive: true,
      field: field.id,
      seal: sealed,
      type: 'ProposeValue',
    })
  }

  /** The names that it adds right in this block. */
  fill(block: Block, members: Record<string, unknown>, mayAdd: boolean): string[] {
    const added: string[] = []
    for (const [name, value] of namedIn(members)) {
      const like = childLike(block, name)
      const child = like?.name === name ? like : undefined
      if (child === undefined) {
        if (block.instance !== undefined) {
          throw new WriteUnfit('write_unfit', `entries have no ${name}; it is added at the prototype, 0`, { name })
        }
        if (!mayAdd) throw new WriteUnfit('write_unfit', `there is no ${name} here; POST adds it`, { name })
        fitElementName(name)
        if (like !== undefined) {
          const message = `${name} can be taken for ${like.name}, which stands here already`
          throw new WriteUnfit('write_unfit', message, { name, element: like.id })
        }
        this.#add(block.id, name, value, this.#audienceAt(block.id))
        added.push(name)
      } else this.#write(child, value, mayAdd)
    }
    return added
  }

  #write(element: Element, value: unknown, mayAdd: boolean): void {
    const { kind, name } = element
    if (kind === 'field') {
      // What is shown of a value that this party has not, is not written: it stays as it is.
      if (isSealedHere(element, value, this.#agreed)) return
      if (!this.isAgreed(element, value)) this.propose(element, value)
    } else if (kind === 'block') {
      if (!isObject(value)) throw new WriteUnfit('write_unfit', `${name} is a block and takes an object`, { name })
      this.fill(element, value, mayAdd)
    } else if (!mayAdd) this.replaceEntries(element, value)
    else for (const item of arrayFor(element, value)) this.addEntry(element, element.id, item)
  }

  /**
   * Makes the entries of a list those of an array, in a list with a key by their keys, else by their places: of others that are
   * there the surplus is removed, what is missing is added.
   */
  replaceEntries(list: List, value: unknown): void {
    const items = arrayFor(list, value)
    const entries = [...entriesOf(list)]
    const entryFor = this.#matching(list, entries, items)
    const matched = items.map((item, place) => ({ item, entry: entryFor(item, place) }))
    const kept = new Set(matched.map(({ entry }) => entry))
    for (const entry of entries) if (!kept.has(entry)) this.#commands.push({ type: 'RemoveElement', element: entry.id })
    for (const { item, entry } of matched) {
      if (entry === undefined) this.addEntry(list, list.id, item)
      else this.#write(entry, item, false)
    }
  }

  /** Which entry an item of an array is meant for; undefined: a new one. */
  #matching(list: List, entries: readonly Element[], items: readonly unknown[]) {
    const key = keyOf(list)
    if (key === undefined) return (_item: unknown, place: number) => entries[place]
    const keyIn = (item: unknown) => {
      const written = isObject(item) ? (item[key.name] ?? null) : null
      return canonicalJson(written === null ? null : wireValue(builtInOf(key.field, this.#types), written))
    }
    const keys = items.map(keyIn).filter((written) => written !== 'null')
    if (new Set(keys).size < keys.length) {
      throw new WriteUnfit('write_unfit', `two entries have the same ${key.name}`, { name: key.name })
    }
    // Those without a key in their order.
    const waiting = new Map<string, Element[]>()
    for (const entry of entries) {
      const agreed = canonicalJson(this.#agreed.get(`${entry.id}.0` as ElementId) ?? null)
      waiting.set(agreed, [...(waiting.get(agreed) ?? []), entry])
    }
    return (item: unknown) => waiting.get(keyIn(item))?.shift()
  }

  /** Whether it is what all have agreed on, with nothing against it. */
  isAgreed({ id, field, candidates, agreed }: Field, value: unknown): boolean {
    if (candidates.length > 0) return false
    if (value === null || agreed === null) return value === null && agreed === null
    return this.#agreed.has(id) && this.#isSame({ field }, this.#agreed.get(id), value)
  }

  #isSame({ field }: Pick<Field, 'field'>, known: unknown, value: unknown): boolean {
    const written = value === null ? null : wireValue(builtInOf(field, this.#types), value)
    return canonicalJson(known) === canonicalJson(written)
  }

  /** With what stands in it, as its prototype has it. */
  addEntry({ prototype }: List, list: string, value: unknown): void {
    const place = this.#commands.length
    this.#commands.push({ type: 'AddEntry', list })
    this.#fillEntry(prototype, `#${place}`, value)
  }

  #fillEntry(prototype: StoredElement, ref: string, value: unknown): void {
    if (prototype.kind === 'field') {
      if (value === null) return
      const audience = this.#audienceAt(prototype.id)
      const sealed = this.#seal(prototype.field, value, audience)
      this.#commands.push({
        ...audienceMember(audience),
        type: 'ProposeValue',
        field: ref,
        seal: sealed,
        basis: [],
      })
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
    const place = this.#commands.length
    this.#commands.push({ type: 'AddBlock', parent, name: fitElementName(name), ...(owner !== undefined && { owner }) })
    let inside = audience
    if (confidential !== undefined) {
      const limit = until === undefined ? {} : { until }
      this.#commands.push({ type: 'SetAudience', element: `#${place}`, parties: [...confidential], ...limit })
      inside = confidential.filter((party) => audience?.includes(party) !== false)
    }
    for (const [child, value] of namedIn(children)) this.#add(`#${place}`, child, value, inside)
  }

  #add(parent: string, name: string, value: unknown, audience: Audience | undefined): void {
    if (isObject(value) && '$list' in value) {
      this.#addList(parent, name, value)
      return
    }
    const typed = typedValue(value)
    if (typed === undefined) {
      this.#addBlock(parent, name, value as Record<string, unknown>, audience)
      return
    }
    const place = this.#commands.length
    const field = this.#typeMeant(fitField(typed.field))
    this.#commands.push({ type: 'AddField', parent, name: fitElementName(name), field })
    if (typed.value === null || typed.value === undefined) return
    const sealed = this.#seal(field, typed.value, audience)
    const confidential = audienceMember(audience)
    this.#commands.push({ ...confidential, type: 'ProposeValue', field: `#${place}`, seal: sealed, basis: [] })
  }

  /** `{"entry": …, "entriesMax": n, "key": name}`: an entry is written as what is added is, a block with its children or a field. */
  #addList(parent: string, name: string, { $list: list, ...others }: Record<string, unknown>): void {
    const { entry, entriesMax, key, ...more } = isObject(list) ? list : {}
    const unread = [...Object.keys(others), ...Object.keys(more)]
    if (!isObject(entry) || typeof entriesMax !== 'number' || unread.length > 0) {
      const expected = '{"$list": {"entry": {…}, "entriesMax": n, "key": name}}'
      throw new WriteUnfit('write_unfit', `a list is added as ${expected}`, { name, expected })
    }
    const place = this.#commands.length
    const common = { type: 'AddList', parent, name: fitElementName(name), entriesMax } as const
    if ('$field' in entry) {
      this.#commands.push({ ...common, entry: this.#typeFor(entry, name) })
      return
    }
    const { [String(key)]: first, ...children } = entry
    if (key === undefined) this.#commands.push({ ...common, entry: 'block' })
    else
      this.#commands.push({
        ...common,
        entry: 'block',
        key: { name: fitElementName(String(key)), field: this.#typeFor(first, String(key)) },
      })
    for (const [child, value] of namedIn(key === undefined ? entry : children))
      this.#addToPrototype(`#${place}.0`, child, value)
  }

  /** A prototype says what entries are, and has no values. */
  #addToPrototype(parent: string, name: string, value: unknown): void {
    if (isObject(value) && '$field' in value) {
      this.#commands.push({ type: 'AddField', parent, name: fitElementName(name), field: this.#typeFor(value, name) })
    } else if (isObject(value) && '$list' in value) {
      this.#addList(parent, name, value)
    } else {
      if (!isObject(value))
        throw new WriteUnfit('write_unfit', `${name} is to say a type: {"$field": {"type": …}}`, { name })
      const place = this.#commands.length
      this.#commands.push({ type: 'AddBlock', parent, name: fitElementName(name) })
      for (const [child, member] of namedIn(value)) this.#addToPrototype(`#${place}`, child, member)
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
    const meant = typeof name === 'string' ? typeLike(this.#types, nfc(name)) : undefined
    if (meant === undefined || meant.name !== nfc(String(name))) {
      const options = currentTypes(this.#types).map((definition) => definition.name)
      throw new WriteUnfit('write_unfit', 'the contract has no type of this name', { options })
    }
    return { ...others, definition: definitionHash(meant) }
  }

  /** `audience`: of the field. The ledger judges no confidential value, so its author does. */
  #seal(type: FieldType, value: unknown, audience: Audience | undefined) {
    if (isSealed(value)) {
      const message =
        '$sealed stands for a value that is not held here, and for no other: leave it out, or write a value'
      throw new WriteUnfit('write_unfit', message)
    }
    const builtIn = builtInOf(type, this.#types)
    if (builtIn.type === 'attachment') {
      const message = 'an attachment is uploaded, not written: PUT its bytes to the Attachments of the contract'
      throw new WriteUnfit('write_unfit', message, { expected: 'attachment' })
    }
    const written = wireValue(builtIn, value)
    const fault = audience === undefined ? undefined : valueFault(type, written, () => true, this.#types)
    if (fault !== undefined) {
      const expected = builtIn.type
      throw new WriteUnfit('write_unfit', `the value is not one of the type ${expected}`, { expected, fault })
    }
    const { seal: sealed, payload } = seal(written, this.#newSalt())
    this.#payloads[sealed] = payload
    return sealed
  }
}

function audienceMember(audience: Audience | undefined): { readonly audience?: Handle[] } {
  return audience === undefined ? {} : { audience: [...audience] }
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

/** Whether this is what is shown of the value that stands there and is not held here. */
function isSealedHere({ agreed, id }: Field, value: unknown, known: Ground['agreed']): boolean {
  if (!isSealed(value) || agreed?.audience === undefined || known.has(id)) return false
  const { proposal } = isObject(value.$sealed) ? value.$sealed : {}
  return proposal === agreed.id
}

function objectFor(value: unknown): Record<string, unknown> {
  if (!isObject(value)) throw new WriteUnfit('write_unfit', 'a block takes an object: its children by name')
  if (Object.keys(value).length === 0) throw new WriteUnfit('write_unfit', 'the object says nothing to write')
  return value
}

function arrayFor({ name }: List, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new WriteUnfit('write_unfit', `${name} is a list and takes an array of its entries`, { name })
}
