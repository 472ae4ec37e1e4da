import type { FastifyInstance } from 'fastify'
import { describeAnswers } from './answers/described.ts'
import { type AccessPorts, requireKey } from './http/callers/authenticate.ts'
import { answerNotFound, httpServer, type ServerPorts } from './http/http-server.ts'
import { healthRoutes, metricsRoute, type OperationPorts, obstacleRoute } from './routes/operation.ts'

export interface StatusPorts extends OperationPorts, AccessPorts, ServerPorts {}

/** Nothing that it serves takes a body. */
const BODY_BYTES_MAX = 1024

/** How a process without an API is: `/health`, `/ready`, `/metrics`, `/api/Obstacle`. Not listening yet. */
export async function createStatusApi(ports: StatusPorts): Promise<FastifyInstance> {
  const app = httpServer(ports, BODY_BYTES_MAX)
  await app.register(async (open) => {
    describeAnswers(open)
    healthRoutes(open, ports)
  })
  await app.register(async (guarded) => {
    requireKey(guarded, ports)
    describeAnswers(guarded)
    metricsRoute(guarded, ports)
    obstacleRoute(guarded, ports)
    answerNotFound(guarded)
  })
  return app
}
