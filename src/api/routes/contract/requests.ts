import { Type } from 'typebox'
import { AboutSchema, isAbout } from '../../../events/about.ts'
import { ofContract } from '../../answers/problems.ts'
import { RequestStatusSchema } from '../../answers/requests.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { TokenInQuery } from '../../http/validation.ts'
import { closed, RequestParams } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'
import { heldRequest, requestStatus } from './request-status.ts'

/** `/api/Contract/<uid>/Requests/<request>`: how far a request has come, and how its user takes it back. */
export const requestRoutes: TypedRoutes<RoutePorts> = async (app, { contracts, store }) => {
  app.get(
    '/api/Contract/:uid/Requests/:request',
    {
      config: { role: 'reader', problems: [...ofContract, 'no_such_request'] },
      schema: {
        operationId: 'getRequest',
        summary: 'How far a request has come',
        params: RequestParams,
        response: { 200: RequestStatusSchema },
      },
    },
    async ({ params }) => contracts.use(params.uid, (live) => requestStatus(live, store, params.request)),
  )

  app.delete(
    '/api/Contract/:uid/Requests/:request',
    {
      config: {
        role: 'editor',
        problems: [...ofContract, 'no_such_request', 'not_withdrawable', 'transmitter_silent', 'signer_unreachable'],
      },
      schema: {
        operationId: 'withdrawRequest',
        summary: 'Takes a request back that is not confirmed yet',
        params: RequestParams,
        querystring: Type.Object({ ...AboutSchema.properties, ...TokenInQuery }, closed),
        response: { 202: RequestStatusSchema },
      },
    },
    async ({ keyed, params, query }, reply) => {
      const status = await contracts.use(params.uid, async (live) => {
        const { request } = await heldRequest(live, params.request)
        // Whoever asks with a key asks again, maybe.
        if (keyed !== undefined && request.handle === live.self) {
          const { outcome, ...others } = await requestStatus(live, store, params.request)
          if (outcome?.kind === 'withdrawn' && outcome.code === 'user') return { ...others, outcome }
        }
        const { title, text } = query
        const about = { ...(title === undefined ? {} : { title }), ...(text === undefined ? {} : { text }) }
        await live.withdraw(request, isAbout(about) ? about : undefined)
        return requestStatus(live, store, params.request)
      })
      return reply.code(202).send(status)
    },
  )
}
