import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { Audiences } from '../../../documents/audiences.ts'
import { AudienceSchema } from '../../../events/audience.ts'
import { ProposalIdSchema, TimeSchema } from '../../../events/ids.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { ContractParams, closed } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

const Path = Type.String({ maxLength: 4_000 })

/** `/api/Contract/<uid>/Audiences`, and `…/Disclosures` */
export const audienceRoutes: FastifyPluginAsyncTypebox<RoutePorts> = async (
  app,
  { contracts, documents, store, defaultWaitMs },
) => {
  const audiences = new Audiences(contracts, documents, store)

  app.get(
    '/api/Contract/:uid/Audiences',
    { config: { role: 'reader' }, schema: { params: ContractParams } },
    async ({ params: { uid } }) => audiences.list(uid),
  )

  app.put(
    '/api/Contract/:uid/Audiences',
    {
      config: { role: 'editor' },
      schema: {
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object(
          { at: Path, parties: Type.Union([AudienceSchema, Type.Null()]), until: Type.Optional(TimeSchema) },
          closed,
        ),
      },
    },
    async (request, reply) =>
      send(reply, await audiences.set(request.params.uid, request.body, waitOf(request, defaultWaitMs))),
  )

  app.post(
    '/api/Contract/:uid/Disclosures',
    {
      config: { role: 'editor' },
      schema: {
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object({ at: Path, proposal: Type.Optional(ProposalIdSchema) }, closed),
      },
    },
    async (request, reply) =>
      send(reply, await audiences.reveal(request.params.uid, request.body, waitOf(request, defaultWaitMs))),
  )
}
