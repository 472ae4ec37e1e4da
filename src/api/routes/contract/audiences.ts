import { Type } from 'typebox'
import { Audiences } from '../../../documents/audiences.ts'
import { PathSchema } from '../../../documents/path.ts'
import { AudienceSchema } from '../../../events/audience.ts'
import { ProposalIdSchema, TimeSchema } from '../../../events/ids.ts'
import { ElementPath, Handles, object } from '../../answers/common.ts'
import { ofAudience, ofContract } from '../../answers/problems.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { written } from '../../answers/written.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { ContractParams, closed } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

const AudienceShownSchema = object(
  { at: ElementPath, parties: Handles, until: Type.Optional(TimeSchema), effective: Handles },
  'Audience',
)

/** `/api/Contract/<uid>/Audiences`, and `…/Disclosures` */
export const audienceRoutes: TypedRoutes<RoutePorts> = async (app, { contracts, documents, store, defaultWaitMs }) => {
  const audiences = new Audiences(contracts, documents, store)

  app.get(
    '/api/Contract/:uid/Audiences',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'listAudiences',
        summary: 'Blocks whose values are for some parties only',
        params: ContractParams,
        response: { 200: Type.Array(AudienceShownSchema) },
      },
    },
    async ({ params: { uid } }) => audiences.list(uid),
  )

  app.put(
    '/api/Contract/:uid/Audiences',
    {
      config: { role: 'editor', problems: ofAudience },
      schema: {
        operationId: 'setAudience',
        summary: 'Says for whom the values of a block are',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object(
          { at: PathSchema, parties: Type.Union([AudienceSchema, Type.Null()]), until: Type.Optional(TimeSchema) },
          closed,
        ),
        response: written,
      },
    },
    async (request, reply) =>
      send(reply, await audiences.set(request.params.uid, request.body, waitOf(request, defaultWaitMs))),
  )

  app.post(
    '/api/Contract/:uid/Disclosures',
    {
      config: { role: 'editor', problems: ofAudience },
      schema: {
        operationId: 'discloseValue',
        summary: 'Gives a confidential value to everybody',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object({ at: PathSchema, proposal: Type.Optional(ProposalIdSchema) }, closed),
        response: written,
      },
    },
    async (request, reply) =>
      send(reply, await audiences.reveal(request.params.uid, request.body, waitOf(request, defaultWaitMs))),
  )
}
