import type { Server } from 'node:http'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import { type AccessPorts, requireKey } from './http/authenticate.ts'
import { answerNotFound, httpServer, refuse, type ServerPorts } from './http/http-server.ts'
import { answerOtherMethods } from './http/other-methods.ts'
import { describe } from './http/problem.ts'
import { type CallTracing, traceCalls } from './http/trace-calls.ts'
import { webSocketUpgrades } from './http/upgrades.ts'
import { refuseUnknownQueries } from './http/validation.ts'
import { agreementRoutes } from './routes/agreement.ts'
import { type AttentionRoutesPorts, attentionRoutes } from './routes/attention.ts'
import { type ContractRoutesPorts, contractRoutes } from './routes/contracts.ts'
import { type KeyRoutesPorts, keyRoutes } from './routes/keys.ts'
import { liveRoute } from './routes/live.ts'
import type { TellingPorts } from './routes/live-telling.ts'
import { type PathRoutesPorts, pathRoutes } from './routes/new-api.ts'
import { healthRoutes, metricsRoute, type OperationPorts, obstacleRoute } from './routes/operation.ts'

export interface ApiPorts
  extends ContractRoutesPorts,
    PathRoutesPorts,
    OperationPorts,
    KeyRoutesPorts,
    AttentionRoutesPorts,
    TellingPorts,
    AccessPorts,
    ServerPorts {
  /** Left out: calls are not traced. */
  readonly calls?: CallTracing | undefined
}

/** Largest request body, in bytes. */
const BODY_BYTES_MAX = 4 * 1024 * 1024

/** The inward API, not listening yet: the caller decides where. */
export async function createApi(ports: ApiPorts): Promise<FastifyInstance> {
  const app = httpServer(ports, BODY_BYTES_MAX)
  const server = webSocketUpgrades(app.server) as Server
  await app.register(websocket, {
    options: { maxPayload: 64 * 1024, server },
    errorHandler(error, socket, request) {
      // What the connection, or who is at its other end, has broken has a code.
      if (!('code' in error)) request.log.error({ err: error }, 'a WebSocket failed')
      socket.terminate()
    },
  })
  app.websocketServer.on('wsClientError', (error, socket) => {
    refuse(socket, describe('request_malformed', `it is no WebSocket handshake: ${error.message}`, 400, {}))
  })
  healthRoutes(app, ports)
  await app.register(async (guarded) => {
    requireKey(guarded, ports)
    refuseUnknownQueries(guarded)
    const answerOthers = answerOtherMethods(guarded)
    if (ports.calls !== undefined) traceCalls(guarded, ports.calls)
    metricsRoute(guarded, ports)
    obstacleRoute(guarded, ports)
    pathRoutes(guarded, ports)
    liveRoute(guarded, ports)
    await guarded.register(contractRoutes, ports)
    await guarded.register(agreementRoutes, ports)
    await guarded.register(keyRoutes, ports)
    await guarded.register(attentionRoutes, ports)
    answerOthers()
    answerNotFound(guarded)
  })
  return app
}
