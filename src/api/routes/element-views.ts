import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { Element } from '../../aggregates/contract/document/element.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import { AgreedView } from '../../documents/agreed-view.ts'
import { noSuchPath } from '../../documents/documents.ts'
import { elementHistory } from '../../documents/elements/element-history.ts'
import { elementSchema } from '../../documents/elements/element-schema.ts'
import { parsePath } from '../../documents/path.ts'
import { Rules } from '../../documents/rules/rules.ts'
import { type Uid, UidSchema } from '../../events/ids.ts'
import type { ValueHistory } from '../../projections/queries/value-history.ts'
import { TokenInQuery } from '../http/validation.ts'
import type { RuleRoutesPorts } from './contract/rules.ts'
import { closed } from './forms.ts'

export interface ElementViewPorts extends RuleRoutesPorts {
  /** From the read model. */
  readonly valueHistory: Pick<ValueHistory, 'of'>
}

const Params = { uid: UidSchema, element: Type.String() }
const ElementParams = Type.Object(Params)
const RuleParams = Type.Object({ ...Params, rule: Type.String({ pattern: '^[1-9][0-9]{0,6}$' }) })
const HistoryQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    before: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 32 })),
    ...TokenInQuery,
  },
  closed,
)
/** Values of a history, unless a query says otherwise. */
const LIMIT = 100

/** `/new-api/<uid>/<path>/~rules[/<number>[/attributes|votes]]`, `…/~schema`, `…/~history`; `element` is the whole path (url.ts). */
export const elementViewRoutes: FastifyPluginAsyncTypebox<ElementViewPorts> = async (app, ports) => {
  const { contracts, store, valueHistory: history } = ports
  const rules = new Rules(ports)
  const reader = { config: { role: 'reader' as const } }

  const at = <Result>(
    { uid, element: path }: { readonly uid: Uid; readonly element: string },
    look: (element: Element, document: ContractState) => Promise<Result> | Result,
  ) =>
    contracts.use(uid, async ({ state }) => {
      const { agreed } = state.settling
      const names = parsePath(path)
      const element = await new AgreedView(agreed, uid, store.payloads).locate(names)
      if (element === undefined) throw noSuchPath(uid, names)
      return look(element, agreed)
    })

  app.get('/new-api/:uid/:element/~rules', { ...reader, schema: { params: ElementParams } }, async ({ params }) =>
    rules.at(params.uid, parsePath(params.element)),
  )

  app.get('/new-api/:uid/:element/~rules/:rule', { ...reader, schema: { params: RuleParams } }, async ({ params }) =>
    rules.oneAt(params.uid, parsePath(params.element), Number(params.rule)),
  )

  app.get(
    '/new-api/:uid/:element/~rules/:rule/attributes',
    { ...reader, schema: { params: RuleParams } },
    async ({ params }) => (await rules.oneAt(params.uid, parsePath(params.element), Number(params.rule))).says,
  )

  app.get(
    '/new-api/:uid/:element/~rules/:rule/votes',
    { ...reader, schema: { params: RuleParams } },
    async ({ params }) => {
      const { votes, waitsFor } = await rules.oneAt(params.uid, parsePath(params.element), Number(params.rule))
      return [...votes, ...waitsFor.map((by) => ({ by, vote: null }))]
    },
  )

  app.get('/new-api/:uid/:element/~schema', { ...reader, schema: { params: ElementParams } }, async ({ params }) =>
    at(params, elementSchema),
  )

  app.get(
    '/new-api/:uid/:element/~history',
    { ...reader, schema: { params: ElementParams, querystring: HistoryQuery } },
    async ({ params, query: { before, limit = LIMIT } }) => {
      const query = { limit, ...(before !== undefined && { before }) }
      return at(params, (element, document) =>
        elementHistory(element, document, { history, payloads: store.payloads }, query),
      )
    },
  )
}
