import { Type } from 'typebox'
import { ResignationReasonSchema } from '../../../events/reasons.ts'
import { ofVote } from '../../answers/problems.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { written } from '../../answers/written.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { ContractParams, closed, OptionalAbout } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

/** `/api/Contract/<uid>/Resignation` */
export const resignationRoutes: TypedRoutes<RoutePorts> = async (app, { documents, defaultWaitMs }) => {
  app.post(
    '/api/Contract/:uid/Resignation',
    {
      config: { role: 'voter', problems: ofVote },
      schema: {
        operationId: 'resign',
        summary: 'Leaves the contract',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object({ reason: Type.Optional(ResignationReasonSchema), about: OptionalAbout }, closed),
        response: written,
      },
    },
    async (request, reply) => {
      const { about, ...why } = request.body
      const wait = waitOf(request, defaultWaitMs)
      return send(reply, await documents.command(request.params.uid, [{ type: 'Resign', ...why }], wait, about))
    },
  )
}
