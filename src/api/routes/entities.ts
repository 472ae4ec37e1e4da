import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { isByKey, pathByNumbers } from '../../documents/element-at.ts'
import type { Uid } from '../../events/ids.ts'
import { csvRows } from '../../projections/entities/csv-rows.ts'
import { type Entity, shownAttributes } from '../../projections/entities/entity.ts'
import type { EntityPage, EntityRows } from '../../projections/entities/entity-rows.ts'
import { type EntityRow, withHeld } from '../../projections/entities/held-values.ts'
import { childrenOf, entities, type Relation } from '../../projections/entities/model.ts'
import { QueryUnfit } from '../../projections/entities/query-unfit.ts'
import { csvRecord } from '../../runtime/csv.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import {
  EntityModelSchema,
  entityModel,
  listQuery,
  ROWS,
  RowIdSchema,
  rowSchema,
  rowsSchema,
} from '../answers/entities.ts'
import { ofElement } from '../answers/problems.ts'
import type { TypedRoutes } from '../answers/typed-routes.ts'
import { formatFor, mediaTypes } from '../http/forms/accept.ts'
import { formCheck } from '../http/validation.ts'
import type { RoutePorts } from './ports.ts'

/** `store` holds what the seals in rows stand for. */
export interface EntityRoutesPorts extends Pick<RoutePorts, 'contracts' | 'store'> {
  /** Of the read model. */
  readonly entityRows: Pick<EntityRows, 'find' | 'get' | 'uidOf'>
}

/** The entity has no row of that id. */
class NoSuchRow extends ConcordataError {}
/** The entity has nothing of that name below it. Evidence: `options`. */
class NoSuchRelation extends ConcordataError {}

const byPlural = new Map(entities.map((entity) => [entity.plural, entity]))
const PLURALS = [...byPlural.keys()]
/** Anything else is no route. */
const AT = `/api/:entities(^(?:${PLURALS.join('|')})$)`
const Plural = Type.Enum(PLURALS)

const checks = new Map(entities.map((entity) => [entity, formCheck(listQuery(entity), 'querystring')]))
/** Which filters there are depends on what is listed: that is looked at behind the route. */
const AnyQuery = Type.Record(Type.String(), Type.String())
const AnyRow = Type.Unsafe<EntityRow>(Type.Union(entities.map(rowSchema)))

const ofRead = {
  role: 'reader',
  readOnly: ({ child, entities: plural }: { readonly entities?: string; readonly child?: string }) =>
    byPlural.get(child ?? plural ?? '')?.writtenBy,
} as const

/** Of a path that names an entry by its key, too. */
const ofList = [...ofElement, 'query_unfit', 'query_too_wide', 'not_acceptable'] as const

/** `/api`, `/api/<entities>[/<id>[/<children>]]`, all of the model of entities. */
export const entityRoutes: TypedRoutes<EntityRoutesPorts> = async (app, ports) => {
  const rows = new ShownRows(ports)

  app.get(
    '/api',
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'getEntityModel',
        summary: 'The entities with their attributes and relations',
        response: { 200: EntityModelSchema },
      },
    },
    async () => entityModel,
  )

  app.get(
    AT,
    {
      config: {
        ...ofRead,
        problems: ofList,
        variants: entities.map((entity) => ({
          url: `/api/${entity.plural}`,
          schema: {
            operationId: `list${entity.name}Rows`,
            summary: `Rows of ${entity.name}: ${entity.meaning}`,
            querystring: listQuery(entity),
            response: { 200: rowsSchema(entity) },
          },
        })),
      },
      schema: {
        operationId: 'listRows',
        summary: 'Rows of an entity',
        params: Type.Object({ entities: Plural }),
        querystring: AnyQuery,
        response: { 200: rowsSchema(...entities) },
      },
    },
    async (request, reply) => rows.page(entityAt(request.params.entities), request, reply),
  )

  app.get(
    `${AT}/:id`,
    {
      config: {
        ...ofRead,
        problems: ['no_such_row'],
        variants: entities.map((entity) => ({
          url: `/api/${entity.plural}/:id`,
          schema: {
            operationId: `get${entity.name}Row`,
            summary: `A row of ${entity.name}`,
            params: Type.Object({ id: RowIdSchema }),
            response: { 200: rowSchema(entity) },
          },
        })),
      },
      schema: {
        operationId: 'getRow',
        summary: 'A row of an entity',
        params: Type.Object({ entities: Plural, id: RowIdSchema }),
        response: { 200: AnyRow },
      },
    },
    async ({ params }) => {
      const entity = entityAt(params.entities)
      const [row] = await rows.withHeld(entity, [rows.row(entity, params.id)])
      return row
    },
  )

  app.get(
    `${AT}/:id/:child`,
    {
      config: {
        ...ofRead,
        problems: ['no_such_row', 'no_such_relation', ...ofList],
        variants: entities.flatMap((entity) =>
          childrenOf(entity).map(({ child }) => ({
            url: `/api/${entity.plural}/:id/${child.plural}`,
            schema: {
              operationId: `list${child.plural}Of${entity.name}`,
              summary: `Rows of ${child.name} that name a row of ${entity.name}`,
              params: Type.Object({ id: RowIdSchema }),
              querystring: listQuery(child),
              response: { 200: rowsSchema(child) },
            },
          })),
        ),
      },
      schema: {
        operationId: 'listChildren',
        summary: 'Rows that name a row',
        params: Type.Object({ entities: Plural, id: RowIdSchema, child: Type.String({ maxLength: 100 }) }),
        querystring: AnyQuery,
        response: { 200: rowsSchema(...entities) },
      },
    },
    async (request, reply) => {
      const entity = entityAt(request.params.entities)
      const { by, child } = relationOf(entity, request.params.child)
      const of = rows.row(entity, request.params.id)[entity.key[0]]
      return rows.page(child, request, reply, [by, String(of)])
    },
  )
}

