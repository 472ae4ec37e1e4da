import type { FastifyInstance } from 'fastify'
import { describe, type ProblemCode, type ProblemDocument, problemOf } from './problem.ts'

/** As fastify calls it; it closes the connection. */
const TOO_LARGE = 'FST_ERR_CTP_BODY_TOO_LARGE'

/** Every error becomes a problem document; what is this node's fault is logged. */
export function answerErrors(app: FastifyInstance): void {
  const { bodyLimit } = app.initialConfig
  app.setErrorHandler((error: Error, request, reply) => {
    const problem = problemFor(error, bodyLimit)
    if (problem.status >= 500) request.log.error({ reqId: request.id, err: error }, 'request failed')
    const { retryAfterSeconds } = problem as { readonly retryAfterSeconds?: number }
    if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
    if ('code' in error && error.code === TOO_LARGE) {
      // Whoever still sends, and meets a closed connection, may never read why: what comes is read and dropped.
      reply.removeHeader('connection')
      request.raw.resume()
    }
    return reply.code(problem.status).type('application/problem+json').send(problem)
  })
}

/** What fastify finds wrong with a request before anybody here sees it. */
const frameworkCodes: Readonly<Record<string, readonly [ProblemCode, status: number, detail: string]>> = {
  [TOO_LARGE]: ['body_too_large', 413, 'the body is larger than this node reads'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'media_type_unsupported',
    415,
    'a body is application/json, text/plain, application/xml, text/csv or a workbook',
  ],
  FST_ERR_MAX_PARAM_LENGTH: ['path_malformed', 400, 'a step of the path is too long'],
}

/** `bodyBytesMax`: how large a body the server reads. */
export function problemFor(
  error: Error & { readonly statusCode?: number; readonly code?: string },
  bodyBytesMax?: number,
): ProblemDocument {
  const known = frameworkCodes[error.code ?? '']
  if (known !== undefined) {
    const [code, status, detail] = known
    const exceeds = code === 'body_too_large' && bodyBytesMax !== undefined
    return describe(code, detail, status, exceeds ? { limit: { name: 'bodyBytes', max: bodyBytesMax } } : {})
  }
  const { statusCode } = error
  const isTheirs = !('evidence' in error) && statusCode !== undefined && statusCode >= 400 && statusCode < 500
  return isTheirs ? describe('request_malformed', error.message, statusCode, {}) : problemOf(error)
}
