import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { equivocationEvidence, traceDivergence, wrongHeadEvidence } from '../../../agreement/evidence.ts'
import type { LiveContract } from '../../../contracts/replica/live-contract.ts'
import { retryWithFullHistory } from '../../../runtime/history-pruned.ts'
import { inTurns } from '../../../runtime/turns.ts'
import { ContractParams } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

/** `/api/Contract/<uid>/Evidence`: proofs against parties. */
export const evidenceRoutes: FastifyPluginAsyncTypebox<RoutePorts> = async (app, { contracts, documents }) => {
  app.get(
    '/api/Contract/:uid/Evidence',
    { config: { role: 'reader' }, schema: { params: ContractParams } },
    async ({ params }) =>
      contracts.use(params.uid, (live) => retryWithFullHistory(live, () => inTurns(evidenceIn(live), documents.turns))),
  )
}

function* evidenceIn({ state, evidence }: LiveContract): Generator<void, object[]> {
  const found: object[] = evidence.map((equivocation) => ({ evidence: equivocationEvidence(state, equivocation) }))
  for (const divergence of state.settling.divergences) {
    const trace = yield* traceDivergence(state, divergence)
    found.push({ trace, evidence: yield* wrongHeadEvidence(state, divergence) })
  }
  return found
}
