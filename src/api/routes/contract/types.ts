import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { currentTypes } from '../../../aggregates/contract/document/types.ts'
import { fitText } from '../../../aggregates/names/fit-text.ts'
import { UidSchema } from '../../../events/ids.ts'
import { definitionHash, typeDefinitionMembers } from '../../../events/type-definition.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { ContractParams, closed } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

/** `/api/Contract/<uid>/Types` */
export const typeRoutes: FastifyPluginAsyncTypebox<RoutePorts> = async (app, ports) => {
  const { contracts, documents, defaultWaitMs } = ports

  app.get(
    '/api/Contract/:uid/Types',
    { config: { role: 'reader' }, schema: { params: ContractParams } },
    async ({ params }) =>
      contracts.use(params.uid, ({ state }) =>
        currentTypes(state.settling.agreed.types).map((one) => ({ ...one, definition: definitionHash(one) })),
      ),
  )

  const { name, ...members } = typeDefinitionMembers
  app.put(
    '/api/Contract/:uid/Types/:name',
    {
      config: { role: 'editor' },
      schema: {
        querystring: DryRunQuery,
        params: Type.Object({ uid: UidSchema, name }),
        body: Type.Object(members, closed),
      },
    },
    async (request, reply) => {
      const { uid, name } = request.params
      const command = { type: 'DefineType', name: fitText('the name of the type', name), ...request.body } as const
      return send(reply, await documents.command(uid, [command], waitOf(request, defaultWaitMs)))
    },
  )
}
