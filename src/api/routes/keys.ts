import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { KeyChanging } from '../../contracts/commands/key-changing.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'

export interface KeyRoutesPorts {
  readonly keyRotation: KeyChanging
  readonly contracts: Contracts
}

/** `/api/Keys`: the signing keys of this party, which contract is at which of them, and what happens when one is lost. */
export const keyRoutes: FastifyPluginAsyncTypebox<KeyRoutesPorts> = async (app, { keyRotation }) => {
  const config = { role: 'operator' } as const

  app.get('/api/Keys', { config }, async () => keyRotation.show())

  app.post('/api/Keys', { config }, async (_request, reply) =>
    reply.code(202).send({ signing: await keyRotation.rotate() }),
  )

  app.post('/api/Keys/Revocation', { config }, async (_request, reply) =>
    reply.code(202).send({ signing: await keyRotation.prepareRevocation() }),
  )
}
