import { type TProperties, type TSchema, Type } from 'typebox'
import { UID_PATTERN } from '../../events/ids.ts'
import {
  type Attribute,
  type Entity,
  entityNames,
  isFilter,
  isSortable,
  shownAttributes,
} from '../../projections/entities/entity.ts'
import { childrenOf, entities } from '../../projections/entities/model.ts'
import { TokenInQuery } from '../http/validation.ts'
import { object, orNull } from './common.ts'

/** Rows that one answer has, at most, and where nothing is said. */
export const ROWS_MAX = 1_000
export const ROWS = 100
/** How a list of rows is written. */
export const ROW_FORMATS = ['json', 'csv'] as const

const ofAttribute = ({ isNullable, schema }: Attribute) => (isNullable ? orNull(schema) : schema)

const rows = new Map(
  entities.map((entity) => {
    const members = shownAttributes(entity).map((attribute) => [attribute.name, ofAttribute(attribute)])
    return [entity.name, object(Object.fromEntries(members) as TProperties, `${entity.name}Row`)]
  }),
)

export function rowSchema({ name }: Entity): TSchema {
  return rows.get(name) as TSchema
}

/** Rows of one of these, as JSON or as a table. */
export function rowsSchema(...of: readonly Entity[]) {
  const row = of.length === 1 ? rowSchema(of[0] as Entity) : Type.Union(of.map(rowSchema))
  return { content: { 'application/json': { schema: Type.Array(row) }, 'text/csv': { schema: Type.String() } } }
}

const UNIVERSAL = UID_PATTERN.slice(1, -1)
/** Local, or universal: that begins with the UID of the contract. */
const ID = `(?:[1-9][0-9]{0,15}|${UNIVERSAL})(?:\\.[^\\u0000-\\u001f]{1,640})?`
export const RowIdSchema = Type.String({ pattern: `^${ID}$`, title: 'RowId' })

/** As it is asked for; '' is null, or an empty text. */
function filterSchema({ options, references, storage }: Attribute): TSchema {
  if (references !== undefined) return Type.String({ pattern: `^(?:${ID})?$` })
  if (storage === 'integer') return Type.String({ pattern: '^(?:0|[1-9][0-9]{0,15})?$' })
  if (storage === 'boolean') return Type.Enum(['true', 'false', ''])
  return options === undefined ? Type.String({ maxLength: 16_000 }) : Type.Enum([...options, ''])
}

const paging = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: ROWS_MAX })),
  cursor: Type.Optional(Type.String({ maxLength: 8_000 })),
}

function sortsOf(entity: Entity): string[] {
  const columns = shownAttributes(entity).filter(isSortable)
  return columns.flatMap(({ name }) => [name, `-${name}`])
}

const queries = new Map(entities.map((entity) => [entity.name, queryOf(entity)]))

/** What the list of an entity can be asked for. */
export function listQuery({ name }: Entity): TSchema {
  return queries.get(name) as TSchema
}

function queryOf(entity: Entity): TSchema {
  const filters = shownAttributes(entity)
    .filter(isFilter)
    .map((attribute) => [attribute.name, Type.Optional(filterSchema(attribute))])
  return Type.Object(
    {
      ...(Object.fromEntries(filters) as TProperties),
      sort: Type.Optional(Type.Enum(sortsOf(entity))),
      ...paging,
      format: Type.Optional(Type.Enum([...ROW_FORMATS])),
      ...TokenInQuery,
    },
    { additionalProperties: false },
  )
}

const Name = Type.Enum([...entityNames])

const AttributeSchema = object(
  {
    name: Type.String(),
    type: Type.Enum(['integer', 'string', 'boolean', 'json']),
    format: Type.Optional(Type.String()),
    isNullable: Type.Boolean(),
    references: Type.Optional(Name),
    options: Type.Optional(Type.Array(Type.String())),
    schema: Type.Unknown({ title: 'JsonSchema', description: 'A JSON Schema (2020-12) of a value that is there.' }),
    isFilter: Type.Boolean(),
    isSortable: Type.Boolean(),
  },
  'EntityAttribute',
)
const EntitySchema = object(
  {
    name: Name,
    plural: Type.String(),
    path: Type.String(),
    meaning: Type.String(),
    label: Type.String(),
    key: Type.Array(Type.String()),
    attributes: Type.Array(AttributeSchema),
    parents: Type.Array(object({ entity: Name, by: Type.String() }, 'EntityParent')),
    children: Type.Array(object({ entity: Name, by: Type.String(), path: Type.String() }, 'EntityChild')),
    isReadOnly: Type.Boolean(),
    writtenBy: Type.String(),
    rowsInOrder: Type.Integer(),
  },
  'Entity',
)
export const EntityModelSchema = object(
  { limit: Type.Integer(), limitMax: Type.Integer(), entities: Type.Array(EntitySchema) },
  'EntityModel',
)

const types = { integer: 'integer', text: 'string', boolean: 'boolean', json: 'json' } as const

/** What `/api` says: enough for a client that knows nothing to show, find, and follow. */
export const entityModel = {
  limit: ROWS,
  limitMax: ROWS_MAX,
  entities: entities.map((entity) => {
    const { key, label, looksAt, meaning, name, plural, writtenBy } = entity
    const attributes = shownAttributes(entity)
    const children = childrenOf(entity)
    return {
      name,
      plural,
      path: `/api/${plural}`,
      meaning,
      label,
      key: [...key],
      attributes: attributes.map((attribute) => {
        const { format, isNullable, name, options, references, schema, storage } = attribute
        return {
          name,
          type: types[storage],
          ...(format && { format }),
          isNullable,
          ...(references && { references }),
          ...(options && { options: [...options] }),
          schema,
          isFilter: isFilter(attribute),
          isSortable: isSortable(attribute),
        }
      }),
      parents: attributes.flatMap(({ name, references }) =>
        references === undefined ? [] : [{ entity: references, by: name }],
      ),
      children: children.map(({ by, child }) => ({
        entity: child.name,
        by,
        path: `/api/${plural}/{id}/${child.plural}`,
      })),
      isReadOnly: true,
      writtenBy,
      rowsInOrder: looksAt,
    }
  }),
}
