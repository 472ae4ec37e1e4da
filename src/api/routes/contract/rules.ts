import { Type } from 'typebox'
import { PathSchema } from '../../../documents/path.ts'
import { Rules } from '../../../documents/rules/rules.ts'
import { RuleWrittenSchema } from '../../../documents/written-rule.ts'
import { HashSchema, UidSchema } from '../../../events/ids.ts'
import { RuleNumberSchema } from '../../../events/rule.ts'
import type { RuleRecords } from '../../../projections/queries/rule-records.ts'
import { YesOrNo } from '../../answers/common.ts'
import { ofContract, ofRules, ofRuleText } from '../../answers/problems.ts'
import { RulesSchema } from '../../answers/rule.ts'
import type { TypedRoutes } from '../../answers/typed-routes.ts'
import { written } from '../../answers/written.ts'
import { waitOf } from '../../http/prefer-header.ts'
import { send } from '../../http/request-response.ts'
import { DryRunQuery } from '../../http/validation.ts'
import { ContractParams, closed, OptionalAbout } from '../forms.ts'
import type { RoutePorts } from '../ports.ts'

export interface RuleRoutesPorts extends RoutePorts {
  /** From the read model. */
  readonly ruleRecords: Pick<RuleRecords, 'of'>
}

/** In a URL. */
export const RuleParam = Type.String({ pattern: '^[1-9][0-9]{0,6}$' })
const RuleParams = Type.Object({ uid: UidSchema, rule: RuleParam })
const RuleSet = Type.Union([RuleNumberSchema, Type.Null()])
const Drafted = Type.Object({ at: PathSchema, ruleSet: RuleSet, says: RuleWrittenSchema, about: OptionalAbout }, closed)
export const EditedRule = Type.Object({ ruleSet: RuleSet, says: RuleWrittenSchema, about: OptionalAbout }, closed)
const Published = Type.Object(
  {
    ruleSets: Type.Array(RuleNumberSchema, { minItems: 1, maxItems: 1000 }),
    rules: Type.Array(Type.Object({ rule: RuleNumberSchema, hash: HashSchema }, closed), { maxItems: 4096 }),
  },
  closed,
)
/** `hash`: of what the rule says, which is what is voted on. */
export const RuleVote = Type.Object({ hash: HashSchema, vote: YesOrNo, about: OptionalAbout }, closed)

/** `/api/Contract/<uid>/Rules`, `…/RuleSets`, `…/Publications` and `…/Reopenings` */
export const ruleRoutes: TypedRoutes<RuleRoutesPorts> = async (app, ports) => {
  const rules = new Rules(ports)
  const { defaultWaitMs } = ports

  app.get(
    '/api/Contract/:uid/Rules',
    {
      config: { role: 'reader', problems: ofContract },
      schema: {
        operationId: 'listRules',
        summary: 'Rules and rule sets',
        params: ContractParams,
        response: { 200: RulesSchema },
      },
    },
    async ({ params: { uid } }) => rules.list(uid),
  )

  app.post(
    '/api/Contract/:uid/RuleSets',
    {
      config: { role: 'editor', problems: ofRules },
      schema: {
        operationId: 'addRuleSet',
        summary: 'Adds a rule set',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Type.Object({ name: Type.String({ maxLength: 200 }) }, closed),
        response: written,
      },
    },
    async (request, reply) => {
      const { params, body } = request
      return send(reply, await rules.addRuleSet(params.uid, body.name, waitOf(request, defaultWaitMs)))
    },
  )

  app.post(
    '/api/Contract/:uid/Rules',
    {
      config: { role: 'editor', problems: ofRuleText },
      schema: {
        operationId: 'draftRule',
        summary: 'Drafts a rule',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Drafted,
        response: written,
      },
    },
    async (request, reply) =>
      send(reply, await rules.draft(request.params.uid, request.body, waitOf(request, defaultWaitMs))),
  )

  app.put(
    '/api/Contract/:uid/Rules/:rule',
    {
      config: { role: 'editor', problems: ofRuleText },
      schema: {
        operationId: 'editRule',
        summary: 'Has a rule say something else; votes on it are void',
        querystring: DryRunQuery,
        params: RuleParams,
        body: EditedRule,
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, rule } = request.params
      return send(reply, await rules.edit(uid, Number(rule), request.body, waitOf(request, defaultWaitMs)))
    },
  )

  app.delete(
    '/api/Contract/:uid/Rules/:rule',
    {
      config: { role: 'editor', problems: ofRules },
      schema: {
        operationId: 'removeRule',
        summary: 'Removes a rule',
        querystring: DryRunQuery,
        params: RuleParams,
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, rule } = request.params
      return send(reply, await rules.remove(uid, Number(rule), waitOf(request, defaultWaitMs)))
    },
  )

  app.post(
    '/api/Contract/:uid/Rules/:rule/Votes',
    {
      config: { role: 'voter', problems: ofRules },
      schema: {
        operationId: 'voteOnRule',
        summary: 'Votes on what a rule says',
        querystring: DryRunQuery,
        params: RuleParams,
        body: RuleVote,
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, rule } = request.params
      return send(reply, await rules.vote(uid, Number(rule), request.body, waitOf(request, defaultWaitMs)))
    },
  )

  app.post(
    '/api/Contract/:uid/Publications',
    {
      config: { role: 'voter', problems: ofRules },
      schema: {
        operationId: 'publishRules',
        summary: 'Puts rules into force',
        querystring: DryRunQuery,
        params: ContractParams,
        body: Published,
        response: written,
      },
    },
    async (request, reply) =>
      send(reply, await rules.publish(request.params.uid, request.body, waitOf(request, defaultWaitMs))),
  )

  app.post(
    '/api/Contract/:uid/Reopenings',
    {
      config: { role: 'voter', problems: ofRules },
      schema: {
        operationId: 'reopenEdit',
        summary: 'Votes that rules are out of force, to be changed',
        querystring: DryRunQuery,
        params: ContractParams,
        response: written,
      },
    },
    async (request, reply) => send(reply, await rules.reopen(request.params.uid, waitOf(request, defaultWaitMs))),
  )
}
