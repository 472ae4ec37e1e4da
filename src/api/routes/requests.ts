import { Type } from 'typebox'
import { noSuchPath, PathSchema, parsePath } from '../../documents/path.ts'
import { HandleSchema, TimeSchema, UidSchema } from '../../events/ids.ts'
import { type RequestsFound, type RequestsWanted, requestStates } from '../../projections/queries/request-records.ts'
import { ofElement } from '../answers/problems.ts'
import { RequestsSchema } from '../answers/requests.ts'
import type { TypedRoutes } from '../answers/typed-routes.ts'
import { RequestMalformed, TokenInQuery } from '../http/validation.ts'
import { requestStatus } from './contract/request-status.ts'
import { closed, LIMIT, LimitSchema } from './forms.ts'
import type { RoutePorts } from './ports.ts'

export interface RequestRoutesPorts extends RoutePorts {
  /** From the read model. */
  readonly requestRecords: { find(wanted: RequestsWanted): RequestsFound }
}

/** `GET /api/Request`: the requests of all contracts, or of one; those on their way first. */
export const requestListRoutes: TypedRoutes<RequestRoutesPorts> = async (
  app,
  { contracts, documents, requestRecords, store },
) => {
  app.get(
    '/api/Request',
    {
      config: { role: 'reader', problems: [...ofElement, 'no_such_request', 'read_model_missing'] },
      schema: {
        operationId: 'findRequests',
        summary: 'Requests of all contracts, or of one; those on their way first',
        response: { 200: RequestsSchema },
        querystring: Type.Object(
          {
            contract: Type.Optional(UidSchema),
            id: Type.Optional(Type.String({ maxLength: 200 })),
            author: Type.Optional(HandleSchema),
            state: Type.Optional(Type.Enum([...requestStates])),
            path: Type.Optional(PathSchema),
            since: Type.Optional(TimeSchema),
            before: Type.Optional(Type.Integer({ minimum: 0 })),
            limit: LimitSchema,
            ...TokenInQuery,
          },
          closed,
        ),
      },
    },
    async ({ query: { author, before, contract, id, limit = LIMIT, path, since, state } }) => {
      if (contract === undefined && (id !== undefined || path !== undefined))
        throw new RequestMalformed('request_malformed', 'id and path are of one contract: name it', {
          expected: 'contract',
        })
      if (id !== undefined && contract !== undefined) {
        const [beside] =
          Object.entries({ author, before, path, since, state }).find(([, one]) => one !== undefined) ?? []
        if (beside !== undefined)
          throw new RequestMalformed('request_malformed', `id names one request, and ${beside} stands beside it`, {
            path: `/${beside}`,
          })
        const status = await contracts.use(contract, (live) => requestStatus(live, store, id))
        return { requests: [{ contract, ...status }] }
      }
      const element = contract === undefined || path === undefined ? undefined : await elementAt(contract, path)
      return requestRecords.find({
        limit,
        ...(author && { author }),
        ...(before !== undefined && { before }),
        ...(contract && { contract }),
        ...(element && { element }),
        ...(since && { since: timeIn(since) }),
        ...(state && { state }),
      })
    },
  )

  /** Throws RequestMalformed for a day that there is not. */
  function timeIn(since: string): string {
    const time = Date.parse(since)
    if (!Number.isNaN(time) && new Date(time).toISOString() === since) return since
    const expected = 'a time such as 2027-01-31T12:00:00.000Z'
    throw new RequestMalformed('request_malformed', `since is ${expected}`, { path: '/since', expected })
  }

  async function elementAt(contract: Parameters<typeof documents.get>[0], path: string) {
    const names = parsePath(`/${path}`)
    const found = await documents.get(contract, names)
    if (found === undefined) throw noSuchPath(contract, names)
    return found.element.id
  }
}
