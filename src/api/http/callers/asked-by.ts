import type { FastifyInstance } from 'fastify'
import type { User } from '../../../events/parties/user.ts'

export interface AskedByPorts {
  /** Each request that is asked for here carries the seal of who asked; left out: none does. */
  readonly namesUsers?: boolean | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, where that goes into the request. */
    user: User | undefined
  }
}

/** Requires that callers are known already. */
export function nameUsers(app: FastifyInstance, { namesUsers = false }: AskedByPorts): void {
  app.decorateRequest('user', undefined)
  if (!namesUsers) return
  app.addHook('preHandler', (request, _reply, done) => {
    const { access } = request
    if (access !== null) request.user = { name: access.caller.name.slice(0, 300), role: access.role }
    done()
  })
}
