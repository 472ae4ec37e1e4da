import type { FastifyInstance } from 'fastify'

export interface OperationPorts {
  /** Whether the node can do its work now: its store answers. */
  readonly isReady: () => Promise<boolean>
  /** What stops contracts at the moment, and what to do. */
  readonly obstacles: () => readonly object[]
  readonly metrics: () => Promise<{ readonly text: string; readonly mediaType: string }>
}

/** For whatever starts and stops nodes. It need not show a token, so it learns nothing but yes or no. */
export function healthRoutes(app: FastifyInstance, { isReady }: OperationPorts): void {
  app.get('/health', async () => ({ status: 'up' }))
  app.get('/ready', async (_, reply) => {
    const ready = await isReady()
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready' })
  })
}

/** For `concordata doctor`, and people, in every process. */
export function obstacleRoute(app: FastifyInstance, { obstacles }: OperationPorts): void {
  app.get('/api/Obstacle', { config: { role: 'reader' } }, async () => obstacles())
}

/** For Prometheus, which can show a token. */
export function metricsRoute(app: FastifyInstance, { metrics }: OperationPorts): void {
  app.get('/metrics', { config: { role: 'operator' } }, async (_, reply) => {
    const { text, mediaType } = await metrics()
    return reply.type(mediaType).send(text)
  })
}
