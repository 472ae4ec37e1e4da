import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { KeyChanging } from '../contracts/key-rotation.ts'

export interface KeyRoutesPorts {
  readonly keyRotation: KeyChanging
}

/** `/api/Keys`: the signing keys of this party, and which contract is at which of them. */
export const keyRoutes: FastifyPluginAsyncTypebox<KeyRoutesPorts> = async (app, { keyRotation }) => {
  app.get('/api/Keys', async () => keyRotation.show())

  app.post('/api/Keys', async (_request, reply) => reply.code(202).send({ signing: await keyRotation.rotate() }))
}
