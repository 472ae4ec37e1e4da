import type { FastifyInstance } from 'fastify'
import { entityTag, namesTag } from './entity-tag.ts'
import { RequestMalformed } from './validation.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a write: it looks at `If-Match` and `If-None-Match`. */
    preconditions?: true
  }
}

/**
 * What a read answers as JSON has a tag, and is not sent again to whoever has it. A write that does not look at preconditions is not
 * carried out with one: whoever sends it relies on it.
 */
export function keepPreconditions(app: FastifyInstance): void {
  app.addHook('preHandler', async ({ headers, method, routeOptions }) => {
    if (method === 'GET' || method === 'HEAD' || routeOptions.config.preconditions) return
    for (const header of ['if-match', 'if-none-match', 'if-unmodified-since'] as const) {
      if (headers[header] === undefined) continue
      throw new RequestMalformed('request_malformed', `${header} is not looked at here: nothing was done`, { header })
    }
  })
  app.addHook('onSend', async ({ headers, method }, reply, payload) => {
    const type = String(reply.getHeader('content-type') ?? '')
    const isShown = method === 'GET' && reply.statusCode === 200 && type.startsWith('application/json')
    if (!isShown || typeof payload !== 'string' || reply.hasHeader('etag')) return payload
    const tag = entityTag(type, payload)
    reply.header('etag', tag)
    if (!namesTag(headers['if-none-match'], tag)) return payload
    reply.code(304).removeHeader('content-length').removeHeader('content-type')
    return ''
  })
}