/** The rows of entities, with what is under the seals in them. */
class ShownRows {
  readonly #ports: EntityRoutesPorts

  constructor(ports: EntityRoutesPorts) {
    this.#ports = ports
  }

  /** Throws NoSuchRow. */
  row(entity: Entity, id: string): EntityRow {
    const row = this.#ports.entityRows.get(entity, id)
    if (row === undefined) throw new NoSuchRow('no_such_row', `${entity.name} has no row ${id}`, { name: entity.name })
    return row
  }

  withHeld(entity: Entity, rows: readonly EntityRow[]): Promise<readonly EntityRow[]> {
    const { entityRows, store } = this.#ports
    return withHeld(entity, rows, (contract) => entityRows.uidOf(contract) as Uid, store.payloads)
  }

  /** As the query of the request asks for them. `given`: a filter that the path says. Throws RequestMalformed, QueryUnfit, QueryTooWide, NoSuchPath. */
  async page(
    entity: Entity,
    request: FastifyRequest,
    reply: FastifyReply,
    given?: readonly [by: string, value: string],
  ): Promise<readonly EntityRow[] | string> {
    const checked = (checks.get(entity) as ReturnType<typeof formCheck>)(request.query)
    if ('error' in checked) throw checked.error
    const { cursor, format, limit = ROWS, sort, token: _token, ...said } = checked.value as Query
    const filters = new Map(Object.entries(said as Record<string, string>))
    if (given !== undefined) {
      const [by, value] = given
      if (filters.has(by)) throw new QueryUnfit('query_unfit', `the path says ${by} already`, { path: `/${by}` })
      filters.set(by, value)
    }
    const asked = await this.#byNumbers(filters)
    const { next, rows } =
      asked === undefined
        ? NO_ROWS
        : this.#ports.entityRows.find(entity, {
            filters: asked,
            limit,
            ...(cursor !== undefined && { cursor }),
            ...(sort !== undefined && { sort: { by: sort.replace(/^-/, ''), isDescending: sort.startsWith('-') } }),
          })
    if (next !== undefined) reply.header('link', `<${withCursor(request, next)}>; rel="next"`)
    const shown = await this.withHeld(entity, rows)
    reply.header('vary', 'accept')
    if (!isCsvAsked(format, request)) return shown
    reply.type(mediaTypes.csv)
    const columns = shownAttributes(entity).map(({ name }) => name)
    return [csvRecord(columns), ...csvRows(columns, shown)].join('')
  }

  /** Keys of entries are values, which no table has: where `path` names an entry by its key, its number. Undefined: there is no such entry. Throws NoSuchPath. */
  async #byNumbers(filters: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string> | undefined> {
    const [path, contract] = [filters.get('path'), filters.get('contract')]
    if (path === undefined || contract === undefined || !isByKey(path)) return filters
    const { contracts, entityRows, store } = this.#ports
    const uid = entityRows.get(entityAt('Contracts'), contract)?.uid as Uid | undefined
    if (uid === undefined) return filters
    const counted = await contracts.use(uid, ({ state }) => pathByNumbers(path, state.settling.agreed, store.payloads))
    return counted === undefined ? undefined : new Map([...filters, ['path', counted]])
  }
}

const NO_ROWS: EntityPage = { rows: [] }

/** JSON is also for whoever says nothing that is understood, as everywhere. */
function isCsvAsked(format: string | undefined, { headers: { accept } }: FastifyRequest): boolean {
  if (format !== undefined) return format === 'csv'
  return accept?.includes('text/csv') === true && formatFor(accept, ['json', 'csv']) === 'csv'
}

type Query = Readonly<Record<string, string>> & { readonly limit?: number }

/** Requires one that the route lets through. */
function entityAt(plural: string): Entity {
  return byPlural.get(plural) as Entity
}

function relationOf(entity: Entity, plural: string): Relation {
  const relations = childrenOf(entity)
  const relation = relations.find(({ child }) => child.plural === plural)
  if (relation !== undefined) return relation
  const options = relations.map(({ child }) => child.plural)
  throw new NoSuchRelation('no_such_relation', `${entity.name} has no ${plural} below it`, { options })
}

/** The same once more, from where the page ends. */
function withCursor(request: FastifyRequest, cursor: string): string {
  const [path] = request.url.split('?', 1)
  const { token: _token, ...query } = request.query as Record<string, string>
  return `${path}?${new URLSearchParams({ ...query, cursor })}`
}
