import { Type } from 'typebox'
import {
  type Evidence,
  EvidenceSchema,
  equivocationEvidence,
  type Trace,
  traceDivergence,
  wrongHeadEvidence,
} from '../../../agreement/evidence.ts'
import { withHistory } from '../../../agreement/history/looking-back.ts'
import type { AgreementState } from '../../../agreement/state.ts'
import type { LiveContract } from '../../../contracts/replica/live-contract.ts'
import { CountSchema, HandleSchema } from '../../../events/ids.ts'
import { inTurns } from '../../../runtime/turns.ts'
import { HeadSchema, object } from '../../answers/common.ts'
import { ofContract } from '../../answers/problems.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { ContractParams } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

const TraceSchema = object(
  {
    party: HandleSchema,
    seq: CountSchema,
    expected: HeadSchema,
    signed: HeadSchema,
    from: CountSchema,
    firstDiffering: Type.Optional(CountSchema),
    fault: Type.Enum(['party', 'ours']),
  },
  'Trace',
)
/** The file that `concordata audit check` reads. */
const EvidenceShownSchema = object({ evidence: EvidenceSchema, trace: Type.Optional(TraceSchema) }, 'Evidence')

/** `/api/Contract/<uid>/Evidence`: proofs against parties. */
export const evidenceRoutes: TypedRoutes<RoutePorts> = async (app, { contracts, documents }) => {
  app.get(
    '/api/Contract/:uid/Evidence',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'listEvidence',
        summary: 'Proofs against parties',
        params: ContractParams,
        response: { 200: Type.Array(EvidenceShownSchema) },
      },
    },
    async ({ params }) =>
      contracts.use(params.uid, (live) =>
        withHistory(live, (state) => inTurns(evidenceIn(live, state), documents.turns)),
      ),
  )
}

interface Shown {
  readonly evidence: Evidence
  readonly trace?: Trace | undefined
}

function* evidenceIn({ evidence }: LiveContract, state: AgreementState): Generator<void, Shown[]> {
  const found: Shown[] = evidence.map((equivocation) => ({ evidence: equivocationEvidence(state, equivocation) }))
  for (const divergence of state.settling.divergences) {
    const trace = yield* traceDivergence(state, divergence)
    found.push({ trace, evidence: yield* wrongHeadEvidence(state, divergence) })
  }
  return found
}
