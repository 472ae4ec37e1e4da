import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { equivocationEvidence, traceDivergence, wrongHeadEvidence } from '../../../agreement/evidence.ts'
import type { LiveContract } from '../../../contracts/replica/live-contract.ts'
import { retryWithFullHistory } from '../../../runtime/history-pruned.ts'
import { ContractParams } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

/** `/api/Contract/<uid>/Evidence`: proofs against parties. */
export const evidenceRoutes: FastifyPluginAsyncTypebox<RoutePorts> = async (app, { contracts }) => {
  app.get(
    '/api/Contract/:uid/Evidence',
    { config: { role: 'reader' }, schema: { params: ContractParams } },
    async ({ params }) => contracts.use(params.uid, (live) => retryWithFullHistory(live, () => evidenceIn(live))),
  )
}

function evidenceIn({ state, evidence }: LiveContract) {
  return [
    ...evidence.map((equivocation) => ({ evidence: equivocationEvidence(state, equivocation) })),
    ...state.settling.divergences.map((divergence) => ({
      trace: traceDivergence(state, divergence),
      evidence: wrongHeadEvidence(state, divergence),
    })),
  ]
}
