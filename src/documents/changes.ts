import {
  type Block,
  childLike,
  childNamed,
  type Element,
  type Field,
  type List,
  type StoredElement,
} from '../aggregates/contract/element.ts'
import { standingAt } from '../aggregates/contract/standing.ts'
import { builtInOf, currentTypes, type Types, typeLike } from '../aggregates/contract/types.ts'
import { fitElementName, fitText } from '../aggregates/names/fit-text.ts'
import { nfc } from '../aggregates/names/normal-form.ts'
import type { Command } from '../events/commands.ts'
import type { BuiltInType, FieldType } from '../events/field-type.ts'
import { ordinalOf, ROOT } from '../events/ids.ts'
import { seal } from '../events/seal.ts'
import type { Payload, Payloads } from '../events/statement.ts'
import { definitionHash } from '../events/type-definition.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { decimalDigits, wireInteger, writtenDigits } from './digits.ts'
import { valueFromText } from './field-text.ts'
import { WrittenNumber } from './written-number.ts'

/** Of a number that is unfit, in what is said of it. */
const DIGITS_SHOWN = 100

/** A body does not say what to write, or the element cannot take it. */
export class WriteUnfit extends ConcordataError {}

/** What a write comes to: one atomic request. */
export interface Changes {
  readonly commands: readonly Command[]
  readonly payloads: Payloads
  /** The names on the way to the element that it creates, if the request is for one. */
  readonly createdAt?: readonly string[]
}

/** Removes an element with all below it. */
export function removal(element: Element): Changes {
  if (element.id === ROOT) throw new WriteUnfit('write_unfit', 'the record itself cannot be removed')
  return { commands: [{ type: 'RemoveElement', element: element.id }], payloads: {} }
}

/** The children of a block in the order of these names. */
export function arrangement(element: Element, names: readonly string[]): Changes {
  if (element.kind !== 'block') throw new WriteUnfit('write_unfit', 'only the children of a block are arranged')
  const order = names.map((name) => {
    const child = childNamed(element, nfc(name))
    if (child === undefined) throw new WriteUnfit('write_unfit', `there is no ${name} here`, { name })
    return ordinalOf(child.id)
  })
  return { commands: [{ type: 'ArrangeChildren', block: element.id, order }], payloads: {} }
}

/** A text written to a field. */
export function changesFromText(element: Element, text: string, types: Types, newSalt: () => Uint8Array): Changes {
  if (element.kind === 'block') {
    throw new WriteUnfit('write_unfit', 'a block takes JSON (application/json): its children by name')
  }
  if (element.kind === 'list') throw new WriteUnfit('write_unfit', 'a list takes JSON (application/json)')
  const writing = new Writing(types, newSalt)
  writing.propose(element, valueFromText(builtInOf(element.field, types), text))
  return writing.changes()
}

/**
 * JSON written to a field: its value. JSON written to a block: an object with the names of its children. POST adds
 * those that are not there yet, with the type that the value suggests, or as told by `{"$field": FieldType, "$value": …}`;
 * PUT fills only those that are. To a list POST adds one entry.
 */
export function changesFromJson(
  element: Element,
  names: readonly string[],
  body: unknown,
  mayAdd: boolean,
  types: Types,
  newSalt: () => Uint8Array,
): Changes {
  const writing = new Writing(types, newSalt)
  if (element.kind === 'field') {
    writing.propose(element, body)
    return writing.changes()
  }
  if (element.kind === 'list') {
    if (!mayAdd) throw new WriteUnfit('write_unfit', 'a list gets its entries by POST, one each')
    writing.addEntry(element, element.id, body)
    return { ...writing.changes(), createdAt: [...names, String(element.entries.tree.slots)] }
  }
  if (!isObject(body)) throw new WriteUnfit('write_unfit', 'a block takes an object: its children by name')
  const added = writing.fill(element, body, mayAdd)
  const changes = writing.changes()
  if (changes.commands.length === 0) throw new WriteUnfit('write_unfit', 'the object says nothing to write')
  const [only] = added
  return added.length === 1 && only !== undefined ? { ...changes, createdAt: [...names, only] } : changes
}

/** Gathers the commands of one request. */
class Writing {
  readonly #types: Types
  readonly #newSalt: () => Uint8Array
  readonly #commands: Command[] = []
  readonly #payloads: { [seal: string]: Payload } = {}

  constructor(types: Types, newSalt: () => Uint8Array) {
    this.#types = types
    this.#newSalt = newSalt
  }

