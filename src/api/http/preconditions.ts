import type { FastifyInstance } from 'fastify'
import { entityTag, entityTagOfUtf8, namesTag } from './entity-tag.ts'
import { RequestMalformed } from './validation.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a write: it looks at `If-Match` and `If-None-Match`. */
    preconditions?: true
  }
}

/** Nothing here has a date by which it could be looked at. */
const DATED = ['if-unmodified-since'] as const
const conditions = ['if-match', 'if-none-match', ...DATED] as const

/** Written in UTF-8 once, for the tag and for the connection: Node.js makes room for three bytes a character, and copies it twice. */
export const LARGE_CHARACTERS = 16_384

/**
 * What a read answers as JSON has a tag, and is not sent again to whoever has it. A write that does not look at preconditions is not
 * carried out with one: whoever sends it relies on it.
 */
export function keepPreconditions(app: FastifyInstance): void {
  app.addHook('preHandler', ({ headers, method, routeOptions }, _reply, done) => {
    if (method === 'GET' || method === 'HEAD') return done()
    // RFC 9110 §13.1.4: whoever sends If-Match as well does not rely on it.
    const unread = routeOptions.config.preconditions ? (headers['if-match'] === undefined ? DATED : []) : conditions
    const header = unread.find((one) => headers[one] !== undefined)
    if (header === undefined) return done()
    done(new RequestMalformed('request_malformed', `${header} is not looked at here: nothing was done`, { header }))
  })
  app.addHook('onSend', ({ headers, method }, reply, payload, done) => {
    const isRead = method === 'GET' && reply.statusCode === 200 && typeof payload === 'string'
    if (!isRead || reply.hasHeader('etag')) return done(null, payload)
    const type = String(reply.getHeader('content-type') ?? '')
    if (!type.startsWith('application/json')) return done(null, payload)
    const sent = payload.length < LARGE_CHARACTERS ? payload : Buffer.from(payload)
    const tag = typeof sent === 'string' ? entityTag(type, sent) : entityTagOfUtf8(type, sent)
    reply.header('etag', tag)
    const { 'if-none-match': noneMatch } = headers
    if (noneMatch === undefined || !namesTag(noneMatch, tag)) return done(null, sent)
    reply.code(304).removeHeader('content-length').removeHeader('content-type')
    done(null, '')
  })
}
