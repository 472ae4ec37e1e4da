import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { ResignationReasonSchema } from '../../../events/reasons.ts'
import { waitFor } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { ContractParams, closed, OptionalAbout } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

/** `/api/Contract/<uid>/Resignation` */
export const resignationRoutes: FastifyPluginAsyncTypebox<RoutePorts> = async (app, { documents, defaultWaitMs }) => {
  app.post(
    '/api/Contract/:uid/Resignation',
    {
      config: { role: 'voter' },
      schema: {
        params: ContractParams,
        body: Type.Object({ reason: Type.Optional(ResignationReasonSchema), about: OptionalAbout }, closed),
      },
    },
    async ({ params: { uid }, body: { about, ...why }, headers }, reply) => {
      const wait = waitFor(headers.prefer, defaultWaitMs)
      return send(reply, await documents.command(uid, [{ type: 'Resign', ...why }], wait, about))
    },
  )
}
