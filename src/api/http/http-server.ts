import { maxHeaderSize, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, LogController } from 'fastify'
import type { ExceededLimit } from '../../runtime/errors.ts'
import { readBodies } from './body.ts'
import { withEntityInPlural } from './entity-urls.ts'
import { NODE_HEADER } from './node-header.ts'
import { answerErrors, problemFor } from './problems/error-handler.ts'
import { describe, type ProblemCode, type ProblemDocument } from './problems/problem.ts'
import { asksForWebSocket } from './upgrades.ts'
import { readUrl, remembering, UNREADABLE_URL, withElementAsOne } from './url.ts'
import { RequestMalformed, validateExactly } from './validation.ts'

export interface ServerPorts {
  readonly logger: FastifyBaseLogger
  /** Whether a proxy in front of the API says whose call it passes on (`X-Forwarded-For`). */
  readonly behindProxy: boolean
}

const PROBLEM_TYPE = 'application/problem+json'
/** A request that has not arrived whole by then never will: its connection is wanted for others. As Node.js has it, which fastify turns off. */
const REQUEST_TIMEOUT_MS = 300_000

/** A server that reads URLs and bodies in one way for all routes, and whose every refusal is a problem document. Not listening yet. */
export function httpServer({ logger, behindProxy }: ServerPorts, bodyBytesMax: number): FastifyInstance {
  const readAgain = remembering((url: string) => {
    try {
      return withEntityInPlural(withElementAsOne(readUrl(url)))
    } catch {
      return UNREADABLE_URL
    }
  })
  const app = fastify({
    loggerInstance: logger,
    // A logger for each call is made in the time of a good part of one; the few lines that are written name the call themselves.
    childLoggerFactory: (own) => own,
    // A line a request costs a third of the throughput.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBytesMax,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // What the proxy itself has seen, nothing that was there before it.
    trustProxy: behindProxy ? (_address: string, hop: number) => hop === 0 : false,
    // A request without a host is refused below, by a problem document.
    http: { requireHostHeader: false, shouldUpgradeCallback: asksForWebSocket },
    routerOptions: { maxParamLength: 16_384 },
    rewriteUrl: ({ url = '/' }) => readAgain(url),
    frameworkErrors: (error, _request, reply) => sendProblem(reply, problemFor(error)),
    clientErrorHandler: (error, socket) => {
      logger.trace({ code: error.code }, 'what came is no HTTP request')
      refuseConnection(error, socket)
    },
  }) as unknown as FastifyInstance
  app.server.on('checkExpectation', (_request, response) => {
    const problem = describe('expectation_failed', 'Expect: 100-continue is all that is understood', 417, {})
    const body = JSON.stringify(problem)
    response.writeHead(417, { 'content-type': PROBLEM_TYPE, 'content-length': Buffer.byteLength(body) }).end(body)
  })
  app.server.on('connect', (_request, socket) => {
    refuse(socket, describe('request_malformed', 'CONNECT is for proxies', 400, {}))
  })
  app.addHook('onRequest', ({ raw }, reply, done) => {
    reply.header(NODE_HEADER, 'inward')
    if (raw.headers.host !== undefined || raw.httpVersion !== '1.1') done()
    else done(new RequestMalformed('request_malformed', 'an HTTP/1.1 request names its host'))
  })
  readBodies(app)
  validateExactly(app)
  // Nothing is dropped, converted or reordered to fit a schema: what is sent is what the route has answered (decision 0131).
  app.setSerializerCompiler(() => JSON.stringify)
  answerErrors(app)
  return app
}

/** Requires that callers are known already: strangers are not told what is there. */
export function answerNotFound(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    if (request.url === UNREADABLE_URL) readUrl(request.originalUrl)
    const [path] = request.url.split('?', 1)
    const detail = `there is nothing at ${request.method} ${path}`
    return sendProblem(reply, describe('no_such_route', detail, 404, {}))
  })
}

export function sendProblem(reply: FastifyReply, problem: ProblemDocument): FastifyReply {
  return reply.code(problem.status).type(PROBLEM_TYPE).send(problem)
}

/** Of Node, which has no name for it (`kMaxChunkExtensionsSize` of node_http_parser.cc). */
const CHUNK_EXTENSION_BYTES_MAX = 16 * 1024

const refusals: Readonly<
  Record<string, readonly [status: number, code: ProblemCode, detail: string, limit?: ExceededLimit]>
> = {
  HPE_HEADER_OVERFLOW: [
    431,
    'headers_too_large',
    'URL and headers are larger than this node reads',
    { name: 'headerBytes', max: maxHeaderSize },
  ],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [
    413,
    'body_too_large',
    'the extensions of a chunk are larger than this node reads',
    { name: 'chunkExtensionBytes', max: CHUNK_EXTENSION_BYTES_MAX },
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request_timeout', 'the request did not arrive in time'],
}

/** What is no HTTP request: there is nobody to be known, and nothing to be routed. */
function refuseConnection(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, code, detail, limit] = refusals[error.code ?? ''] ?? [
    400,
    'request_malformed',
    'it is no HTTP request',
  ]
  refuse(socket, describe(code, detail, status, limit === undefined ? {} : { limit }))
}

/** On a connection on which no HTTP is read any more. */
export function refuse(socket: Duplex, problem: ProblemDocument): void {
  const { status } = problem
  const body = JSON.stringify(problem)
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: ${PROBLEM_TYPE}`
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}
