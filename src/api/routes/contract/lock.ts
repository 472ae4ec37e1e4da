import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { settledAt } from '../../../contracts/replica/find-settled.ts'
import { heldAbouts, withAbout } from '../../../contracts/requests/held-abouts.ts'
import { CountSchema } from '../../../events/ids.ts'
import { LockPurposeSchema } from '../../../events/reasons.ts'
import { groupOf } from '../../../store/payload-group.ts'
import { waitFor } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
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
        params: ContractParams,
        body: Type.Object(
          { purpose: LockPurposeSchema, about: OptionalAbout, retry: Type.Optional(Type.Boolean()) },
          closed,
        ),
      },
    },
    async ({ params: { uid }, body: { purpose, about, retry = false }, headers }, reply) => {
      const wait = { ...waitFor(headers.prefer, defaultWaitMs), ...(retry ? { retry: true as const } : {}) }
      return send(reply, await documents.command(uid, [{ type: 'LockRecord', purpose }], wait, about))
    },
  )

  app.delete(
    '/api/Contract/:uid/Lock',
    { config: { role: 'editor' }, schema: { params: ContractParams } },
    async ({ params: { uid }, headers }, reply) => {
      const wait = waitFor(headers.prefer, defaultWaitMs)
      return send(reply, await documents.command(uid, [{ type: 'ReleaseLock' }], wait))
    },
  )

  app.post(
    '/api/Contract/:uid/Lock/Breaks',
    {
      config: { role: 'voter' },
      schema: { params: ContractParams, body: Type.Object({ lock: CountSchema }, closed) },
    },
    async ({ params: { uid }, body: { lock }, headers }, reply) => {
      const wait = waitFor(headers.prefer, defaultWaitMs)
      return send(reply, await documents.command(uid, [{ type: 'BreakLock', lock }], wait))
    },
  )
}
