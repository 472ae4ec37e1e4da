import { Type } from 'typebox'
import { withHistory } from '../../agreement/history/looking-back.ts'
import type { AgreementState } from '../../agreement/state.ts'
import type { ObstacleShown } from '../../contracts/obstacles/obstacles.ts'
import { type ContractSummary, summaryOf } from '../../contracts/passive/summary.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { settledHead } from '../../contracts/signing/cosigned-notes.ts'
import { AgreedView } from '../../documents/agreed-view.ts'
import { askedBefore } from '../../documents/requests/asked-before.ts'
import { CharterSchema } from '../../events/charter.ts'
import { type Uid, UidSchema } from '../../events/ids.ts'
import { assert } from '../../runtime/assert.ts'
import { ContractSchema, ContractSummarySchema, FullContractSchema } from '../answers/contracts.ts'
import { ofContract } from '../answers/problems.ts'
import type { TypedRoutes } from '../answers/typed-routes.ts'
import { type Keyed, requireSame } from '../http/idempotency.ts'
import { TokenInQuery } from '../http/validation.ts'
import type { EntityRoutesPorts } from './entities.ts'
import { ContractParams, closed } from './forms.ts'
import type { RoutePorts } from './ports.ts'

/** What finds the UID of a contract by its local id. */
export interface ContractRoutesPorts extends RoutePorts, EntityRoutesPorts {}

const LOCAL_ID = /^[1-9]\d*$/

/** `/api/Contract`, `/api/Contract/<uid>`, `/api/FullContract`; what stands below a contract is in `contract/`. */
export const contractRoutes: TypedRoutes<ContractRoutesPorts> = async (app, ports) => {
  const { contracts, entityRows, store } = ports
  // Of a local id that there is none of: a UID that no contract has.
  const uidOf = (id: string) => (LOCAL_ID.test(id) ? entityRows.uidOf(Number(id)) : undefined) ?? (id as Uid)

  app.get(
    '/api/Contract',
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'listContracts',
        summary: 'All contracts that this node holds',
        response: { 200: Type.Array(ContractSummarySchema) },
      },
    },
    async () => contracts.summaries(),
  )

  app.post(
    '/api/Contract',
    {
      config: {
        idempotency: 'founds',
        role: 'editor',
        problems: ['text_unfit', 'transmitter_silent', 'signer_unreachable', 'contract_closed'],
      },
      schema: {
        operationId: 'openContract',
        summary: 'Opens a contract; the party of this node is its only member',
        body: Type.Object(
          { title: Type.String({ minLength: 1, maxLength: 200 }), charter: Type.Optional(CharterSchema) },
          closed,
        ),
        response: { 201: ContractSummarySchema },
      },
    },
    async (request, reply) => {
      const { keyed } = request
      const { title, charter } = request.body
      const { contract, opened } = await contracts.openContract(title, charter, undefined, keyed?.id)
      await opened
      const before = keyed && (await askedBefore(contract, keyed.key))
      if (before !== undefined) requireSame(before, keyed as Keyed)
      return reply
        .code(201)
        .header('location', `/api/Contract/${contract.contract}`)
        .send(await begunSummary(contract))
    },
  )

  app.get(
    '/api/Contract/:uid',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'getContract',
        summary: 'How a contract stands, and what stops it',
        params: ContractParams,
        response: { 200: ContractSchema },
      },
    },
    async (request) =>
      contracts.use(request.params.uid, (live) =>
        withHistory(live, (state) => detailsOf(live, state, ports.obstaclesOf(live))),
      ),
  )

  app.get(
    '/api/FullContract',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'getFullContract',
        summary: 'The whole document with its record hash and ledger root',
        querystring: Type.Object({ ContractId: ContractIdSchema, ...TokenInQuery }, closed),
        response: { 200: FullContractSchema },
      },
    },
    async (request) =>
      contracts.use(uidOf(request.query.ContractId), async (live) => {
        const { contract, state } = live
        const { agreed } = state.settling
        const head = await withHistory(live, settledHead)
        const view = new AgreedView(agreed, contract, store.payloads)
        return {
          contract,
          title: agreed.title,
          ...head,
          document: await view.valueOf(agreed.document),
        }
      }),
  )
}

/** By its UID, or its local id. */
const ContractIdSchema = Type.Union([UidSchema, Type.String({ pattern: '^[1-9][0-9]{0,15}$' })])

/** Requires a contract of which something has been acknowledged. */
export async function begunSummary(live: LiveContract): Promise<ContractSummary> {
  const summary = await withHistory(live, (state) => summaryOf(state, live.self))
  assert(summary !== undefined, 'a contract whose opening is settled has begun')
  return summary
}

function detailsOf(live: LiveContract, state: AgreementState, obstacles: readonly ObstacleShown[]) {
  const { signed, divergences } = state.settling
  return {
    ...summaryOf(state, live.self),
    invited: state.settling.agreed.parties.invitations.map(({ party }) => party.handle),
    acknowledged: state.ledger.log.size,
    signedSize: Object.fromEntries(signed),
    frontier: Object.fromEntries([...state.feeds].map(([handle, feed]) => [handle, feed.size - 1])),
    divergences,
    accused: live.evidence.map(({ party, seq }) => ({ party, seq })),
    lock: state.settling.agreed.lock,
    obstacle: live.obstacle ?? null,
    obstacles,
    engineUnknown: live.engineUnknown ?? null,
    awaited: live.awaited,
    questions: live.questions.length,
  }
}
