import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { ObstacleShown } from '../../contracts/obstacles/obstacles.ts'
import { object } from '../answers/common.ts'
import { ObstacleSchema } from '../answers/contracts.ts'

export interface OperationPorts {
  /** Whether the node can do its work now: its store answers. */
  readonly isReady: () => Promise<boolean>
  /** What stops contracts at the moment, and what to do. */
  readonly obstacles: () => readonly ObstacleShown[]
  readonly metrics: () => Promise<{ readonly text: string; readonly mediaType: string }>
}

const status = (word: string) => object({ status: Type.Literal(word) })

/** For whatever starts and stops nodes. It need not show a token, so it learns nothing but yes or no. */
export function healthRoutes(app: FastifyInstance, { isReady }: OperationPorts): void {
  app.get(
    '/health',
    { schema: { operationId: 'getHealth', summary: 'Whether the process runs', response: { 200: status('up') } } },
    async () => ({ status: 'up' }),
  )
  const readiness = { 200: status('ready'), 503: status('not ready') }
  const summary = 'Whether the node can do its work now'
  app.get('/ready', { schema: { operationId: 'getReadiness', summary, response: readiness } }, async (_, reply) => {
    const ready = await isReady()
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready' })
  })
}

/** For `concordata doctor`, and people, in every process. */
export function obstacleRoute(app: FastifyInstance, { obstacles }: OperationPorts): void {
  app.get(
    '/api/Obstacle',
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'listObstacles',
        summary: 'What stops contracts at the moment',
        response: { 200: Type.Array(ObstacleSchema) },
      },
    },
    async () => obstacles(),
  )
}

/** For Prometheus, which can show a token. */
export function metricsRoute(app: FastifyInstance, { metrics }: OperationPorts): void {
  app.get(
    '/metrics',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'getMetrics',
        summary: 'Metrics for Prometheus',
        response: { 200: { content: { 'text/plain': { schema: Type.String() } } } },
      },
    },
    async (_, reply) => {
      const { text, mediaType } = await metrics()
      return reply.type(mediaType).send(text)
    },
  )
}
