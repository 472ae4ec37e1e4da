import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { memberOf } from '../../aggregates/contract/state.ts'
import { summaryOf } from '../../contracts/passive/summary.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import { NotInvited } from '../../contracts/registry/contracts.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { settledHead } from '../../contracts/signing/cosigned-notes.ts'
import { CharterSchema } from '../../events/charter.ts'
import { type Handle, HandleSchema, UidSchema } from '../../events/ids.ts'
import type { PartyCard } from '../../events/party-card.ts'
import { AgreedView } from '../../projections/agreed-view.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { retryWithFullHistory } from '../../runtime/history-pruned.ts'
import type { Store } from '../../store/port.ts'
import { answerFor } from '../http/request-response.ts'
import { TokenInQuery } from '../http/validation.ts'
import { submitter, waitingFor } from './submit.ts'

/** The directory has no approved party of that handle. */
export class NotApproved extends ConcordataError {}

export interface ContractRoutesPorts {
  readonly contracts: Contracts
  readonly store: Store
  /** The card of an approved party. */
  readonly cardOf: (handle: Handle) => PartyCard | undefined
  /** Every party that this node knows. */
  readonly parties: () => readonly { readonly card: PartyCard; readonly endpoint: string; readonly status: string }[]
  /** What stops the contract at the moment, and what to do. */
  readonly obstaclesOf: (live: LiveContract) => readonly object[]
  /** Has an acceptance carried to the others at once. */
  readonly announce: (live: LiveContract) => void
  readonly newSalt: () => Uint8Array
  readonly newRequestId: () => string
  readonly defaultWaitMs: number
}

const Params = Type.Object({ uid: UidSchema })

/** `/api/Contract`, `/api/FullContract`, `/api/Party`: contracts and who is on them. */
export const contractRoutes: FastifyPluginAsyncTypebox<ContractRoutesPorts> = async (app, ports) => {
  const { contracts, store } = ports
  const submit = submitter(ports)

  app.get('/api/Contract', async () => contracts.summaries())

  app.post(
    '/api/Contract',
    {
      schema: {
        body: Type.Object(
          { title: Type.String({ minLength: 1, maxLength: 200 }), charter: Type.Optional(CharterSchema) },
          { additionalProperties: false },
        ),
      },
    },
    async (request, reply) => {
      const { contract, opened } = await contracts.openContract(request.body.title, request.body.charter)
      await opened
      return reply
        .code(201)
        .header('location', `/api/Contract/${contract.contract}`)
        .send(await retryWithFullHistory(contract, () => summaryOf(contract.state, contract.self)))
    },
  )

  app.get('/api/Contract/:uid', { schema: { params: Params } }, async (request) =>
    contracts.use(request.params.uid, (live) =>
      retryWithFullHistory(live, () => detailsOf(live, ports.obstaclesOf(live))),
    ),
  )

  app.post(
    '/api/Contract/:uid/Invitations',
    { schema: { params: Params, body: Type.Object({ party: HandleSchema }, { additionalProperties: false }) } },
    async (request, reply) => {
      const party = ports.cardOf(request.body.party)
      if (party === undefined) {
        const message = `${request.body.party} is not approved here: concordata party add <its url>`
        throw new NotApproved('party_unknown', message, { handle: request.body.party })
      }
      const waiting = waitingFor(request.headers.prefer, ports.defaultWaitMs)
      const { uid } = request.params
      const answer = await contracts.use(uid, (live) =>
        answerFor(submit(live, [{ type: 'InviteParty', party }], {}, waiting), live, store.payloads),
      )
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  )

  app.post('/api/Contract/:uid/Acceptance', { schema: { params: Params } }, async (request, reply) => {
    const { timeoutMs: waitMs = 0 } = waitingFor(request.headers.prefer, ports.defaultWaitMs)
    return contracts.use(request.params.uid, async (live) => {
      if (memberOf(live.state.settling.agreed, live.self) !== undefined) {
        throw new NotInvited('not_invited', `${live.self} is a member already`, { contract: live.contract })
      }
      await contracts.accept(live.contract)
      ports.announce(live)
      const isMember = await becomesMember(live, waitMs)
      return reply
        .code(isMember ? 200 : 202)
        .send(await retryWithFullHistory(live, () => summaryOf(live.state, live.self)))
    })
  })

  app.get(
    '/api/FullContract',
    {
      schema: { querystring: Type.Object({ ContractId: UidSchema, ...TokenInQuery }, { additionalProperties: false }) },
    },
    async (request) =>
      contracts.use(request.query.ContractId, async ({ state, contract }) => {
        const { agreed } = state.settling
        const view = new AgreedView(agreed, contract, store.payloads)
        return {
          contract,
          title: agreed.title,
          ...settledHead(state),
          document: await view.valueOf(agreed.document),
        }
      }),
  )

  app.get('/api/Party', async () => [
    { ...shown(contracts.card), status: 'self' },
    ...ports.parties().map(({ card, endpoint, status }) => ({ ...shown(card), endpoint, status })),
  ])
}

/** Apart from the rest: what a party says, and nothing here proves. */
function shown({ lei, ...card }: PartyCard) {
  return lei === undefined ? card : { ...card, claimed: { lei } }
}

function detailsOf(live: LiveContract, obstacles: readonly object[]) {
  const { state } = live
  const { signed, divergences } = state.settling
  return {
    ...summaryOf(state, live.self),
    acknowledged: state.ledger.log.size,
    signedSize: Object.fromEntries(signed),
    frontier: Object.fromEntries([...state.feeds].map(([handle, feed]) => [handle, feed.size - 1])),
    divergences,
    accused: live.evidence.map(({ party, seq }) => ({ party, seq })),
    lock: state.settling.agreed.lock,
    obstacle: live.obstacle ?? null,
    obstacles,
    engineUnknown: live.engineUnknown ?? null,
    unheard: live.unheard,
    questions: live.questions.length,
  }
}

function becomesMember(live: LiveContract, waitMs: number): Promise<boolean> {
  const isMember = () => memberOf(live.state.settling.agreed, live.self) !== undefined
  if (isMember() || waitMs === 0) return Promise.resolve(isMember())
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      stop()
      resolve(isMember())
    }
    const timer = setTimeout(finish, waitMs)
    const stop = live.listen({ settled: () => isMember() && finish() })
  })
}
