import { timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { sha256Bytes } from '../crypto/hash.ts'
import { ConcordataError } from '../runtime/errors.ts'

/** The caller did not show the token that this node's inward API asks for. */
export class NotAuthorized extends ConcordataError {}

/**
 * Everything behind it asks for `Authorization: Bearer <token>`. The API signs contracts in the party's name, and a
 * loopback port can be reached by any program, and any web page, on the machine. WebSocket clients in browsers cannot
 * set headers: they may pass `?token=` instead.
 */
export function requireToken(app: FastifyInstance, token: string): void {
  const expected = sha256Bytes(token)
  app.addHook('onRequest', async (request) => {
    const header = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const query = (request.query as { token?: unknown }).token
    const shown = header ?? (request.headers.upgrade !== undefined && typeof query === 'string' ? query : '')
    if (timingSafeEqual(sha256Bytes(shown), expected)) return
    throw new NotAuthorized('not_authorized', 'the request carries no valid token: Authorization: Bearer <token>')
  })
}
