import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { findSettled } from '../../../contracts/replica/find-settled.ts'
import { standingOfElement } from '../../../contracts/requests/progress.ts'
import { NoSuchPath } from '../../../documents/path.ts'
import { ElementIdSchema, UidSchema } from '../../../events/ids.ts'
import { retryWithFullHistory } from '../../../runtime/history-pruned.ts'
import type { RoutePorts } from '../ports.ts'

/** `/api/Contract/<uid>/Elements/<id>` */
export const elementRoutes: FastifyPluginAsyncTypebox<RoutePorts> = async (app, { contracts, store }) => {
  app.get(
    '/api/Contract/:uid/Elements/:element/Standing',
    { config: { role: 'reader' }, schema: { params: Type.Object({ uid: UidSchema, element: ElementIdSchema }) } },
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
}
