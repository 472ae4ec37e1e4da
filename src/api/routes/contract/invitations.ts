import { Type } from 'typebox'
import { closedInvitationOf, memberOf } from '../../../aggregates/contract/state.ts'
import { NotInvited } from '../../../contracts/registry/invitation-replies.ts'
import type { LiveContract } from '../../../contracts/replica/live-contract.ts'
import { HandleSchema, UidSchema } from '../../../events/ids.ts'
import { ConcordataError } from '../../../runtime/errors.ts'
import { object } from '../../answers/common.ts'
import { ContractSummarySchema } from '../../answers/contracts.ts'
import { ofContract, ofInvitation } from '../../answers/problems.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { written } from '../../answers/written.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { begunSummary } from '../contracts.ts'
import { ContractParams, closed } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

/** The directory has no approved party of that handle. */
export class NotApproved extends ConcordataError {}

/** `/api/Contract/<uid>/Invitations`, and what an invitee answers: `…/Acceptance`, `…/Decline`. */
export const invitationRoutes: TypedRoutes<RoutePorts> = async (app, ports) => {
  const { contracts, documents } = ports

  app.post(
    '/api/Contract/:uid/Invitations',
    {
      config: { role: 'editor', problems: ofInvitation },
      schema: {
        operationId: 'inviteParty',
        summary: 'Invites an approved party',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object({ party: HandleSchema }, closed),
        response: written,
      },
    },
    async (request, reply) => {
      const { body } = request
      const party = await ports.cardOf(body.party)
      if (party === undefined) {
        const message = `${body.party} is not approved here: concordata party add <its url>`
        throw new NotApproved('party_unknown', message, { handle: body.party })
      }
      const wait = waitOf(request, ports.defaultWaitMs)
      return send(reply, await documents.command(request.params.uid, [{ type: 'InviteParty', party }], wait))
    },
  )

  app.delete(
    '/api/Contract/:uid/Invitations/:party',
    {
      config: { role: 'editor', problems: ofInvitation },
      schema: {
        operationId: 'withdrawInvitation',
        summary: 'Takes an invitation back',
        querystring: DryRunQuery,
        params: Type.Object({ uid: UidSchema, party: HandleSchema }),
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, party } = request.params
      const wait = waitOf(request, ports.defaultWaitMs)
      return send(reply, await documents.command(uid, [{ type: 'WithdrawInvitation', party }], wait))
    },
  )

  app.post(
    '/api/Contract/:uid/Acceptance',
    {
      config: {
        role: 'voter',
        problems: [...ofContract, 'not_invited', 'payload_missing', 'transmitter_silent', 'signer_unreachable'],
      },
      schema: {
        operationId: 'acceptInvitation',
        summary: 'Accepts an invitation: 200 as a member, 202 as one that is to become one',
        params: ContractParams,
        response: { 200: ContractSummarySchema, 202: ContractSummarySchema },
      },
    },
    async (request, reply) => {
      const { timeoutMs: waitMs = 0 } = waitOf(request, ports.defaultWaitMs)
      return contracts.use(request.params.uid, async (live) => {
        if (memberOf(live.state.settling.agreed, live.self) !== undefined) {
          // Whoever asks with a key asks again, maybe.
          if (request.keyed !== undefined) return begunSummary(live)
          throw new NotInvited('not_invited', `${live.self} is a member already`, { contract: live.contract })
        }
        await contracts.accept(live.contract)
        ports.announce(live)
        const isMember = await becomesMember(live, waitMs)
        return reply.code(isMember ? 200 : 202).send(await begunSummary(live))
      })
    },
  )

  app.post(
    '/api/Contract/:uid/Decline',
    {
      config: { role: 'voter', problems: [...ofContract, 'not_invited', 'transmitter_silent', 'signer_unreachable'] },
      schema: {
        operationId: 'declineInvitation',
        summary: 'Declines an invitation',
        params: ContractParams,
        response: { 202: object({ contract: UidSchema, standing: Type.Literal('declined') }, 'Declined') },
      },
    },
    async (request, reply) => {
      const { uid } = request.params
      await contracts.use(uid, async (live) => {
        const closed = closedInvitationOf(live.state.settling.agreed, live.self)
        if (request.keyed !== undefined && closed?.how === 'declined') return
        await contracts.decline(uid)
        ports.announce(live)
      })
      return reply.code(202).send({ contract: uid, standing: 'declined' })
    },
  )
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
