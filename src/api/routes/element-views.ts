import { Type } from 'typebox'
import type { Element } from '../../aggregates/contract/document/element.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import { withHistory } from '../../agreement/history/looking-back.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { AgreedView } from '../../documents/agreed-view.ts'
import { attachmentsBelow } from '../../documents/attachments/attachments-below.ts'
import { attributesOf } from '../../documents/elements/element-attributes.ts'
import { elementEvidence } from '../../documents/elements/element-evidence.ts'
import { elementHistory } from '../../documents/elements/element-history.ts'
import { wholeSchema } from '../../documents/elements/element-schema.ts'
import { elementTiers } from '../../documents/elements/element-tiers.ts'
import { parsePath } from '../../documents/path.ts'
import { AudienceSchema } from '../../events/audience.ts'
import { HandleSchema, TimeSchema, type Uid } from '../../events/ids.ts'
import type { ValueHistory } from '../../projections/queries/value-history.ts'
import { inTurns } from '../../runtime/turns.ts'
import { AttachmentsSchema, AttributesSchema, EvidenceSchema, TiersSchema } from '../answers/element-views.ts'
import { ElementSchema, HistorySchema } from '../answers/elements.ts'
import { ofAudience, ofElement, ofOrder } from '../answers/problems.ts'
import type { TypedRoutes } from '../answers/typed-routes.ts'
import { written } from '../answers/written.ts'
import { waitOf } from '../http/prefer-header.ts'
import { send } from '../http/request-response.ts'
import { DryRunQuery, TokenInQuery } from '../http/validation.ts'
import { atElement, closed, LIMIT, LimitSchema } from './forms.ts'
import type { RoutePorts } from './ports.ts'

export interface ElementViewPorts extends RoutePorts {
  /** From the read model. */
  readonly valueHistory: Pick<ValueHistory, 'of'>
}

const ElementParams = Type.Object(atElement)
const HistoryQuery = Type.Object(
  {
    limit: LimitSchema,
    before: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 32 })),
    ...TokenInQuery,
  },
  closed,
)
const AttributesBody = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 200 })),
    owner: Type.Optional(Type.Union([HandleSchema, Type.Null()])),
    order: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 10_000 })),
    audience: Type.Optional(
      Type.Union([Type.Object({ parties: AudienceSchema, until: Type.Optional(TimeSchema) }, closed), Type.Null()]),
    ),
  },
  { ...closed, minProperties: 1 },
)
const TiersQuery = Type.Object(
  {
    limit: LimitSchema,
    after: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 32 })),
    ...TokenInQuery,
  },
  closed,
)

/** `/new-api/<uid>/<path>/~schema`, `…/~history`, `…/~attributes`, `…/~tiers`, `…/~evidence`, `…/~attachments`; `element` is the whole
 * path (url.ts). */
export const elementViewRoutes: TypedRoutes<ElementViewPorts> = async (app, ports) => {
  const { contracts, store, valueHistory: history } = ports

  const at = <Result>(
    { uid, element: path }: { readonly uid: Uid; readonly element: string },
    look: (element: Element, document: ContractState, live: LiveContract) => Promise<Result> | Result,
  ) =>
    contracts.use(uid, async (live) => {
      const { agreed } = live.state.settling
      const view = new AgreedView(agreed, uid, store.payloads)
      return look(await view.require(parsePath(path)), agreed, live)
    })

  app.get(
    '/new-api/:uid/:element/~schema',
    {
      config: { role: 'reader', problems: ofElement },
      schema: {
        operationId: 'getElementSchema',
        summary: 'What an element is, without its values',
        params: ElementParams,
        response: { 200: ElementSchema },
      },
    },
    async ({ params }) =>
      at(params, (element, document) => inTurns(wholeSchema(element, document), ports.documents.turns)),
  )

  app.get(
    '/new-api/:uid/:element/~attributes',
    {
      config: { role: 'reader', problems: ofElement },
      schema: {
        operationId: 'getElementAttributes',
        summary: 'What an element is, without what is below it',
        params: ElementParams,
        response: { 200: AttributesSchema },
      },
    },
    async ({ params }) => at(params, attributesOf),
  )

  app.patch(
    '/new-api/:uid/:element/~attributes',
    {
      config: { role: 'editor', problems: [...ofOrder, ...ofAudience, 'write_unfit'] },
      schema: {
        operationId: 'patchElementAttributes',
        summary: 'Gives an element another name, owner, order or audience',
        params: ElementParams,
        querystring: DryRunQuery,
        body: AttributesBody,
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, element } = request.params
      const wait = waitOf(request, ports.defaultWaitMs)
      return send(reply, await ports.documents.describe(uid, parsePath(element), request.body, wait))
    },
  )

  app.get(
    '/new-api/:uid/:element/~tiers',
    {
      config: { role: 'reader', problems: ofElement },
      schema: {
        operationId: 'getElementTiers',
        summary: 'How far an element and all below it have come',
        params: ElementParams,
        querystring: TiersQuery,
        response: { 200: TiersSchema },
      },
    },
    async ({ params, query: { after = 0, limit = LIMIT } }) =>
      at(params, (element, _, live) =>
        withHistory(live, (state) => elementTiers(element, live.contract, state, store.events, { after, limit })),
      ),
  )

  app.get(
    '/new-api/:uid/:element/~evidence',
    {
      config: { role: 'reader', problems: ofElement },
      schema: {
        operationId: 'getElementEvidence',
        summary: 'By what agreed values are proven',
        params: ElementParams,
        querystring: HistoryQuery,
        response: { 200: EvidenceSchema },
      },
    },
    async ({ params, query: { before, limit = LIMIT } }) => {
      const query = { limit, ...(before !== undefined && { before }) }
      return at(params, (element, _, live) =>
        withHistory(live, (state) =>
          elementEvidence(
            element,
            live.contract,
            state,
            { store, valueHistory: history, turns: ports.documents.turns },
            query,
          ),
        ),
      )
    },
  )

  app.get(
    '/new-api/:uid/:element/~attachments',
    {
      config: { role: 'reader', problems: ofElement },
      schema: {
        operationId: 'listElementAttachments',
        summary: 'Files at and below an element',
        params: ElementParams,
        response: { 200: AttachmentsSchema },
      },
    },
    async ({ params }) => at(params, (element, document) => attachmentsBelow(element, document, store.payloads)),
  )

  app.get(
    '/new-api/:uid/:element/~history',
    {
      config: { role: 'reader', problems: ofElement },
      schema: {
        operationId: 'getElementHistory',
        summary: 'Values that an element has had',
        params: ElementParams,
        querystring: HistoryQuery,
        response: { 200: HistorySchema },
      },
    },
    async ({ params, query: { before, limit = LIMIT } }) => {
      const query = { limit, ...(before !== undefined && { before }) }
      return at(params, (element, document) =>
        elementHistory(element, document, { history, payloads: store.payloads }, query),
      )
    },
  )
}
