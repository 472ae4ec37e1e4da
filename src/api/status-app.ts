import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { type AccessPorts, requireKey } from './access.ts'
import { healthRoutes, metricsRoute, type OperationPorts } from './operation-routes.ts'

export interface StatusPorts extends OperationPorts, AccessPorts {
  readonly logger: FastifyBaseLogger
}

/** How a process without an API is: `/health`, `/ready`, `/metrics`. Not listening yet. */
export async function createStatusApi(ports: StatusPorts): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: ports.logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1024,
  })
  healthRoutes(app, ports)
  await app.register(async (guarded) => {
    requireKey(guarded, ports)
    metricsRoute(guarded, ports)
  })
  return app
}
