import type { FastifyReply, RouteOptions } from 'fastify'
import { Type } from 'typebox'
import { find } from '../../aggregates/contract/state.ts'
import { elementSchema } from '../../documents/elements/element-schema.ts'
import { ROOT, UidSchema } from '../../events/ids.ts'
import { VERSION } from '../../runtime/version.ts'
import { AnyValue, NoBody } from '../answers/common.ts'
import { toldRoutes } from '../answers/described.ts'
import { ofContract } from '../answers/problems.ts'
import type { TypedRoutes } from '../answers/typed-routes.ts'
import { entityTag, namesTag } from '../http/entity-tag.ts'
import { contractDocument } from '../openapi/contract.ts'
import { liveDocument } from '../openapi/live.ts'
import { serviceDocument } from '../openapi/service.ts'
import { LiveMessageSchema } from './live/web-socket.ts'
import type { RoutePorts } from './ports.ts'

export interface OpenApiPorts extends RoutePorts {
  /** All that the API has, once it is ready. */
  readonly routes: Iterable<RouteOptions>
}

const response = { 200: AnyValue, 304: NoBody }

/** `/openapi.json`, `/openapi/<uid>.json` and `/asyncapi.json`: what programs can know of this API, made from the schemas of its routes. */
export const openApiRoutes: TypedRoutes<OpenApiPorts> = async (app, { contracts, routes }) => {
  let service: string | undefined
  let live: string | undefined

  app.get(
    '/openapi.json',
    {
      config: { role: 'reader' },
      schema: { operationId: 'getOpenApi', summary: 'This API as an OpenAPI 3.1 document', response },
    },
    async ({ headers }, reply) => {
      service ??= JSON.stringify(serviceDocument(toldRoutes(routes), VERSION))
      return sendDocument(reply, service, headers['if-none-match'])
    },
  )

  app.get(
    '/openapi/:uid.json',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'getContractOpenApi',
        summary: 'The paths and types of one contract as an OpenAPI 3.1 document',
        params: Type.Object({ uid: UidSchema }),
        response,
      },
    },
    async ({ headers, params: { uid } }, reply) => {
      const document = await contracts.use(uid, ({ state: { settling } }) => {
        const { agreed } = settling
        const root = elementSchema(find(agreed, ROOT) as Parameters<typeof elementSchema>[0], agreed)
        return contractDocument({ contract: uid, root, title: agreed.title }, VERSION)
      })
      return sendDocument(reply, JSON.stringify(document), headers['if-none-match'])
    },
  )

  app.get(
    '/asyncapi.json',
    {
      config: { role: 'reader' },
      schema: { operationId: 'getAsyncApi', summary: '/live as an AsyncAPI 3.0 document', response },
    },
    async ({ headers }, reply) => {
      live ??= JSON.stringify(liveDocument(LiveMessageSchema, VERSION))
      return sendDocument(reply, live, headers['if-none-match'])
    },
  )
}

function sendDocument(reply: FastifyReply, text: string, known: string | undefined): FastifyReply {
  const tag = entityTag('application/json', text)
  reply.header('etag', tag)
  if (namesTag(known, tag)) return reply.code(304).send()
  return reply.type('application/json').send(text)
}
