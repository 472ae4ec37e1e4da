import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { PublicKeySchema, SignatureSchema } from '../../../events/ids.ts'
import { ContractParams } from '../forms.ts'
import type { KeyRoutesPorts } from '../keys.ts'

/** The rest of the revocation is known: the contract, and who this is. `signature`: by the recovery key. */
const Revoked = Type.Object(
  { revokes: PublicKeySchema, signing: PublicKeySchema, signature: SignatureSchema },
  { additionalProperties: false },
)

/** `/api/Contract/<uid>/KeyRevocation`, and `…/GoOn` where nobody can be asked what it holds of the own feed. */
export const contractKeyRoutes: FastifyPluginAsyncTypebox<KeyRoutesPorts> = async (app, { keyRotation, contracts }) => {
  app.post(
    '/api/Contract/:uid/KeyRevocation',
    { config: { role: 'operator' }, schema: { params: ContractParams, body: Revoked } },
    async ({ params, body: { revokes, signing, signature } }, reply) => {
      const contract = params.uid
      await keyRotation.revoke({ revocation: { contract, party: contracts.self, revokes, signing }, signature })
      return reply.code(202).send({ contract })
    },
  )

  app.post(
    '/api/Contract/:uid/GoOn',
    { config: { role: 'operator' }, schema: { params: ContractParams } },
    async ({ params }, reply) => {
      await contracts.use(params.uid, (live) => live.goOn())
      return reply.code(202).send({ contract: params.uid })
    },
  )
}
