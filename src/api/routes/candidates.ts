import { Type } from 'typebox'
import { Candidates } from '../../documents/candidates/candidates.ts'
import { parsePath } from '../../documents/path.ts'
import { ProposalIdSchema } from '../../events/ids.ts'
import type { CandidateRecords } from '../../projections/queries/candidate-records.ts'
import { CandidateSchema, TickSchema } from '../answers/candidates.ts'
import { ofCandidateVote, ofElement, ofWrite } from '../answers/problems.ts'
import type { TypedRoutes } from '../answers/typed-routes.ts'
import { written } from '../answers/written.ts'
import { waitOf } from '../http/prefer-header.ts'
import { send } from '../http/request-response.ts'
import { DryRunQuery } from '../http/validation.ts'
import { atElement, VoteBody } from './forms.ts'
import type { RoutePorts } from './ports.ts'

export interface CandidateRoutesPorts extends RoutePorts {
  /** From the read model. */
  readonly candidateRecords: Pick<CandidateRecords, 'past' | 'votesOn'>
}

const ElementParams = Type.Object(atElement)
const ProposalParams = Type.Object({ ...atElement, proposal: ProposalIdSchema })

/** `/new-api/<uid>/<path>/~proposals[/<proposal>[/votes|choice]]` and `…/~votes`; `element` is the whole path (url.ts). */
export const candidateRoutes: TypedRoutes<CandidateRoutesPorts> = async (app, ports) => {
  const candidates = new Candidates(ports)
  const { defaultWaitMs } = ports

  app.get(
    '/new-api/:uid/:element/~proposals',
    {
      config: { role: 'reader', problems: ofElement },
      schema: {
        operationId: 'listCandidates',
        summary: 'Values that were put up at and below an element, and are not agreed',
        params: ElementParams,
        response: { 200: Type.Array(CandidateSchema) },
      },
    },
    async ({ params: { uid, element } }) => candidates.list(uid, parsePath(element)),
  )

  app.get(
    '/new-api/:uid/:element/~votes',
    {
      config: { role: 'reader', problems: ofElement },
      schema: {
        operationId: 'listVotes',
        summary: 'Who is asked about what at and below an element, and what they have said',
        params: ElementParams,
        response: { 200: Type.Array(TickSchema) },
      },
    },
    async ({ params: { uid, element } }) => candidates.votes(uid, parsePath(element)),
  )

  app.get(
    '/new-api/:uid/:element/~proposals/:proposal',
    {
      config: { role: 'reader', problems: [...ofElement, 'no_such_proposal'] },
      schema: {
        operationId: 'getCandidate',
        summary: 'A value that was put up',
        params: ProposalParams,
        response: { 200: CandidateSchema },
      },
    },
    async ({ params: { uid, element, proposal } }) => candidates.get(uid, parsePath(element), proposal),
  )

  app.get(
    '/new-api/:uid/:element/~proposals/:proposal/votes',
    {
      config: { role: 'reader', problems: [...ofElement, 'no_such_proposal'] },
      schema: {
        operationId: 'listVotesOnCandidate',
        summary: 'Who is asked about a value, and what they have said',
        params: ProposalParams,
        response: { 200: Type.Array(TickSchema) },
      },
    },
    async ({ params: { uid, element, proposal } }) => candidates.votes(uid, parsePath(element), proposal),
  )

  app.post(
    '/new-api/:uid/:element/~proposals/:proposal/votes',
    {
      config: { role: 'voter', problems: ofCandidateVote },
      schema: {
        operationId: 'voteOnCandidate',
        summary: 'Votes on a value',
        querystring: DryRunQuery,
        params: ProposalParams,
        body: VoteBody,
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, element, proposal } = request.params
      const wait = waitOf(request, defaultWaitMs)
      return send(reply, await candidates.vote(uid, parsePath(element), proposal, request.body, wait))
    },
  )

  app.post(
    '/new-api/:uid/:element/~proposals/:proposal/choice',
    {
      config: { role: 'editor', problems: ofWrite },
      schema: {
        operationId: 'chooseCandidate',
        summary: 'Puts a value up in the place of all that stands in conflict',
        querystring: DryRunQuery,
        params: ProposalParams,
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, element, proposal } = request.params
      return send(reply, await candidates.choose(uid, parsePath(element), proposal, waitOf(request, defaultWaitMs)))
    },
  )

  app.delete(
    '/new-api/:uid/:element/~proposals/:proposal',
    {
      config: { role: 'editor', problems: ofCandidateVote },
      schema: {
        operationId: 'withdrawCandidate',
        summary: 'Takes a value back',
        querystring: DryRunQuery,
        params: ProposalParams,
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, element, proposal } = request.params
      return send(reply, await candidates.withdraw(uid, parsePath(element), proposal, waitOf(request, defaultWaitMs)))
    },
  )
}
