import { Type } from 'typebox'
import { PublicKeySchema, SignatureSchema, UidSchema } from '../../../events/ids.ts'
import { object } from '../../answers/common.ts'
import { ofContract } from '../../answers/problems.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { ContractParams, closed } from '../forms.ts'
import type { KeyRoutesPorts } from '../keys.ts'

/** The rest of the revocation is known: the contract, and who this is. `signature`: by the recovery key. */
const Revoked = Type.Object({ revokes: PublicKeySchema, signing: PublicKeySchema, signature: SignatureSchema }, closed)

/** `/api/Contract/<uid>/KeyRevocation`, and `…/GoOn` where nobody can be asked what it holds of the own feed. */
export const contractKeyRoutes: TypedRoutes<KeyRoutesPorts> = async (app, { keyRotation, contracts }) => {
  app.post(
    '/api/Contract/:uid/KeyRevocation',
    {
      config: {
        role: 'operator',
        problems: [...ofContract, 'revocation_unfit', 'key_unknown', 'transmitter_silent', 'signer_unreachable'],
      },
      schema: {
        operationId: 'revokeKey',
        summary: 'Brings a new signing key in by what the recovery key has signed',
        params: ContractParams,
        body: Revoked,
        response: { 202: object({ contract: UidSchema }, 'OfContract') },
      },
    },
    async ({ params, body: { revokes, signing, signature } }, reply) => {
      const contract = params.uid
      await keyRotation.revoke({ revocation: { contract, party: contracts.self, revokes, signing }, signature })
      return reply.code(202).send({ contract })
    },
  )

  app.post(
    '/api/Contract/:uid/GoOn',
    {
      config: {
        role: 'operator',
        problems: [...ofContract, 'signing_not_blocked', 'transmitter_silent', 'signer_unreachable'],
      },
      schema: {
        operationId: 'goOn',
        summary: 'A person says that nobody who was not heard holds statements of this party',
        params: ContractParams,
        response: { 202: object({ contract: UidSchema }, 'OfContract') },
      },
    },
    async ({ params }, reply) => {
      await contracts.use(params.uid, (live) => live.goOn())
      return reply.code(202).send({ contract: params.uid })
    },
  )
}
