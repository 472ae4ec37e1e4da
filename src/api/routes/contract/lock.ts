import { Type } from 'typebox'
import { settledAt } from '../../../contracts/replica/find-settled.ts'
import { heldAbouts, withAbout } from '../../../contracts/requests/held-abouts.ts'
import { CountSchema } from '../../../events/ids.ts'
import { LockPurposeSchema } from '../../../events/reasons.ts'
import { groupOf } from '../../../store/payload-group.ts'
import { LockSchema } from '../../answers/contracts.ts'
import { ofContract, ofLock } from '../../answers/problems.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { written } from '../../answers/written.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { ContractParams, closed, OptionalAbout } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

/** `/api/Contract/<uid>/Lock`, and `…/Lock/Breaks` */
export const lockRoutes: TypedRoutes<RoutePorts> = async (app, ports) => {
  const { contracts, documents, store, defaultWaitMs } = ports

  app.get(
    '/api/Contract/:uid/Lock',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'getLock',
        summary: 'Who holds the record lock',
        params: ContractParams,
        response: { 200: LockSchema },
      },
    },
    async ({ params }) => {
      const lock = await contracts.use(params.uid, ({ state }) => state.settling.agreed.lock)
      if (lock === null) return { locked: false as const }
      const { about, index } = lock
      const taken = about && (await settledAt(store.events, params.uid, index))
      const refs = taken === undefined || about === undefined ? [] : [{ group: groupOf(taken.request), seal: about }]
      return { locked: true as const, ...withAbout(lock, await heldAbouts(store.payloads, params.uid, refs)) }
    },
  )

  app.post(
    '/api/Contract/:uid/Lock',
    {
      config: { role: 'editor', problems: ofLock },
      schema: {
        operationId: 'takeLock',
        summary: 'Takes the record lock: others change nothing until it is released',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object(
          { purpose: LockPurposeSchema, about: OptionalAbout, retry: Type.Optional(Type.Boolean()) },
          closed,
        ),
        response: written,
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
    {
      config: { role: 'editor', problems: ofLock },
      schema: {
        operationId: 'releaseLock',
        summary: 'Releases the record lock',
        querystring: DryRunQuery,
        params: ContractParams,
        response: written,
      },
    },
    async (request, reply) => {
      const wait = waitOf(request, defaultWaitMs)
      return send(reply, await documents.command(request.params.uid, [{ type: 'ReleaseLock' }], wait))
    },
  )

  app.post(
    '/api/Contract/:uid/Lock/Breaks',
    {
      config: { role: 'voter', problems: ofLock },
      schema: {
        operationId: 'breakLock',
        summary: 'Votes that the lock of another party falls',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object({ lock: CountSchema }, closed),
        response: written,
      },
    },
    async (request, reply) => {
      const command = { type: 'BreakLock', lock: request.body.lock } as const
      return send(reply, await documents.command(request.params.uid, [command], waitOf(request, defaultWaitMs)))
    },
  )
}
