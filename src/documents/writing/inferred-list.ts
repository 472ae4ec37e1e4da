import type { FieldType } from '../../events/field-type.ts'
import { namedIn, typedValue, WriteUnfit } from './written-value.ts'

/** What a list has for each entry, as it is said where a list is added (`$list`). */
export type EntrySaid =
  | { readonly $field: FieldType }
  | { readonly $list: ListSaid }
  | { readonly [member: string]: EntrySaid }
export interface ListSaid {
  readonly entry: EntrySaid
  readonly entriesMax: number
}

/** How many entries a list that is made from an array may have, at least. */
const ENTRIES_MIN = 16

/**
 * What an array says of the list that it is to become: entries have whatever one of its items has, and it may have twice as many as there
 * are, to a power of two. Throws WriteUnfit where items are of several kinds, or say nothing.
 */
export function inferredList(name: string, arrays: readonly (readonly unknown[])[]): ListSaid {
  const items = arrays.flat()
  const entry = inferred(name, items)
  if (entry === undefined) {
    const expected = '{"$list": {"entry": {…}, "entriesMax": n}}'
    throw new WriteUnfit('write_unfit', `the items of ${name} do not say what its entries are`, { name, expected })
  }
  if ('$list' in entry) {
    throw new WriteUnfit('write_unfit', `the entries of ${name} would be lists: an entry is a block or a field`, {
      name,
    })
  }
  const longest = arrays.reduce((most, array) => Math.max(most, array.length), 0)
  return { entry, entriesMax: Math.max(ENTRIES_MIN, 2 ** Math.ceil(Math.log2(2 * longest))) }
}

/** What these have in common, null aside. Undefined: they are all null. */
function inferred(name: string, items: readonly unknown[]): EntrySaid | undefined {
  const known = items.filter((item) => item !== null)
  if (known.length === 0) return undefined
  const arrays = known.filter((item) => Array.isArray(item))
  if (arrays.length > 0) {
    if (arrays.length < known.length) throw several(name)
    return { $list: inferredList(name, arrays) }
  }
  const fields = known.map((item) => typedValue(item)?.field)
  const [first] = fields
  if (first !== undefined) return { $field: fields.reduce<FieldType>((one, other) => common(name, one, other), first) }
  if (fields.some((field) => field !== undefined)) throw several(name)
  const members = new Map<string, unknown[]>()
  for (const item of known) {
    for (const [member, value] of namedIn(item as Record<string, unknown>)) {
      const values = members.get(member)
      if (values === undefined) members.set(member, [value])
      else values.push(value)
    }
  }
  return Object.fromEntries(
    // Of what nobody gives a value, it is not known what it is to be.
    [...members].map(([member, values]) => [member, inferred(member, values) ?? { $field: { type: 'text' } }]),
  ) as EntrySaid
}

function common(name: string, one: FieldType, other: FieldType | undefined): FieldType {
  if (JSON.stringify(one) === JSON.stringify(other)) return one
  const types = [one.type, other?.type]
  if (types.every((type) => type === 'integer' || type === 'decimal')) return { type: 'decimal' }
  throw several(name)
}

function several(name: string): WriteUnfit {
  return new WriteUnfit('write_unfit', `the items of ${name} are of several kinds`, { name })
}
