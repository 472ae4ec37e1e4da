import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { KeyChanging } from '../../contracts/commands/key-changing.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import { PublicKeySchema, SignatureSchema, UidSchema } from '../../events/ids.ts'

export interface KeyRoutesPorts {
  readonly keyRotation: KeyChanging
  readonly contracts: Contracts
}

const Params = Type.Object({ uid: UidSchema })
/** The rest of the revocation is known: the contract, and who this is. `signature`: by the recovery key. */
const Revoked = Type.Object(
  { revokes: PublicKeySchema, signing: PublicKeySchema, signature: SignatureSchema },
  { additionalProperties: false },
)

/** `/api/Keys`: the signing keys of this party, which contract is at which of them, and what happens when one is lost. */
export const keyRoutes: FastifyPluginAsyncTypebox<KeyRoutesPorts> = async (app, { keyRotation, contracts }) => {
  app.get('/api/Keys', async () => keyRotation.show())

  app.post('/api/Keys', async (_request, reply) => reply.code(202).send({ signing: await keyRotation.rotate() }))

  app.post('/api/Keys/Revocation', async (_request, reply) =>
    reply.code(202).send({ signing: await keyRotation.prepareRevocation() }),
  )

  app.post(
    '/api/Contract/:uid/KeyRevocation',
    { schema: { params: Params, body: Revoked } },
    async ({ params, body: { revokes, signing, signature } }, reply) => {
      const contract = params.uid
      await keyRotation.revoke({ revocation: { contract, party: contracts.self, revokes, signing }, signature })
      return reply.code(202).send({ contract })
    },
  )

  app.post('/api/Contract/:uid/GoOn', { schema: { params: Params } }, async ({ params }, reply) => {
    await contracts.use(params.uid, (live) => live.goOn())
    return reply.code(202).send({ contract: params.uid })
  })
}
