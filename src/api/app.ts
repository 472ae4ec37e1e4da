import websocket from '@fastify/websocket'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { type AccessPorts, requireKey } from './access.ts'
import { agreementRoutes } from './agreement-routes.ts'
import { answerErrors } from './answer-errors.ts'
import { type AttentionRoutesPorts, attentionRoutes } from './attention-routes.ts'
import { type ContractRoutesPorts, contractRoutes } from './contract-routes.ts'
import { type KeyRoutesPorts, keyRoutes } from './key-routes.ts'
import { liveRoute } from './live-route.ts'
import { healthRoutes, metricsRoute, type OperationPorts } from './operation-routes.ts'
import { type PathRoutesPorts, pathRoutes } from './path-routes.ts'
import { describe } from './problem.ts'
import { type CallTracing, traceCalls } from './trace-calls.ts'

export interface ApiPorts
  extends ContractRoutesPorts,
    PathRoutesPorts,
    OperationPorts,
    KeyRoutesPorts,
    AttentionRoutesPorts,
    AccessPorts {
  readonly logger: FastifyBaseLogger
  /** Whether a proxy in front of the API says whose call it passes on (`X-Forwarded-For`). */
  readonly behindProxy: boolean
  /** Left out: calls are not traced. */
  readonly calls?: CallTracing | undefined
}

/** Largest request body, in bytes. */
const BODY_BYTES_MAX = 4 * 1024 * 1024

/** The inward API, not listening yet: the caller decides where. */
export async function createApi(ports: ApiPorts): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: ports.logger,
    // A line a request costs a third of the throughput.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    // What the proxy itself has seen, nothing that was there before it.
    trustProxy: ports.behindProxy ? (_address: string, hop: number) => hop === 0 : false,
    routerOptions: { maxParamLength: 16_384 },
  })
  // Naive clients write text; curl calls it a form unless told otherwise.
  const asText = { parseAs: 'string' as const }
  app.addContentTypeParser(['text/plain', 'application/x-www-form-urlencoded'], asText, (_request, body, done) =>
    done(null, body),
  )
  answerErrors(app)
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .type('application/problem+json')
      .send(
        describe('no_such_route', `there is nothing at ${request.method} ${request.url.split('?', 1)[0]}`, 404, {}),
      ),
  )
  await app.register(websocket, { options: { maxPayload: 64 * 1024 } })
  healthRoutes(app, ports)
  await app.register(async (guarded) => {
    requireKey(guarded, ports)
    if (ports.calls !== undefined) traceCalls(guarded, ports.calls)
    metricsRoute(guarded, ports)
    pathRoutes(guarded, ports)
    liveRoute(guarded, ports)
    await guarded.register(contractRoutes, ports)
    await guarded.register(agreementRoutes, ports)
    await guarded.register(keyRoutes, ports)
    await guarded.register(attentionRoutes, ports)
  })
  return app
}
