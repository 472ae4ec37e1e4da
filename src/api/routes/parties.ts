import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { PartyCard } from '../../events/parties/party-card.ts'
import type { RoutePorts } from './ports.ts'

/** `/api/Party`: who this node is, and whom it knows. */
export const partyRoutes: FastifyPluginAsyncTypebox<RoutePorts> = async (app, { contracts, parties }) => {
  app.get('/api/Party', { config: { role: 'reader' } }, async () => [
    { ...shown(contracts.card), status: 'self' },
    ...parties().map(({ card, endpoint, status }) => ({ ...shown(card), endpoint, status })),
  ])
}

/** Apart from the rest: what a party says, and nothing here proves. */
function shown({ lei, ...card }: PartyCard) {
  return lei === undefined ? card : { ...card, claimed: { lei } }
}
