import { Type } from 'typebox'
import { parsePath, pathTo } from '../../documents/path.ts'
import { Rules } from '../../documents/rules/rules.ts'
import type { Uid } from '../../events/ids.ts'
import { ofElement, ofRules, ofRuleText } from '../answers/problems.ts'
import { ElementRuleSchema, RuleVotesSchema, Says } from '../answers/rule.ts'
import type { TypedRoutes } from '../answers/typed-routes.ts'
import { written } from '../answers/written.ts'
import { waitOf } from '../http/prefer-header.ts'
import { send } from '../http/request-response.ts'
import { DryRunQuery } from '../http/validation.ts'
import { EditedRule, RuleParam, type RuleRoutesPorts, RuleVote } from './contract/rules.ts'
import { atElement } from './forms.ts'

const ElementParams = Type.Object(atElement)
const RuleParams = Type.Object({ ...atElement, rule: RuleParam })

/** `/new-api/<uid>/<path>/~rules[/<number>[/attributes|votes]]`; `element` is the whole path (url.ts). */
export const elementRuleRoutes: TypedRoutes<RuleRoutesPorts> = async (app, ports) => {
  const { defaultWaitMs } = ports
  const rules = new Rules(ports)
  /** A rule is read, and written to, at an element that it has to do with. Throws NoSuchRule, NoSuchPath, NoSuchContract. */
  const ruleAt = (params: { readonly uid: Uid; readonly element: string; readonly rule: string }) =>
    rules.oneAt(params.uid, parsePath(params.element), Number(params.rule))

  app.get(
    '/new-api/:uid/:element/~rules',
    {
      config: { role: 'reader', problems: ofElement },
      schema: {
        operationId: 'listElementRules',
        summary: 'Rules that have to do with an element',
        params: ElementParams,
        response: { 200: Type.Array(ElementRuleSchema) },
      },
    },
    async ({ params }) => rules.at(params.uid, parsePath(params.element)),
  )

  app.get(
    '/new-api/:uid/:element/~rules/:rule',
    {
      config: { role: 'reader', problems: [...ofElement, 'no_such_rule'] },
      schema: {
        operationId: 'getElementRule',
        summary: 'A rule',
        params: RuleParams,
        response: { 200: ElementRuleSchema },
      },
    },
    async ({ params }) => ruleAt(params),
  )

  app.get(
    '/new-api/:uid/:element/~rules/:rule/attributes',
    {
      config: { role: 'reader', problems: [...ofElement, 'no_such_rule'] },
      schema: {
        operationId: 'getRuleAttributes',
        summary: 'What a rule says',
        params: RuleParams,
        response: { 200: Says },
      },
    },
    async ({ params }) => (await ruleAt(params)).says,
  )

  app.get(
    '/new-api/:uid/:element/~rules/:rule/votes',
    {
      config: { role: 'reader', problems: [...ofElement, 'no_such_rule'] },
      schema: {
        operationId: 'listRuleVotes',
        summary: 'Who has voted on a rule',
        params: RuleParams,
        response: { 200: RuleVotesSchema },
      },
    },
    async ({ params }) => {
      const { votes, waitsFor } = await ruleAt(params)
      return [...votes, ...waitsFor.map((by) => ({ by, vote: null }))]
    },
  )

  app.post(
    '/new-api/:uid/:element/~rules',
    {
      config: { role: 'editor', problems: ofRuleText },
      schema: {
        operationId: 'draftElementRule',
        summary: 'Drafts a rule that stands at an element',
        querystring: DryRunQuery,
        params: ElementParams,
        body: EditedRule,
        response: written,
      },
    },
    async (request, reply) => {
      const { uid, element } = request.params
      const at = pathTo(parsePath(element))
      return send(reply, await rules.draft(uid, { at, ...request.body }, waitOf(request, defaultWaitMs)))
    },
  )

  app.put(
    '/new-api/:uid/:element/~rules/:rule',
    {
      config: { role: 'editor', problems: [...ofRuleText, 'no_such_rule'] },
      schema: {
        operationId: 'editElementRule',
        summary: 'Has a rule say something else; votes on it are void',
        querystring: DryRunQuery,
        params: RuleParams,
        body: EditedRule,
        response: written,
      },
    },
    async (request, reply) => {
      const { number } = await ruleAt(request.params)
      return send(reply, await rules.edit(request.params.uid, number, request.body, waitOf(request, defaultWaitMs)))
    },
  )

  app.put(
    '/new-api/:uid/:element/~rules/:rule/attributes',
    {
      config: { role: 'editor', problems: [...ofRuleText, 'no_such_rule'] },
      schema: {
        operationId: 'putRuleAttributes',
        summary: 'Has a rule say something else, in the set where it is; votes on it are void',
        querystring: DryRunQuery,
        params: RuleParams,
        body: Says,
        response: written,
      },
    },
    async (request, reply) => {
      const { number, ruleSet } = await ruleAt(request.params)
      const wanted = { ruleSet, says: request.body }
      return send(reply, await rules.edit(request.params.uid, number, wanted, waitOf(request, defaultWaitMs)))
    },
  )

  app.delete(
    '/new-api/:uid/:element/~rules/:rule',
    {
      config: { role: 'editor', problems: [...ofRules, 'no_such_rule', 'no_such_path'] },
      schema: {
        operationId: 'removeElementRule',
        summary: 'Removes a rule',
        querystring: DryRunQuery,
        params: RuleParams,
        response: written,
      },
    },
    async (request, reply) => {
      const { number } = await ruleAt(request.params)
      return send(reply, await rules.remove(request.params.uid, number, waitOf(request, defaultWaitMs)))
    },
  )

  app.post(
    '/new-api/:uid/:element/~rules/:rule/votes',
    {
      config: { role: 'voter', problems: [...ofRules, 'no_such_rule', 'no_such_path'] },
      schema: {
        operationId: 'voteOnElementRule',
        summary: 'Votes on what a rule says',
        querystring: DryRunQuery,
        params: RuleParams,
        body: RuleVote,
        response: written,
      },
    },
    async (request, reply) => {
      const { number } = await ruleAt(request.params)
      return send(reply, await rules.vote(request.params.uid, number, request.body, waitOf(request, defaultWaitMs)))
    },
  )
}
