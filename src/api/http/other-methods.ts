import { METHODS } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { sendProblem } from './http-server.ts'
import { describe } from './problems/problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Why it is only read, and what is to be done instead. */
    readOnly?: (params: Readonly<Record<string, string>>) => string | undefined
  }
}

/** To be called before the routes are registered; what it returns, after: then what they do not take is 405 (RFC 9110 §15.5.6). */
export function answerOtherMethods(app: FastifyInstance): () => void {
  for (const method of METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)
  const taken = new Map<string, Set<string>>()
  const reasons = new Map<string, (params: Readonly<Record<string, string>>) => string | undefined>()
  app.addHook('onRoute', ({ config, method, url }) => {
    if (config?.readOnly !== undefined) reasons.set(url, config.readOnly)
    const methods = taken.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    taken.set(url, methods)
  })
  return () => {
    for (const [url, methods] of [...taken]) {
      const allowed = [...methods].join(', ')
      app.route({
        method: app.supportedMethods.filter((method) => !methods.has(method)),
        url,
        config: { role: 'any', body: 'passed over', problems: ['method_not_allowed'] },
        // Whatever the query says, this is what is wrong first.
        schema: { querystring: {} },
        handler: (request, reply) => {
          const reason = reasons.get(url)?.(request.params as Record<string, string>)
          const detail = `${request.method} is not for this: ${reason ?? allowed}`
          return sendProblem(reply.header('allow', allowed), describe('method_not_allowed', detail, 405, {}))
        },
      })
    }
  }
}
