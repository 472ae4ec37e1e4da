import { type TSchema, Type } from 'typebox'
import { CountSchema } from '../../events/ids.ts'
import { LOCAL_IDS } from '../row-id.ts'

export const entityNames = [
  'Contract',
  'Party',
  'Market',
  'Type',
  'Element',
  'Proposal',
  'Vote',
  'RuleSet',
  'Rule',
  'Attribute',
  'Request',
  'Dialogue',
] as const
export type EntityName = (typeof entityNames)[number]

/** How a value stands in its column; `boolean` as 0 or 1, `json` as the text of it. */
export type Storage = 'integer' | 'text' | 'boolean' | 'json'
/** What a value means, for whoever shows it. */
export type AttributeFormat =
  | 'local-id'
  | 'universal-id'
  | 'ledger-index'
  | 'count'
  | 'uid'
  | 'handle'
  | 'date-time'
  | 'hash'
  | 'public-key'
  | 'path'
  | 'code'
  | 'text'

/**
 * Where a value comes from. `column`: it stands in the tables, and can be asked for. `derived`: it is made of what stands there.
 * `payload`: it is under a seal, and shown as far as this node has it. `audit`: it takes the whole ledger, so only exports have it.
 */
export type AttributeSource = 'column' | 'derived' | 'payload' | 'audit'

export interface Attribute {
  readonly name: string
  readonly source: AttributeSource
  readonly storage: Storage
  /** Of a value that is there. */
  readonly schema: TSchema
  readonly format?: AttributeFormat
  readonly isNullable: boolean
  readonly references?: EntityName
  readonly options?: readonly string[]
  /** Rows that have it are found without looking at others. */
  readonly isIndexed: boolean
}

/** What of an attribute is not said by its name. */
export type AttributeKind = Omit<Attribute, 'name' | 'source' | 'isNullable' | 'isIndexed'> &
  Partial<Pick<Attribute, 'source' | 'isNullable' | 'isIndexed'>>

export interface Entity {
  readonly name: EntityName
  readonly plural: string
  /** What a row is. */
  readonly meaning: string
  /** The attribute by which people tell rows apart. */
  readonly label: string
  readonly attributes: readonly Attribute[]
  /** By which rows are told apart, and in whose order they come. */
  readonly key: readonly [string] | readonly [string, string]
  /** Where rows are selected from. */
  readonly from: string
  /** The table whose rows are counted while rows are looked through; its `id` is the first of the key. */
  readonly walks: string
  /** How many of them are looked at for one answer. */
  readonly looksAt: number
  /** Columns that hold the seal of an `about`. */
  readonly abouts: readonly string[]
  /** The rows have `contract`, `name` and `seal` of a proposal, and get `isHeld` and `value`. */
  readonly hasValues: boolean
  /** Why nobody writes a row, and what to do instead. */
  readonly writtenBy: string
}

const LocalId = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, title: 'LocalId' })

export const localId: AttributeKind = { storage: 'integer', schema: LocalId, format: 'local-id' }
export const index: AttributeKind = { storage: 'integer', schema: CountSchema, format: 'ledger-index' }
export const count: AttributeKind = { storage: 'integer', schema: CountSchema, format: 'count' }
export const flag: AttributeKind = { storage: 'boolean', schema: Type.Boolean() }
export const text = (format: AttributeFormat = 'text', schema: TSchema = Type.String()): AttributeKind => ({
  storage: 'text',
  schema,
  format,
})
export const json = (schema: TSchema): AttributeKind => ({ storage: 'json', schema })
export const oneOf = (options: readonly string[]): AttributeKind => ({
  storage: 'text',
  schema: Type.Enum([...options]),
  format: 'code',
  options,
})
export const of = (references: EntityName): AttributeKind => ({ ...localId, references })
export const maybe = (kind: AttributeKind): AttributeKind => ({ ...kind, isNullable: true })
export const indexed = (kind: AttributeKind): AttributeKind => ({ ...kind, isIndexed: true })
export const derived = (kind: AttributeKind): AttributeKind => ({ ...kind, source: 'derived' })
export const underSeal = (kind: AttributeKind): AttributeKind => ({ ...kind, source: 'payload' })
export const audited = (kind: AttributeKind): AttributeKind => ({ ...kind, source: 'audit' })

/** Whether the node has what is under the seal in that column, and what that says. */
export function aboutColumns(column: string): readonly [isHeld: string, title: string, text: string] {
  return [`${column}_isHeld`, `${column}_title`, `${column}_text`]
}

const LOOKS_AT = 10_000

export interface EntityWords
  extends Pick<Entity, 'meaning' | 'label' | 'writtenBy'>,
    Partial<Pick<Entity, 'plural' | 'key' | 'from' | 'walks' | 'looksAt' | 'abouts' | 'hasValues'>> {
  readonly attributes: Readonly<Record<string, AttributeKind>>
}

export function entity(name: EntityName, words: EntityWords): Entity {
  const { abouts = [], attributes, hasValues = false, ...given } = words
  const shown = Object.entries({
    ...attributes,
    ...Object.fromEntries(abouts.flatMap(said)),
    ...(hasValues && { isHeld: underSeal(flag), value: underSeal(maybe(json(AnyHeld))) }),
  })
  return {
    name,
    plural: `${name}s`,
    key: ['id'],
    from: name,
    walks: name,
    looksAt: LOOKS_AT,
    ...given,
    abouts,
    hasValues,
    attributes: shown.map(([name, kind]) => ({
      source: 'column',
      isNullable: false,
      isIndexed: false,
      ...kind,
      name,
    })),
  }
}

const AnyHeld = Type.Unknown({ title: 'HeldValue', description: 'A value, as its field has it.' })

function said(column: string): [string, AttributeKind][] {
  const [isHeld, title, words] = aboutColumns(column)
  return [
    [isHeld, underSeal(maybe(flag))],
    [title, underSeal(maybe(text()))],
    [words, underSeal(maybe(text()))],
  ]
}

/** Those that stand in the tables. */
export function columnsOf(entity: Entity): readonly Attribute[] {
  return entity.attributes.filter(({ source }) => source === 'column')
}

/** Those that the API shows. */
export function shownAttributes(entity: Entity): readonly Attribute[] {
  return entity.attributes.filter(({ source }) => source !== 'audit')
}

/** JSON has no order; what is under a seal is in no table. */
export function isSortable({ source, storage }: Attribute): boolean {
  return source === 'column' && storage !== 'json'
}

export function isFilter({ name, source }: Attribute): boolean {
  return source === 'column' || name === 'path' || name === 'universalId'
}

/** The contract of a row, or of what it is part of, by a local id. */
export function contractOf(id: number): number {
  return Math.floor(id / LOCAL_IDS)
}
