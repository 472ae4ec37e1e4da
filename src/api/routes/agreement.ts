import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { equivocationEvidence, traceDivergence, wrongHeadEvidence } from '../../agreement/evidence.ts'
import { findSettled, settledAt } from '../../contracts/replica/find-settled.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { heldAbouts, withAbout } from '../../contracts/requests/held-abouts.ts'
import { standingOfElement } from '../../contracts/requests/progress.ts'
import { type Hash, isHash } from '../../crypto/hash.ts'
import { type About, AboutSchema, isAbout } from '../../events/about.ts'
import type { Command } from '../../events/commands.ts'
import {
  CountSchema,
  ElementIdSchema,
  EngineVersionSchema,
  HandleSchema,
  type RequestRef,
  requestKey,
  type Uid,
  UidSchema,
} from '../../events/ids.ts'
import { LockPurposeSchema, ResignationReasonSchema } from '../../events/reasons.ts'
import { seal, valueSealsOf, valueUnder } from '../../events/seal.ts'
import type { Request } from '../../events/statement.ts'
import { retryWithFullHistory } from '../../runtime/history-pruned.ts'
import { groupOf } from '../../store/payload-group.ts'
import { answerFor } from '../http/request-response.ts'
import { TokenInQuery } from '../http/validation.ts'
import { NoSuchPath } from '../path.ts'
import type { ContractRoutesPorts } from './contracts.ts'
import { heldRequest, requestStatus } from './request-status.ts'
import { submitter, waitingFor } from './submit.ts'

const closed = { additionalProperties: false }
const OptionalAbout = Type.Optional(AboutSchema)
const Params = Type.Object({ uid: UidSchema })
const RequestParams = Type.Object({ uid: UidSchema, request: Type.String({ maxLength: 100 }) })

/** Membership, the record lock, answers of people, withdrawals, tiers and evidence: all below `/api/Contract/<uid>`. */
export const agreementRoutes: FastifyPluginAsyncTypebox<ContractRoutesPorts> = async (app, ports) => {
  const { contracts, store } = ports
  const submit = submitter(ports)

  /** Requests the command, with what is to be said about it, and answers as its fate is: agreed, void, refused, or not in time. */
  const order = async (
    live: LiveContract,
    command: Command,
    prefer: string | string[] | undefined,
    reply: FastifyReply,
    { about, retry = false }: { about?: About | undefined; retry?: boolean } = {},
  ) => {
    const said = about && seal(about, ports.newSalt())
    const commands = [said === undefined ? command : { about: said.seal, ...command }]
    const payloads = said === undefined ? {} : { [said.seal]: said.payload }
    const submission = submit(live, commands, payloads, waitingFor(prefer, ports.defaultWaitMs), retry)
    const answer = await answerFor(submission, live, store.payloads)
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
    {
      schema: {
        params: Params,
        body: Type.Object({ reason: Type.Optional(ResignationReasonSchema), about: OptionalAbout }, closed),
      },
    },
    async ({ params, body: { about, ...why }, headers }, reply) =>
      contracts.use(params.uid, (live) => order(live, { type: 'Resign', ...why }, headers.prefer, reply, { about })),
  )

  app.get('/api/Contract/:uid/Lock', { schema: { params: Params } }, async ({ params }) => {
    const lock = await contracts.use(params.uid, ({ state }) => state.settling.agreed.lock)
    if (lock === null) return { locked: false }
    const { about, index } = lock
    const taken = about && (await settledAt(store.events, params.uid, index))
    const refs = taken === undefined || about === undefined ? [] : [{ group: groupOf(taken.request), seal: about }]
    return { locked: true, ...withAbout(lock, await heldAbouts(store.payloads, params.uid, refs)) }
  })

  app.post(
    '/api/Contract/:uid/Lock',
    {
      schema: {
        params: Params,
        body: Type.Object(
          { purpose: LockPurposeSchema, about: OptionalAbout, retry: Type.Optional(Type.Boolean()) },
          closed,
        ),
      },
    },
    async ({ params, body: { purpose, ...options }, headers }, reply) =>
      contracts.use(params.uid, (live) => order(live, { type: 'LockRecord', purpose }, headers.prefer, reply, options)),
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
        ...(await openedIn(params.uid, request, asked)),
        until: new Date(until).toISOString(),
        otherwise,
        reason,
      })),
    )
  })

  /** By their seals the values that the commands name, and what its author says about it and about each of them. */
  const openedIn = async (contract: Uid, request: RequestRef, asked: Request) => {
    const ref = (seal: Hash) => ({ group: groupOf(request), seal })
    const values = valueSealsOf([asked])
    const { about } = asked
    const abouts = [asked, ...asked.commands].flatMap((one) => ('about' in one && isHash(one.about) ? [one.about] : []))
    const texts = await store.payloads.get(contract, [...values].map(ref))
    const held = await heldAbouts(store.payloads, contract, abouts.map(ref))
    return {
      ...(about === undefined ? {} : { about: held(about) }),
      values: Object.fromEntries([...texts].map(([seal, text]) => [seal, valueUnder(seal, text)])),
      abouts: Object.fromEntries(abouts.map((seal) => [seal, held(seal)])),
    }
  }

  app.post(
    '/api/Contract/:uid/Questions/:request',
    {
      schema: {
        params: RequestParams,
        body: Type.Union([
          Type.Object({ answer: Type.Literal('acknowledge') }, closed),
          Type.Object({ answer: Type.Literal('refuse'), about: OptionalAbout }, closed),
        ]),
      },
    },
    async ({ params, body }, reply) => {
      await contracts.use(params.uid, async (live) => {
        const { request } = await heldRequest(live, params.request)
        const { answer, ...refusal } = body
        await live.answer(request, answer === 'refuse' ? refusal : undefined)
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
        querystring: Type.Object({ ...AboutSchema.properties, ...TokenInQuery }, closed),
      },
    },
    async ({ params, query }, reply) => {
      const status = await contracts.use(params.uid, async (live) => {
        const { request } = await heldRequest(live, params.request)
        const { title, text } = query
        const about = { ...(title === undefined ? {} : { title }), ...(text === undefined ? {} : { text }) }
        await live.withdraw(request, isAbout(about) ? about : undefined)
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
        retryWithFullHistory(live, () =>
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
    contracts.use(params.uid, (live) => retryWithFullHistory(live, () => evidenceIn(live))),
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
