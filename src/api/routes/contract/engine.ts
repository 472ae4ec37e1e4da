import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { EngineVersionSchema } from '../../../events/ids.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { ContractParams, closed } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

/** `/api/Contract/<uid>/Engine` */
export const engineRoutes: FastifyPluginAsyncTypebox<RoutePorts> = async (app, ports) => {
  const { contracts, documents, defaultWaitMs } = ports

  app.get(
    '/api/Contract/:uid/Engine',
    { config: { role: 'reader' }, schema: { params: ContractParams } },
    async ({ params }) =>
      contracts.use(params.uid, ({ state: { ledger, settling } }) => {
        const { engine, engineSince: since, engineVotes: votes, phase } = settling.agreed
        return { engine, since, phase, votes, available: ledger.engines.versions }
      }),
  )

  app.post(
    '/api/Contract/:uid/Engine',
    {
      config: { role: 'voter' },
      schema: {
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object({ to: EngineVersionSchema }, closed),
      },
    },
    async (request, reply) => {
      const command = { type: 'UpgradeEngine', to: request.body.to } as const
      return send(reply, await documents.command(request.params.uid, [command], waitOf(request, defaultWaitMs)))
    },
  )
}
