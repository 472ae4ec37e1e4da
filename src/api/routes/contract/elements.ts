import { Type } from 'typebox'
import { withHistory } from '../../../agreement/history/looking-back.ts'
import { findSettled } from '../../../contracts/replica/find-settled.ts'
import { standingOfElement } from '../../../contracts/requests/progress.ts'
import { NoSuchPath } from '../../../documents/path.ts'
import { ElementIdSchema, UidSchema } from '../../../events/ids.ts'
import { ElementStandingSchema } from '../../answers/elements.ts'
import { ofElement, ofOrder } from '../../answers/problems.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { written } from '../../answers/written.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { closed } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

const ElementParams = Type.Object({ uid: UidSchema, element: ElementIdSchema })

/** `/api/Contract/<uid>/Elements/<id>/…` */
export const elementRoutes: TypedRoutes<RoutePorts> = async (app, ports) => {
  const { contracts, documents, store, defaultWaitMs } = ports

  app.get(
    '/api/Contract/:uid/Elements/:element/Standing',
    {
      config: { role: 'reader', problems: ofElement },
      schema: {
        operationId: 'getElementStanding',
        summary: 'The tier that an element has reached',
        params: ElementParams,
        response: { 200: ElementStandingSchema },
      },
    },
    async ({ params }) => {
      const standing = await contracts.use(params.uid, (live) =>
        withHistory(live, (state) =>
          standingOfElement(
            state,
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
      config: { role: 'editor', problems: [...ofOrder, 'write_unfit'] },
      schema: {
        operationId: 'arrangeChildren',
        summary: 'Has the children of a block shown in this order',
        querystring: DryRunQuery,
        params: ElementParams,
        body: Type.Object({ order: Type.Array(Type.String({ maxLength: 200 })) }, closed),
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, element } = request.params
      return send(reply, await documents.arrange(uid, element, request.body.order, waitOf(request, defaultWaitMs)))
    },
  )
}
