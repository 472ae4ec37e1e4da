import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { equivocationEvidence, traceDivergence, wrongHeadEvidence } from '../agreement/evidence.ts'
import { findSettled } from '../contracts/find-settled.ts'
import type { LiveContract } from '../contracts/live-contract.ts'
import { standingOfElement } from '../contracts/tiers.ts'
import type { Command } from '../events/commands.ts'
import {
  CountSchema,
  ElementIdSchema,
  EngineVersionSchema,
  HandleSchema,
  type RequestRef,
  requestKey,
  type Uid,
  UidSchema,
} from '../events/ids.ts'
import { REASON_CHARACTERS_MAX } from '../events/limits.ts'
import { sealsNamedBy, valueUnder } from '../events/seal.ts'
import { withHistory } from '../runtime/forgotten.ts'
import { groupOf } from '../store/payload-group.ts'
import type { ContractRoutesPorts } from './contract-routes.ts'
import { NoSuchPath } from './path.ts'
import { heldRequest, requestStatus } from './request-status.ts'
import { submitter, waitingFor } from './submit.ts'
import { TokenInQuery } from './validation.ts'
import { answerFor } from './verdict.ts'

const closed = { additionalProperties: false }
const Reason = Type.String({ minLength: 1, maxLength: REASON_CHARACTERS_MAX })
const Params = Type.Object({ uid: UidSchema })
const RequestParams = Type.Object({ uid: UidSchema, request: Type.String({ maxLength: 100 }) })

