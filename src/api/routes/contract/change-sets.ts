import { Type } from 'typebox'
import { heldAbouts, withAbout } from '../../../contracts/requests/held-abouts.ts'
import { ChangeSets, ChangesSchema, NoSuchChangeSet } from '../../../documents/change-sets.ts'
import { requestOf, type Uid, UidSchema } from '../../../events/ids.ts'
import type { EndedChangeSet, WantedChangeSets } from '../../../projections/queries/ended-change-sets.ts'
import { groupOf } from '../../../store/payload-group.ts'
import { ChangeSetSchema, ChangeSetsSchema, DiffSchema } from '../../answers/change-sets.ts'
import { ofChangeSet, ofContract } from '../../answers/problems.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { written } from '../../answers/written.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery, TokenInQuery } from '../../http/validation.ts'
import { ChangeSetKeySchema, ContractParams, closed, OptionalAbout, VoteBody } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

export interface ChangeSetRoutesPorts extends RoutePorts {
  /** From the read model. */
  readonly endedChangeSets: (contract: Uid, wanted: WantedChangeSets) => readonly EndedChangeSet[]
}

const SetParams = Type.Object({ uid: UidSchema, set: ChangeSetKeySchema })
const Index = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
/** How many of the newest ended change sets are shown, unless a query says otherwise. */
const ENDED_SHOWN = 20

/** `/api/Contract/<uid>/ChangeSets` and `…/Diff` */
export const changeSetRoutes: TypedRoutes<ChangeSetRoutesPorts> = async (app, ports) => {
  const { contracts, documents, store, defaultWaitMs, endedChangeSets } = ports
  const changeSets = new ChangeSets(contracts, documents, store)

  const shown = async (uid: Uid, ended: EndedChangeSet) => {
    const group = groupOf(requestOf(ended.request))
    const refs = ended.about === undefined ? [] : [{ group, seal: ended.about }]
    return withAbout(ended, await heldAbouts(store.payloads, uid, refs))
  }

  app.get(
    '/api/Contract/:uid/ChangeSets',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'listChangeSets',
        summary: 'Change sets that wait for votes, and the newest of those that have ended',
        params: ContractParams,
        querystring: Type.Object(
          { ended: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })), ...TokenInQuery },
          closed,
        ),
        response: { 200: ChangeSetsSchema },
      },
    },
    async ({ params: { uid }, query: { ended = ENDED_SHOWN } }) => {
      const open = await changeSets.open(uid)
      const before = endedChangeSets(uid, { limit: ended })
      return { open, ended: await Promise.all(before.map((one) => shown(uid, one))) }
    },
  )

  app.post(
    '/api/Contract/:uid/ChangeSets',
    {
      config: { role: 'editor', problems: ofChangeSet },
      schema: {
        operationId: 'proposeChangeSet',
        summary: 'Puts several changes to the vote as one',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object({ changes: ChangesSchema, about: OptionalAbout }, closed),
        response: written,
      },
    },
    async (request, reply) => {
      const { params, body } = request
      return send(reply, await changeSets.propose(params.uid, body, waitOf(request, defaultWaitMs)))
    },
  )

  app.get(
    '/api/Contract/:uid/ChangeSets/:set',
    {
      config: { role: 'reader', problems: [...ofContract, 'no_such_change_set'] },
      schema: {
        operationId: 'getChangeSet',
        summary: 'A change set, and what it comes to',
        params: SetParams,
        response: { 200: ChangeSetSchema },
      },
    },
    async ({ params: { uid, set } }) => {
      const open = await changeSets.find(uid, set)
      if (open !== undefined) return open
      const [ended] = endedChangeSets(uid, { request: requestOf(set) })
      if (ended !== undefined) return shown(uid, ended)
      throw new NoSuchChangeSet('no_such_change_set', `there is no change set ${set}`, { contract: uid, request: set })
    },
  )

  app.delete(
    '/api/Contract/:uid/ChangeSets/:set',
    {
      config: { role: 'editor', problems: ofChangeSet },
      schema: {
        operationId: 'withdrawChangeSet',
        summary: 'Takes a change set back',
        querystring: DryRunQuery,
        params: SetParams,
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, set } = request.params
      return send(reply, await changeSets.withdraw(uid, set, waitOf(request, defaultWaitMs)))
    },
  )

  app.post(
    '/api/Contract/:uid/ChangeSets/:set/Votes',
    {
      config: { role: 'voter', problems: ofChangeSet },
      schema: {
        operationId: 'voteOnChangeSet',
        summary: 'Votes on a change set',
        querystring: DryRunQuery,
        params: SetParams,
        body: VoteBody,
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, set } = request.params
      return send(reply, await changeSets.vote(uid, set, request.body, waitOf(request, defaultWaitMs)))
    },
  )

  app.get(
    '/api/Contract/:uid/Diff',
    {
      config: { role: 'reader', problems: [...ofContract, 'no_such_entry', 'history_too_long'] },
      schema: {
        operationId: 'getDiff',
        summary: 'What has changed between two ledger indices',
        params: ContractParams,
        querystring: Type.Object({ from: Index, to: Index, ...TokenInQuery }, closed),
        response: { 200: DiffSchema },
      },
    },
    async ({ params: { uid }, query: { from, to } }) => documents.diff(uid, from, to),
  )
}
