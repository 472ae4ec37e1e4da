import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { KeyRotation } from '../contracts/key-rotation.ts'

export interface KeyRoutesPorts {
  readonly keyRotation: KeyRotation
}

/** `/api/Keys`: the signing keys of this party, and which contract is at which of them. */
export const keyRoutes: FastifyPluginAsyncTypebox<KeyRoutesPorts> = async (app, { keyRotation }) => {
  app.get('/api/Keys', async () => ({ keys: keyRotation.publicKeys, contracts: keyRotation.standings() }))

  app.post('/api/Keys', async (_request, reply) => reply.code(202).send({ signing: await keyRotation.rotate() }))
}
