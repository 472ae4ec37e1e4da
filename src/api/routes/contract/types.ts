import { Type } from 'typebox'
import { currentTypes } from '../../../aggregates/contract/document/types.ts'
import { fitText } from '../../../aggregates/names/fit-text.ts'
import { UidSchema } from '../../../events/ids.ts'
import { definitionHash, typeDefinitionMembers } from '../../../events/type-definition.ts'
import { CustomTypeSchema } from '../../answers/elements.ts'
import { ofContract, ofOrder } from '../../answers/problems.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { written } from '../../answers/written.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { ContractParams, closed } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

/** `/api/Contract/<uid>/Types` */
export const typeRoutes: TypedRoutes<RoutePorts> = async (app, ports) => {
  const { contracts, documents, defaultWaitMs } = ports

  app.get(
    '/api/Contract/:uid/Types',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'listTypes',
        summary: 'Types that the contract defines',
        params: ContractParams,
        response: { 200: Type.Array(CustomTypeSchema) },
      },
    },
    async ({ params }) =>
      contracts.use(params.uid, ({ state }) =>
        currentTypes(state.settling.agreed.types).map((one) => ({ ...one, definition: definitionHash(one) })),
      ),
  )

  const { name, ...members } = typeDefinitionMembers
  app.put(
    '/api/Contract/:uid/Types/:name',
    {
      config: { role: 'editor', problems: [...ofOrder, 'type_unchanged'] },
      schema: {
        operationId: 'defineType',
        summary: 'Defines a type, or another version of it',
        querystring: DryRunQuery,
        params: Type.Object({ uid: UidSchema, name }),
        body: Type.Object(members, closed),
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, name } = request.params
      const command = { type: 'DefineType', name: fitText('the name of the type', name), ...request.body } as const
      return send(reply, await documents.command(uid, [command], waitOf(request, defaultWaitMs)))
    },
  )
}
