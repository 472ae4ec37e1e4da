import { Type } from 'typebox'
import { DocumentErasures } from '../../../documents/erasures.ts'
import { PathSchema } from '../../../documents/path.ts'
import { CountSchema, HandleSchema, HashSchema, UidSchema } from '../../../events/ids.ts'
import type { ErasureRecords } from '../../../projections/queries/erasure-records.ts'
import { ElementPath, Handles, MaybeAbout, object, orNull } from '../../answers/common.ts'
import { ofContract, ofErasure } from '../../answers/problems.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { written } from '../../answers/written.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { ContractParams, closed, OptionalAbout, VoteBody } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

export interface ErasureRoutesPorts extends RoutePorts {
  /** From the read model. */
  readonly erasureRecords: Pick<ErasureRecords, 'open'>
}

const ErasuresSchema = object(
  {
    open: Type.Array(
      object(
        {
          erasure: HashSchema,
          values: CountSchema,
          at: Type.Array(ElementPath),
          votes: Handles,
          waitsFor: Handles,
          said: Type.Array(object({ by: HandleSchema, castAt: CountSchema, about: MaybeAbout }, 'ErasureVote')),
        },
        'Erasure',
      ),
    ),
    erased: CountSchema,
    newest: orNull(CountSchema),
  },
  'Erasures',
)
const Asked = Type.Object(
  {
    paths: Type.Optional(Type.Array(PathSchema, { maxItems: 1000, uniqueItems: true })),
    seals: Type.Optional(Type.Array(HashSchema, { maxItems: 1000, uniqueItems: true })),
    about: OptionalAbout,
  },
  closed,
)

/** `/api/Contract/<uid>/Erasures[/<erasure>/Votes]` */
export const erasureRoutes: TypedRoutes<ErasureRoutesPorts> = async (app, ports) => {
  const { defaultWaitMs } = ports
  const erasures = new DocumentErasures(ports)

  app.get(
    '/api/Contract/:uid/Erasures',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'listErasures',
        summary: 'What members want erased',
        params: ContractParams,
        response: { 200: ErasuresSchema },
      },
    },
    async ({ params: { uid } }) => erasures.list(uid),
  )

  app.post(
    '/api/Contract/:uid/Erasures',
    {
      config: { role: 'voter', problems: ofErasure },
      schema: {
        operationId: 'eraseValues',
        summary: 'Votes that nobody keeps these values',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Asked,
        response: written,
      },
    },
    async (request, reply) =>
      send(reply, await erasures.erase(request.params.uid, request.body, waitOf(request, defaultWaitMs))),
  )

  app.post(
    '/api/Contract/:uid/Erasures/:erasure/Votes',
    {
      config: { role: 'voter', problems: ofErasure },
      schema: {
        operationId: 'voteOnErasure',
        summary: 'Votes on what another member wants erased',
        querystring: DryRunQuery,
        params: Type.Object({ uid: UidSchema, erasure: HashSchema }),
        body: VoteBody,
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, erasure } = request.params
      return send(reply, await erasures.vote(uid, erasure, request.body, waitOf(request, defaultWaitMs)))
    },
  )
}
