import { childAt } from '../../src/aggregates/contract/document/element.ts'
import { type RuleTerms, ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { openIn } from '../../src/agreement/values/opened-values.ts'
import type { ElementId, Handle } from '../../src/events/ids.ts'
import type { RuleBody } from '../../src/events/rule.ts'
import { ask, type Command, type Configuration, propose, type SetUp, together } from './configuration.ts'
import type { View } from './views.ts'

/** A is never red, and B is A with an x behind it: the law of these worlds while the rules are in force. */
const never: RuleBody = {
  kind: 'constraint',
  condition: {
    language: 1,
    nodes: [
      ['ref', '0.0'],
      ['text', 'red'],
      ['=', 0, 1],
      ['call', 'not', 2],
    ],
  },
  severity: 'reject',
} as RuleBody
const copy: RuleBody = {
  kind: 'assignment',
  target: '0.1',
  expression: {
    language: 1,
    nodes: [
      ['ref', '0.0'],
      ['text', 'x'],
      ['+', 0, 1],
    ],
  },
} as RuleBody
const voted: RuleBody = { kind: 'validation', who: { parties: ['ben' as Handle], fields: [] } }

interface Named {
  readonly rule: number
  readonly hash: string
}

/** Drafted by the founder in one rule set, in this order. */
function drafted(...rules: readonly (readonly [at: string, body: RuleBody])[]): { drafts: Command[]; named: Named[] } {
  const terms = rules.map(([at, body], place): RuleTerms => ({ id: place + 1, at: at as ElementId, ruleSet: 1, body }))
  return {
    drafts: terms.map(({ at, ruleSet, body }) => ({ type: 'DraftRule', at, ruleSet, body })),
    named: terms.map((one) => ({ rule: one.id, hash: ruleHash(one) })),
  }
}

const vote = (named: Named) => ({ type: 'CastVote', ...named, vote: 'yes' })
const publish = (rules: readonly Named[]) => ask({ type: 'PublishRules', ruleSets: [1], rules: [...rules] })
const reopen = ask({ type: 'ReopenEdit' })
const terms = { type: 'AddRuleSet', name: 'Terms' }

/** Voted and published before the walk begins. */
function inForce(...rules: readonly (readonly [at: string, body: RuleBody])[]): (readonly Command[] | SetUp)[] {
  const { drafts, named } = drafted(...rules)
  return [[terms], drafts, { by: 'ben', commands: named.map(vote) }, publish(named).commands]
}

const both = drafted(['0', never], ['0', copy])

/** What the rules say, looked up by hand in the document that everybody has agreed on, and in that of the whole ledger. */
function keepsRules({ state }: View): string | undefined {
  const open = openIn(state.ledger, state.feeds)
  for (const document of [state.settling.agreed, state.ledger.document]) {
    if (document.phase !== 'live') continue
    const [a, b] = [0, 1].map((ordinal) => {
      const field = childAt(document.document, ordinal)
      return field?.kind === 'field' && field.agreed !== null ? open(field.agreed)?.value : undefined
    })
    if (a === 'red') return 'A is red'
    const isCopied = document.rules.rules.some(
      ({ isInForce, terms: { body } }) => isInForce && body.kind === 'assignment',
    )
    if (isCopied && b !== (a === undefined ? undefined : `${a}x`)) return `A is ${a}, and B ${b}`
  }
  return undefined
}

/** Worlds with rules (design §5a). */
export const ruledWorlds: readonly Configuration[] = [
  {
    name: 'a rule is voted and published beside a value that breaks it',
    members: ['ana', 'ben'],
    setUp: [[terms], both.drafts],
    seats: [
      { name: 'ana', plan: [publish(both.named)] },
      { name: 'ben', plan: [ask(...both.named.map(vote)), propose('0.0', 'red')] },
    ],
    delivery: 'statement',
    law: keepsRules,
  },
  {
    name: 'values under a constraint and an assignment',
    members: ['ana', 'ben'],
    setUp: inForce(['0', never], ['0', copy]),
    seats: [
      { name: 'ana', plan: [propose('0.0', 'Mexico')], crashes: 1 },
      { name: 'ben', plan: [propose('0.0', 'red'), propose('0.0', 'Chile')] },
    ],
    delivery: 'statement',
    law: keepsRules,
  },
  {
    name: 'a vote on a value, and a reopening',
    members: ['ana', 'ben'],
    setUp: inForce(['0.0', voted], ['0', copy]),
    seats: [
      { name: 'ana', plan: [propose('0.0', 'Mexico'), reopen] },
      { name: 'ben', plan: [reopen] },
    ],
    delivery: 'statement',
    law: keepsRules,
  },
  {
    name: 'drafted, voted, published and reopened',
    members: ['ana', 'ben'],
    setUp: [[terms]],
    seats: [
      { name: 'ana', plan: [ask(...both.drafts), publish(both.named), reopen] },
      { name: 'ben', plan: [ask(...both.named.map(vote)), together(propose('0.1', 'blue'), propose('0.0', 'red'))] },
    ],
    delivery: 'everything',
    answersAtOnce: true,
    law: keepsRules,
  },
]
