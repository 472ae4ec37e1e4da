import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { Candidates } from '../../documents/candidates/candidates.ts'
import { parsePath } from '../../documents/path.ts'
import { ProposalIdSchema, UidSchema } from '../../events/ids.ts'
import type { CandidateRecords } from '../../projections/queries/candidate-records.ts'
import { waitOf } from '../http/prefer-header.ts'
import { send } from '../http/request-response.ts'
import { DryRunQuery } from '../http/validation.ts'
import { closed, OptionalAbout } from './forms.ts'
import type { RoutePorts } from './ports.ts'

export interface CandidateRoutesPorts extends RoutePorts {
  /** From the read model. */
  readonly candidateRecords: Pick<CandidateRecords, 'past' | 'votesOn'>
}

const Element = { uid: UidSchema, element: Type.String() }
const ElementParams = Type.Object(Element)
const ProposalParams = Type.Object({ ...Element, proposal: ProposalIdSchema })
const Vote = Type.Object({ vote: Type.Union([Type.Literal('yes'), Type.Literal('no')]), about: OptionalAbout }, closed)

/** `/new-api/<uid>/<path>/~proposals[/<proposal>[/votes|choice]]` and `…/~votes`; `element` is the whole path (url.ts). */
export const candidateRoutes: FastifyPluginAsyncTypebox<CandidateRoutesPorts> = async (app, ports) => {
  const candidates = new Candidates(ports)
  const { defaultWaitMs } = ports
  const reader = { config: { role: 'reader' as const } }
  const editor = { config: { role: 'editor' as const } }

  app.get(
    '/new-api/:uid/:element/~proposals',
    { ...reader, schema: { params: ElementParams } },
    async ({ params: { uid, element } }) => candidates.list(uid, parsePath(element)),
  )

  app.get(
    '/new-api/:uid/:element/~votes',
    { ...reader, schema: { params: ElementParams } },
    async ({ params: { uid, element } }) => candidates.votes(uid, parsePath(element)),
  )

  app.get(
    '/new-api/:uid/:element/~proposals/:proposal',
    { ...reader, schema: { params: ProposalParams } },
    async ({ params: { uid, element, proposal } }) => candidates.get(uid, parsePath(element), proposal),
  )

  app.get(
    '/new-api/:uid/:element/~proposals/:proposal/votes',
    { ...reader, schema: { params: ProposalParams } },
    async ({ params: { uid, element, proposal } }) => candidates.votes(uid, parsePath(element), proposal),
  )

  app.post(
    '/new-api/:uid/:element/~proposals/:proposal/votes',
    { config: { role: 'voter' }, schema: { querystring: DryRunQuery, params: ProposalParams, body: Vote } },
    async (request, reply) => {
      const { uid, element, proposal } = request.params
      const wait = waitOf(request, defaultWaitMs)
      return send(reply, await candidates.vote(uid, parsePath(element), proposal, request.body, wait))
    },
  )

  app.post(
    '/new-api/:uid/:element/~proposals/:proposal/choice',
    { ...editor, schema: { querystring: DryRunQuery, params: ProposalParams } },
    async (request, reply) => {
      const { uid, element, proposal } = request.params
      return send(reply, await candidates.choose(uid, parsePath(element), proposal, waitOf(request, defaultWaitMs)))
    },
  )

  app.delete(
    '/new-api/:uid/:element/~proposals/:proposal',
    { ...editor, schema: { querystring: DryRunQuery, params: ProposalParams } },
    async (request, reply) => {
      const { uid, element, proposal } = request.params
      return send(reply, await candidates.withdraw(uid, parsePath(element), proposal, waitOf(request, defaultWaitMs)))
    },
  )
}
