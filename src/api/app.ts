import type { Server } from 'node:http'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import { type AccessPorts, requireKey } from './access.ts'
import { agreementRoutes } from './agreement-routes.ts'
import { type AttentionRoutesPorts, attentionRoutes } from './attention-routes.ts'
import { type ContractRoutesPorts, contractRoutes } from './contract-routes.ts'
import { answerNotFound, httpServer, refuse, type ServerPorts } from './http-server.ts'
import { type KeyRoutesPorts, keyRoutes } from './key-routes.ts'
import { liveRoute } from './live-route.ts'
import type { TellingPorts } from './live-telling.ts'
import { healthRoutes, metricsRoute, type OperationPorts, obstacleRoute } from './operation-routes.ts'
import { answerOtherMethods } from './other-methods.ts'
import { type PathRoutesPorts, pathRoutes } from './path-routes.ts'
import { describe } from './problem.ts'
import { type CallTracing, traceCalls } from './trace-calls.ts'
import { webSocketUpgrades } from './upgrades.ts'
import { refuseUnknownQueries } from './validation.ts'

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
