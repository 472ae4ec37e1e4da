import type { FastifyInstance } from 'fastify'
import { ApiRateLimited } from './call-limits.ts'
import { describe, problemOf } from './problem.ts'

/** Every error becomes a problem document; what is this node's fault is logged. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
    const problem = problemFor(error)
    if (problem.status >= 500) request.log.error({ err: error }, 'request failed')
    if (error instanceof ApiRateLimited) reply.header('retry-after', error.retryAfterSeconds)
    return reply.code(problem.status).type('application/problem+json').send(problem)
  })
}

/** What fastify itself finds wrong with a request (its body, its form) is the client's to mend. */
function problemFor(error: Error & { statusCode?: number; code?: string }) {
  const { statusCode } = error
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return describe('request_malformed', error.message, statusCode, {})
  }
  return problemOf(error)
}
