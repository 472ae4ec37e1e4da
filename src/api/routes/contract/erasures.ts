import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { DocumentErasures } from '../../../documents/erasures.ts'
import { HashSchema, UidSchema } from '../../../events/ids.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { ContractParams, closed, OptionalAbout } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

const Asked = Type.Object(
  {
    paths: Type.Optional(Type.Array(Type.String({ maxLength: 4_000 }), { maxItems: 1000, uniqueItems: true })),
    seals: Type.Optional(Type.Array(HashSchema, { maxItems: 1000, uniqueItems: true })),
    about: OptionalAbout,
  },
  closed,
)
const Vote = Type.Object({ vote: Type.Union([Type.Literal('yes'), Type.Literal('no')]), about: OptionalAbout }, closed)

/** `/api/Contract/<uid>/Erasures[/<erasure>/Votes]` */
export const erasureRoutes: FastifyPluginAsyncTypebox<RoutePorts> = async (app, ports) => {
  const { contracts, documents, defaultWaitMs, store } = ports
  const erasures = new DocumentErasures(contracts, documents, store)
  const voter = { config: { role: 'voter' as const } }

  app.get(
    '/api/Contract/:uid/Erasures',
    { config: { role: 'reader' }, schema: { params: ContractParams } },
    async ({ params: { uid } }) => erasures.list(uid),
  )

  app.post(
    '/api/Contract/:uid/Erasures',
    { ...voter, schema: { querystring: DryRunQuery, params: ContractParams, body: Asked } },
    async (request, reply) =>
      send(reply, await erasures.erase(request.params.uid, request.body, waitOf(request, defaultWaitMs))),
  )

  app.post(
    '/api/Contract/:uid/Erasures/:erasure/Votes',
    {
      ...voter,
      schema: {
        querystring: DryRunQuery,
        params: Type.Object({ uid: UidSchema, erasure: HashSchema }),
        body: Vote,
      },
    },
    async (request, reply) => {
      const { uid, erasure } = request.params
      return send(reply, await erasures.vote(uid, erasure, request.body, waitOf(request, defaultWaitMs)))
    },
  )
}