  changes(): Changes {
    return { commands: this.#commands, payloads: this.#payloads }
  }

  /** Replaces whatever stands there; what the node has not seen makes it void (`exclusive`), as naive clients expect. Null empties. */
  propose(field: Field, value: unknown): void {
    const basis = standingAt(field).map(({ id }) => id)
    if (value === null) {
      this.#commands.push({ basis, exclusive: true, field: field.id, type: 'EmptyField' })
      return
    }
    const sealed = this.#seal(field.field, value)
    this.#commands.push({ basis, exclusive: true, field: field.id, seal: sealed, type: 'ProposeValue' })
  }

  /** The names that it adds right in this block. */
  fill(block: Block, members: Record<string, unknown>, mayAdd: boolean): string[] {
    const added: string[] = []
    for (const [name, value] of namedIn(members)) {
      const like = childLike(block, name)
      const child = like?.name === name ? like : undefined
      if (child === undefined) {
        if (!mayAdd) throw new WriteUnfit('write_unfit', `there is no ${name} here; POST adds it`, { name })
        fitElementName(name)
        if (like !== undefined) {
          const message = `${name} can be taken for ${like.name}, which stands here already`
          throw new WriteUnfit('write_unfit', message, { name, element: like.id })
        }
        this.#add(block.id, name, value)
        added.push(name)
      } else if (child.kind === 'field') {
        this.propose(child, value)
      } else if (child.kind === 'block' && isObject(value)) {
        this.fill(child, value, mayAdd)
      } else if (child.kind === 'list') {
        throw new WriteUnfit('write_unfit', `${name} is a list and gets its entries by POST, one each`, { name })
      } else {
        throw new WriteUnfit('write_unfit', `${name} is a block and takes an object`, { name })
      }
    }
    return added
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
      const sealed = this.#seal(prototype.field, value)
      this.#commands.push({ type: 'ProposeValue', field: ref, seal: sealed, basis: [] })
    } else if (prototype.kind === 'list') {
      if (!Array.isArray(value)) throw new WriteUnfit('write_unfit', `${prototype.name} is a list and takes an array`)
      for (const item of value) this.addEntry(prototype, ref, item)
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

  addBlock(parent: string, name: string, members: Record<string, unknown>): void {
    const place = this.#commands.length
    this.#commands.push({ type: 'AddBlock', parent, name: fitElementName(name) })
    for (const [child, value] of namedIn(members)) this.#add(`#${place}`, child, value)
  }

  #add(parent: string, name: string, value: unknown): void {
    const typed = typedValue(value)
    if (typed === undefined) {
      this.addBlock(parent, name, value as Record<string, unknown>)
      return
    }
    const place = this.#commands.length
    const field = this.#typeMeant(fitField(typed.field))
    this.#commands.push({ type: 'AddField', parent, name: fitElementName(name), field })
    if (typed.value === null || typed.value === undefined) return
    const sealed = this.#seal(field, typed.value)
    this.#commands.push({ type: 'ProposeValue', field: `#${place}`, seal: sealed, basis: [] })
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

  #seal(type: FieldType, value: unknown) {
    const { seal: sealed, payload } = seal(wireValue(builtInOf(type, this.#types), value), this.#newSalt())
    this.#payloads[sealed] = payload
    return sealed
  }
}

/** The type that a new field gets; undefined for an object: that is a new block. */
function typedValue(value: unknown): { field: FieldType; value: unknown } | undefined {
  if (isObject(value)) {
    if ('$field' in value) {
      // Whether it is one that a contract takes is for the rules to say.
      if (!isObject(value.$field) || holdsWritten(value.$field))
        throw new WriteUnfit('write_unfit', '$field takes the type of a field: an object')
      return { field: value.$field as FieldType, value: value.$value ?? null }
    }
    return isMoney(value) ? { field: { type: 'money' }, value } : undefined
  }
  if (typeof value === 'boolean') return { field: { type: 'boolean' }, value }
  const digits = writtenDigits(value)
  if (digits !== undefined) return { field: { type: wireInteger(digits) === undefined ? 'decimal' : 'integer' }, value }
  if (typeof value === 'string' || value === null) return { field: { type: 'text' }, value }
  throw new WriteUnfit('write_unfit', 'an array is no value; a list gets its entries by POST, one each')
}

/** JSON numbers are welcome where the wire has strings: the digits are those that the client wrote. */
function wireValue(type: BuiltInType, value: unknown): unknown {
  if (type.type === 'money' && isObject(value) && 'amount' in value) {
    return { ...value, amount: wireNumber(value.amount, 'decimal') }
  }
  // As the options themselves are.
  if (type.type === 'choice' && typeof value === 'string') return nfc(value)
  return wireNumber(value, type.type)
}

function wireNumber(value: unknown, type: BuiltInType['type']): unknown {
  const digits = writtenDigits(value)
  if (digits === undefined) {
    if (holdsWritten(value)) throw new WriteUnfit('write_unfit', 'a number in there has more digits than is kept of it')
    return value
  }
  const exact = type === 'decimal' ? decimalDigits(digits) : wireInteger(digits)
  if (exact !== undefined) return exact
  throw new WriteUnfit('write_unfit', `${digits.slice(0, DIGITS_SHOWN)} is not written as a value of type ${type}`, {
    type,
  })
}

/** Whether a number would be lost in a value that no field takes anyway. */
function holdsWritten(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof WrittenNumber || Object.values(value).some(holdsWritten)
}

/** Names are NFC, however they are written: two spellings of one name are one element. Throws WriteUnfit. */
function namedIn(members: Record<string, unknown>): [string, unknown][] {
  const named = Object.entries(members).map(([name, value]): [string, unknown] => [nfc(name), value])
  if (new Set(named.map(([name]) => name)).size === named.length) return named
  throw new WriteUnfit('write_unfit', 'the object has one name twice, in two spellings')
}

/** With options that all parties can read alike. */
function fitField(type: FieldType): FieldType {
  // Its form is for the rules to judge.
  if (type.type !== 'choice' || !Array.isArray(type.options)) return type
  const options = type.options.map((option, place) =>
    typeof option === 'string' ? fitText(`option ${place + 1}`, option) : option,
  )
  return { ...type, options }
}

function isMoney(value: Record<string, unknown>): boolean {
  const { amount, currency } = value
  const isAmount = typeof amount === 'string' || writtenDigits(amount) !== undefined
  return Object.keys(value).length === 2 && isAmount && typeof currency === 'string'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof WrittenNumber)
}
