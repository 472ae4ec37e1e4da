import { Type } from 'typebox'
import { type PartyCard, PartyCardSchema } from '../../events/parties/party-card.ts'
import { object } from '../answers/common.ts'
import type { TypedRoutes } from '../answers/typed-routes.ts'
import type { RoutePorts } from './ports.ts'

const { lei, ...card } = PartyCardSchema.properties
const PartySchema = object(
  {
    ...card,
    claimed: Type.Optional(object({ lei: Type.String() }, 'Claimed')),
    endpoint: Type.Optional(Type.String()),
    status: Type.Enum(['self', 'introduced', 'approved', 'blocked']),
  },
  'Party',
)

/** `/api/Party`: who this node is, and whom it knows. */
export const partyRoutes: TypedRoutes<RoutePorts> = async (app, { contracts, parties }) => {
  app.get(
    '/api/Party',
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'listParties',
        summary: 'Who this node is, and whom it knows',
        response: { 200: Type.Array(PartySchema) },
      },
    },
    async () => [
      { ...shown(contracts.card), status: 'self' as const },
      ...(await parties()).map(({ card, endpoint, status }) => ({ ...shown(card), endpoint, status })),
    ],
  )
}

/** Apart from the rest: what a party says, and nothing here proves. */
function shown({ lei, ...card }: PartyCard) {
  return lei === undefined ? card : { ...card, claimed: { lei } }
}
