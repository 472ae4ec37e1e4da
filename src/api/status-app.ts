import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { type AccessPorts, requireKey } from './access.ts'
import { answerErrors } from './answer-errors.ts'
import { healthRoutes, metricsRoute, type OperationPorts } from './operation-routes.ts'

export interface StatusPorts extends OperationPorts, AccessPorts {
  readonly logger: FastifyBaseLogger
  readonly behindProxy: boolean
}

/** How a process without an API is: `/health`, `/ready`, `/metrics`. Not listening yet. */
export async function createStatusApi(ports: StatusPorts): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: ports.logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1024,
    trustProxy: ports.behindProxy ? (_address: string, hop: number) => hop === 0 : false,
  })
  answerErrors(app)
  healthRoutes(app, ports)
  await app.register(async (guarded) => {
    requireKey(guarded, ports)
    metricsRoute(guarded, ports)
  })
  return app
}
