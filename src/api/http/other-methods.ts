import { METHODS } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { sendProblem } from './http-server.ts'
import { describe } from './problem.ts'

/** To be called before the routes are registered; what it returns, after: then what they do not take is 405 (RFC 9110 §15.5.6). */
export function answerOtherMethods(app: FastifyInstance): () => void {
  for (const method of METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)
  const taken = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
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
          const detail = `${request.method} is not for this: ${allowed}`
          return sendProblem(reply.header('allow', allowed), describe('method_not_allowed', detail, 405, {}))
        },
      })
    }
  }
}
