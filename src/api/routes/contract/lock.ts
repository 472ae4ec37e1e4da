import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { settledAt } from '../../../contracts/replica/find-settled.ts'
import { heldAbouts, withAbout } from '../../../contracts/requests/held-abouts.ts'
import { CountSchema } from '../../../events/ids.ts'
import { LockPurposeSchema } from '../../../events/reasons.ts'
import { groupOf } from '../../../store/payload-group.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { ContractParams, closed, OptionalAbout } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

/** `/api/Contract/<uid>/Lock`, and `…/Lock/Breaks` */
export const lockRoutes: FastifyPluginAsyncTypebox<RoutePorts> = async (app, ports) => {
  const { contracts, documents, store, defaultWaitMs } = ports

  app.get(
    '/api/Contract/:uid/Lock',
    { config: { role: 'reader' }, schema: { params: ContractParams } },
    async ({ params }) => {
      const lock = await contracts.use(params.uid, ({ state }) => state.settling.agreed.lock)
      if (lock === null) return { locked: false }
      const { about, index } = lock
      const taken = about && (await settledAt(store.events, params.uid, index))
      const refs = taken === undefined || about === undefined ? [] : [{ group: groupOf(taken.request), seal: about }]
      return { locked: true, ...withAbout(lock, await heldAbouts(store.payloads, params.uid, refs)) }
    },
  )

  app.post(
    '/api/Contract/:uid/Lock',
    {
      config: { role: 'editor' },
      schema: {
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object(
          { purpose: LockPurposeSchema, about: OptionalAbout, retry: Type.Optional(Type.Boolean()) },
          closed,
        ),
      },
    },
    async (request, reply) => {
      const { purpose, about, retry = false } = request.body
      const wait = { ...waitOf(request, defaultWaitMs), ...(retry ? { retry: true as const } : {}) }
      return send(reply, await documents.command(request.params.uid, [{ type: 'LockRecord', purpose }], wait, about))
    },
  )

  app.delete(
    '/api/Contract/:uid/Lock',
    { config: { role: 'editor' }, schema: { querystring: DryRunQuery, params: ContractParams } },
    async (request, reply) => {
      const wait = waitOf(request, defaultWaitMs)
      return send(reply, await documents.command(request.params.uid, [{ type: 'ReleaseLock' }], wait))
    },
  )

  app.post(
    '/api/Contract/:uid/Lock/Breaks',
    {
      config: { role: 'voter' },
      schema: {
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object({ lock: CountSchema }, closed),
      },
    },
    async (request, reply) => {
      const command = { type: 'BreakLock', lock: request.body.lock } as const
      return send(reply, await documents.command(request.params.uid, [command], waitOf(request, defaultWaitMs)))
    },
  )
}
