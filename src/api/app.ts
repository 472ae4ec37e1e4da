import type { Server } from 'node:http'
import websocket from '@fastify/websocket'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { describeAnswers, gatherRoutes } from './answers/described.ts'
import { type AskedByPorts, nameUsers } from './http/callers/asked-by.ts'
import { type AccessPorts, requireKey } from './http/callers/authenticate.ts'
import { answerNotFound, httpServer, refuse, type ServerPorts } from './http/http-server.ts'
import { findAgain, type IdempotencyPorts } from './http/idempotency.ts'
import { answerOtherMethods } from './http/other-methods.ts'
import { keepPreconditions } from './http/preconditions.ts'
import { readPreferences } from './http/prefer-header.ts'
import { describe } from './http/problems/problem.ts'
import { type CallTracing, traceCalls } from './http/trace-calls.ts'
import { webSocketUpgrades } from './http/upgrades.ts'
import { refuseUnknownQueries } from './http/validation.ts'
import { type AttentionRoutesPorts, attentionRoutes } from './routes/attention.ts'
import { type CandidateRoutesPorts, candidateRoutes } from './routes/candidates.ts'
import { attachmentRoutes } from './routes/contract/attachments.ts'
import { audienceRoutes } from './routes/contract/audiences.ts'
import { type ChangeSetRoutesPorts, changeSetRoutes } from './routes/contract/change-sets.ts'
import { elementRoutes } from './routes/contract/elements.ts'
import { engineRoutes } from './routes/contract/engine.ts'
import { type ErasureRoutesPorts, erasureRoutes } from './routes/contract/erasures.ts'
import { evidenceRoutes } from './routes/contract/evidence.ts'
import { invitationRoutes } from './routes/contract/invitations.ts'
import { contractKeyRoutes } from './routes/contract/keys.ts'
import { lockRoutes } from './routes/contract/lock.ts'
import { questionRoutes } from './routes/contract/questions.ts'
import { requestRoutes } from './routes/contract/requests.ts'
import { resignationRoutes } from './routes/contract/resignation.ts'
import { type RuleRoutesPorts, ruleRoutes } from './routes/contract/rules.ts'
import { templateRoutes } from './routes/contract/templates.ts'
import { typeRoutes } from './routes/contract/types.ts'
import { contractRoutes } from './routes/contracts.ts'
import { elementRuleRoutes } from './routes/element-rules.ts'
import { type ElementViewPorts, elementViewRoutes } from './routes/element-views.ts'
import { type EntityRoutesPorts, entityRoutes } from './routes/entities.ts'
import { explorerRoutes } from './routes/explorer.ts'
import { type KeyRoutesPorts, keyRoutes } from './routes/keys.ts'
import { type LiveRoutesPorts, liveRoutes } from './routes/live/live.ts'
import { type PathRoutesPorts, pathRoutes } from './routes/new-api.ts'
import { openApiRoutes } from './routes/openapi.ts'
import { healthRoutes, metricsRoute, type OperationPorts, obstacleRoute } from './routes/operation.ts'
import { partyRoutes } from './routes/parties.ts'
import type { RoutePorts } from './routes/ports.ts'
import { type RequestRoutesPorts, requestListRoutes } from './routes/requests.ts'
import { type WebhookRoutesPorts, webhookRoutes } from './routes/webhooks.ts'

export interface ApiPorts
  extends RoutePorts,
    OperationPorts,
    KeyRoutesPorts,
    AttentionRoutesPorts,
    RequestRoutesPorts,
    ChangeSetRoutesPorts,
    CandidateRoutesPorts,
    RuleRoutesPorts,
    ErasureRoutesPorts,
    ElementViewPorts,
    EntityRoutesPorts,
    Omit<PathRoutesPorts, 'events'>,
    LiveRoutesPorts,
    WebhookRoutesPorts,
    AccessPorts,
    AskedByPorts,
    IdempotencyPorts,
    ServerPorts {
  /** Left out: calls are not traced. */
  readonly calls?: CallTracing | undefined
}

const contractsAndParties = [
  invitationRoutes,
  resignationRoutes,
  lockRoutes,
  audienceRoutes,
  attachmentRoutes,
  engineRoutes,
  questionRoutes,
  requestRoutes,
  elementRoutes,
  typeRoutes,
  templateRoutes,
  evidenceRoutes,
  partyRoutes,
]

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
      if (!('code' in error)) request.log.error({ reqId: request.id, err: error }, 'a WebSocket failed')
      socket.terminate()
    },
  })
  app.websocketServer.on('wsClientError', (error, socket) => {
    refuse(socket, describe('request_malformed', `it is no WebSocket handshake: ${error.message}`, 400, {}))
  })
  const routes: RouteOptions[] = []
  gatherRoutes(app, routes)
  await app.register(async (open) => {
    describeAnswers(open)
    const answerOthers = answerOtherMethods(open)
    healthRoutes(open, ports)
    explorerRoutes(open)
    answerOthers()
  })
  await app.register(async (guarded) => {
    requireKey(guarded, ports)
    refuseUnknownQueries(guarded)
    describeAnswers(guarded)
    const answerOthers = answerOtherMethods(guarded)
    if (ports.calls !== undefined) traceCalls(guarded, ports.calls)
    nameUsers(guarded, ports)
    readPreferences(guarded)
    findAgain(guarded, ports)
    keepPreconditions(guarded)
    metricsRoute(guarded, ports)
    obstacleRoute(guarded, ports)
    pathRoutes(guarded, { ...ports, events: liveRoutes(guarded, ports) })
    await guarded.register(contractRoutes, ports)
    for (const routes of contractsAndParties) await guarded.register(routes, ports)
    await guarded.register(contractKeyRoutes, ports)
    await guarded.register(keyRoutes, ports)
    await guarded.register(attentionRoutes, ports)
    await guarded.register(requestListRoutes, ports)
    await guarded.register(entityRoutes, ports)
    await guarded.register(changeSetRoutes, ports)
    await guarded.register(candidateRoutes, ports)
    await guarded.register(ruleRoutes, ports)
    await guarded.register(erasureRoutes, ports)
    await guarded.register(webhookRoutes, ports)
    await guarded.register(elementViewRoutes, ports)
    await guarded.register(elementRuleRoutes, ports)
    await guarded.register(openApiRoutes, { ...ports, routes })
    answerOthers()
    answerNotFound(guarded)
  })
  return app
}
