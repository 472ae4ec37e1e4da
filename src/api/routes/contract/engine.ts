import { Type } from 'typebox'
import { EngineVersionSchema } from '../../../events/ids.ts'
import { EngineSchema } from '../../answers/contracts.ts'
import { ofContract, ofVote } from '../../answers/problems.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { written } from '../../answers/written.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { ContractParams, closed } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

/** `/api/Contract/<uid>/Engine` */
export const engineRoutes: TypedRoutes<RoutePorts> = async (app, ports) => {
  const { contracts, documents, defaultWaitMs } = ports

  app.get(
    '/api/Contract/:uid/Engine',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'getEngine',
        summary: 'The engine that judges the contract',
        params: ContractParams,
        response: { 200: EngineSchema },
      },
    },
    async ({ params }) =>
      contracts.use(params.uid, ({ state: { ledger, settling } }) => {
        const { engine, engineSince: since, engineVotes: votes, phase } = settling.agreed
        return { engine, since, phase, votes, available: ledger.engines.versions }
      }),
  )

  app.post(
    '/api/Contract/:uid/Engine',
    {
      config: { role: 'voter', problems: [...ofVote, 'record_locked', 'engine_not_newer'] },
      schema: {
        operationId: 'upgradeEngine',
        summary: 'Votes that the contract goes on in another engine',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object({ to: EngineVersionSchema }, closed),
        response: written,
      },
    },
    async (request, reply) => {
      const command = { type: 'UpgradeEngine', to: request.body.to } as const
      return send(reply, await documents.command(request.params.uid, [command], waitOf(request, defaultWaitMs)))
    },
  )
}
