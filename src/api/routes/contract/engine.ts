import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { EngineVersionSchema } from '../../../events/ids.ts'
import { waitFor } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
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
      schema: { params: ContractParams, body: Type.Object({ to: EngineVersionSchema }, closed) },
    },
    async ({ params: { uid }, body: { to }, headers }, reply) => {
      const wait = waitFor(headers.prefer, defaultWaitMs)
      return send(reply, await documents.command(uid, [{ type: 'UpgradeEngine', to }], wait))
    },
  )
}
