import { Type } from 'typebox'
import type { KeyChanging } from '../../contracts/commands/key-changing.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import { macIn } from '../../contracts/requests/keyed-id.ts'
import { PublicKeySchema, UidSchema } from '../../events/ids.ts'
import { Handles, object } from '../answers/common.ts'
import type { TypedRoutes } from '../answers/typed-routes.ts'

export interface KeyRoutesPorts {
  readonly keyRotation: KeyChanging
  readonly contracts: Contracts
}

const NewKeySchema = object({ signing: PublicKeySchema }, 'NewKey')
const KeysShownSchema = object(
  {
    keys: Type.Array(PublicKeySchema),
    contracts: Type.Array(
      object(
        {
          contract: UidSchema,
          signing: PublicKeySchema,
          waitsFor: Type.Optional(Type.String()),
          awaited: Type.Optional(Handles),
        },
        'KeyStanding',
      ),
    ),
  },
  'Keys',
)

/** `/api/Keys`: the signing keys of this party, which contract is at which of them, and what happens when one is lost. */
export const keyRoutes: TypedRoutes<KeyRoutesPorts> = async (app, { keyRotation }) => {
  app.get(
    '/api/Keys',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'listKeys',
        summary: 'The signing keys of this party, and which contract is at which',
        response: { 200: KeysShownSchema },
      },
    },
    async () => keyRotation.show(),
  )

  app.post(
    '/api/Keys',
    {
      config: { idempotency: 'founds', role: 'operator', problems: ['transmitter_silent', 'signer_unreachable'] },
      schema: { operationId: 'rotateKey', summary: 'Makes a new signing key', response: { 202: NewKeySchema } },
    },
    async ({ keyed }, reply) => reply.code(202).send({ signing: await keyRotation.rotate(keyed && macIn(keyed.key)) }),
  )

  app.post(
    '/api/Keys/Revocation',
    {
      // The same again until every contract has the key.
      config: { idempotency: 'founds', role: 'operator', problems: ['transmitter_silent', 'signer_unreachable'] },
      schema: {
        operationId: 'prepareRevocation',
        summary: 'Makes a key that is to come into every contract by a revocation',
        response: { 202: NewKeySchema },
      },
    },
    async (_request, reply) => reply.code(202).send({ signing: await keyRotation.prepareRevocation() }),
  )
}
