import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { AboutSchema, isAbout } from '../../../events/about.ts'
import { TokenInQuery } from '../../http/validation.ts'
import { closed, RequestParams } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'
import { heldRequest, requestStatus } from './request-status.ts'

/** `/api/Contract/<uid>/Requests/<request>`: how far a request has come, and how its user takes it back. */
export const requestRoutes: FastifyPluginAsyncTypebox<RoutePorts> = async (app, { contracts, store }) => {
  app.get(
    '/api/Contract/:uid/Requests/:request',
    { config: { role: 'reader' }, schema: { params: RequestParams } },
    async ({ params }) => contracts.use(params.uid, (live) => requestStatus(live, store, params.request)),
  )

  app.delete(
    '/api/Contract/:uid/Requests/:request',
    {
      config: { role: 'editor' },
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
}
