import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { findSettled } from '../../../contracts/replica/find-settled.ts'
import { standingOfElement } from '../../../contracts/requests/progress.ts'
import { NoSuchPath } from '../../../documents/path.ts'
import { ElementIdSchema, UidSchema } from '../../../events/ids.ts'
import { retryWithFullHistory } from '../../../runtime/history-pruned.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { closed } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

const ElementParams = Type.Object({ uid: UidSchema, element: ElementIdSchema })

/** `/api/Contract/<uid>/Elements/<id>/…` */
export const elementRoutes: FastifyPluginAsyncTypebox<RoutePorts> = async (app, ports) => {
  const { contracts, documents, store, defaultWaitMs } = ports

  app.get(
    '/api/Contract/:uid/Elements/:element/Standing',
    { config: { role: 'reader' }, schema: { params: ElementParams } },
    async ({ params }) => {
      const standing = await contracts.use(params.uid, (live) =>
        retryWithFullHistory(live, () =>
          standingOfElement(
            live.state,
            params.element,
            async (request) => (await findSettled(store.events, live.contract, request))?.index,
          ),
        ),
      )
      if (standing === undefined) {
        throw new NoSuchPath('no_such_path', `there is no element ${params.element}`, { element: params.element })
      }
      return standing
    },
  )

  app.put(
    '/api/Contract/:uid/Elements/:element/Order',
    {
      config: { role: 'editor' },
      schema: {
        querystring: DryRunQuery,
        params: ElementParams,
        body: Type.Object({ order: Type.Array(Type.String({ maxLength: 200 })) }, closed),
      },
    },
    async (request, reply) => {
      const { uid, element } = request.params
      return send(reply, await documents.arrange(uid, element, request.body.order, waitOf(request, defaultWaitMs)))
    },
  )
}