/** Membership, the record lock, answers of people, withdrawals, tiers and evidence: all below `/api/Contract/<uid>`. */
export const agreementRoutes: FastifyPluginAsyncTypebox<ContractRoutesPorts> = async (app, ports) => {
  const { contracts, store } = ports
  const submit = submitter(ports)

  /** Requests the command and answers as its fate is: agreed, void, refused, or not in time. */
  const order = async (
    live: LiveContract,
    command: Command,
    prefer: string | string[] | undefined,
    reply: FastifyReply,
    retry = false,
  ) => {
    const submission = submit(live, [command], {}, waitingFor(prefer, ports.defaultWaitMs), retry)
    const answer = await answerFor(submission, live)
    return reply.code(answer.status).headers(answer.headers).send(answer.body)
  }

  app.post('/api/Contract/:uid/Decline', { schema: { params: Params } }, async (request, reply) => {
    const { uid } = request.params
    await contracts.use(uid, async (live) => {
      await contracts.decline(uid)
      ports.announce(live)
    })
    return reply.code(202).send({ contract: uid, standing: 'declined' })
  })

  app.delete(
    '/api/Contract/:uid/Invitations/:party',
    { schema: { params: Type.Object({ uid: UidSchema, party: HandleSchema }) } },
    async ({ params, headers }, reply) =>
      contracts.use(params.uid, (live) =>
        order(live, { type: 'WithdrawInvitation', party: params.party }, headers.prefer, reply),
      ),
  )

  app.post(
    '/api/Contract/:uid/Resignation',
    { schema: { params: Params, body: Type.Object({ reason: Type.Optional(Reason) }, closed) } },
    async ({ params, body, headers }, reply) =>
      contracts.use(params.uid, (live) => order(live, { type: 'Resign', ...body }, headers.prefer, reply)),
  )

  app.get('/api/Contract/:uid/Lock', { schema: { params: Params } }, async ({ params }) => {
    const lock = await contracts.use(params.uid, ({ state }) => state.settling.agreed.lock)
    return lock === null ? { locked: false } : { locked: true, ...lock }
  })

  app.post(
    '/api/Contract/:uid/Lock',
    {
      schema: {
        params: Params,
        body: Type.Object({ purpose: Reason, retry: Type.Optional(Type.Boolean()) }, closed),
      },
    },
    async ({ params, body: { purpose, retry }, headers }, reply) =>
      contracts.use(params.uid, (live) => order(live, { type: 'LockRecord', purpose }, headers.prefer, reply, retry)),
  )

  app.delete('/api/Contract/:uid/Lock', { schema: { params: Params } }, async ({ params, headers }, reply) =>
    contracts.use(params.uid, (live) => order(live, { type: 'ReleaseLock' }, headers.prefer, reply)),
  )

  app.post(
    '/api/Contract/:uid/Lock/Breaks',
    { schema: { params: Params, body: Type.Object({ lock: CountSchema }, closed) } },
    async ({ params, body, headers }, reply) =>
      contracts.use(params.uid, (live) => order(live, { type: 'BreakLock', lock: body.lock }, headers.prefer, reply)),
  )

  app.get('/api/Contract/:uid/Engine', { schema: { params: Params } }, async ({ params }) =>
    contracts.use(params.uid, ({ state: { ledger, settling } }) => {
      const { engine, engineSince: since, engineVotes: votes, phase } = settling.agreed
      return { engine, since, phase, votes, available: ledger.engines.versions }
    }),
  )

  app.post(
    '/api/Contract/:uid/Engine',
    { schema: { params: Params, body: Type.Object({ to: EngineVersionSchema }, closed) } },
    async ({ params, body, headers }, reply) =>
      contracts.use(params.uid, (live) => order(live, { type: 'UpgradeEngine', to: body.to }, headers.prefer, reply)),
  )

  app.get('/api/Contract/:uid/Questions', { schema: { params: Params } }, async ({ params }) => {
    const questions = await contracts.use(params.uid, (live) => live.questions)
    return Promise.all(
      questions.map(async ({ request, asked, until, otherwise, reason }) => ({
        request: requestKey(request),
        by: request.handle,
        commands: asked.commands,
        values: await valuesOf(params.uid, request, asked),
        until: new Date(until).toISOString(),
        otherwise,
        reason,
      })),
    )
  })

  /** The values that the commands of a request name by their seals. */
  const valuesOf = async (contract: Uid, request: RequestRef, asked: { commands: readonly unknown[] }) => {
    const group = groupOf(request)
    const seals = sealsNamedBy([asked as Parameters<typeof sealsNamedBy>[0][number]])
    const texts = await store.payloads.get(
      contract,
      Array.from(seals, (seal) => ({ group, seal })),
    )
    return Object.fromEntries([...texts].map(([seal, text]) => [seal, valueUnder(seal, text)]))
  }

  app.post(
    '/api/Contract/:uid/Questions/:request',
    {
      schema: {
        params: RequestParams,
        body: Type.Object(
          { answer: Type.Union([Type.Literal('acknowledge'), Type.Literal('refuse')]), reason: Type.Optional(Reason) },
          closed,
        ),
      },
    },
    async ({ params, body }, reply) => {
      await contracts.use(params.uid, async (live) => {
        const { request } = await heldRequest(live, params.request)
        await live.answer(request, body.answer === 'refuse' ? (body.reason ?? 'refused by a person') : undefined)
      })
      return reply.code(204).send()
    },
  )

  app.get('/api/Contract/:uid/Requests/:request', { schema: { params: RequestParams } }, async ({ params }) =>
    contracts.use(params.uid, (live) => requestStatus(live, store, params.request)),
  )

  app.delete(
    '/api/Contract/:uid/Requests/:request',
    {
      schema: {
        params: RequestParams,
        querystring: Type.Object({ reason: Type.Optional(Reason), ...TokenInQuery }, closed),
      },
    },
    async ({ params, query }, reply) => {
      const status = await contracts.use(params.uid, async (live) => {
        const { request } = await heldRequest(live, params.request)
        await live.withdraw(request, query.reason ?? 'withdrawn by its user')
        return requestStatus(live, store, params.request)
      })
      return reply.code(202).send(status)
    },
  )

  app.get(
    '/api/Contract/:uid/Elements/:element/Standing',
    { schema: { params: Type.Object({ uid: UidSchema, element: ElementIdSchema }) } },
    async ({ params }) => {
      const standing = await contracts.use(params.uid, (live) =>
        withHistory(live, () =>
          standingOfElement(
            live.state,
            params.element,
            async (request) => (await findSettled(store.events, live.contract, request))?.index,
          ),
        ),
      )
      if (standing === undefined) {
        throw new NoSuchPath('no_such_path', `there is no element ${params.element}`, { element: params.element })
      }
      return standing
    },
  )

  app.get('/api/Contract/:uid/Evidence', { schema: { params: Params } }, async ({ params }) =>
    contracts.use(params.uid, (live) => withHistory(live, () => evidenceIn(live))),
  )
}

function evidenceIn({ state, evidence }: LiveContract) {
  return [
    ...evidence.map((equivocation) => ({ evidence: equivocationEvidence(state, equivocation) })),
    ...state.settling.divergences.map((divergence) => ({
      trace: traceDivergence(state, divergence),
      evidence: wrongHeadEvidence(state, divergence),
    })),
  ]
}
