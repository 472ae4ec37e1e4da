import { childAt } from '../../src/aggregates/contract/document/element.ts'
import { type RuleTerms, ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { openIn } from '../../src/agreement/values/opened-values.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { ContractEvent } from '../../src/events/contract-events.ts'
import type { ElementId, Handle } from '../../src/events/ids.ts'
import type { RuleBody } from '../../src/events/rule.ts'
import {
  ask,
  asOne,
  type Command,
  type Configuration,
  type Planned,
  propose,
  type SetUp,
  together,
} from './configuration.ts'
import type { Opening } from './opening.ts'
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

type RulesAt = readonly (readonly [at: string, body: RuleBody])[]

/** Voted and published before the walk begins. */
function inForce(...rules: RulesAt): (readonly Command[] | SetUp)[] {
  return inForceBy(['ben'], ...rules)
}

/** The same with the votes of these. */
export function inForceBy(voters: readonly string[], ...rules: RulesAt): (readonly Command[] | SetUp)[] {
  const { drafts, named } = drafted(...rules)
  const votes = voters.map((by) => ({ by, commands: named.map(vote) }))
  return [[terms], drafts, ...votes, publish(named).commands]
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

const start = propose('0.0', 'red')
const [erasedSeal] = Object.keys(start.payloads) as [string]
const erase = ask({ type: 'EraseValues', seals: [erasedSeal] })

/** What was computed from a value that all have given up goes with it. */
function keepsNothingErased({ state: { settling, ledger } }: View): string | undefined {
  for (const document of [settling.agreed, ledger.document]) {
    const [a, b] = [0, 1].map((ordinal) => childAt(document.document, ordinal))
    if (a?.kind !== 'field' || b?.kind !== 'field' || document.phase !== 'live') continue
    const isGone = (seal: Hash | undefined) => seal !== undefined && document.erasures.erased.includes(seal)
    const isRead = a.agreed !== null && !isGone(a.agreed.seal)
    const isWritten = b.agreed !== null && !isGone(b.agreed.seal)
    if (isRead !== isWritten) return `A is ${isRead ? 'there' : 'gone'}, and what was computed from it is not`
  }
  return undefined
}

/** A and B as the set has them together, or neither; B is nobody else's. */
function takesSetWhole({ state }: View): string | undefined {
  const open = openIn(state.ledger, state.feeds)
  for (const { document } of [state.settling.agreed, state.ledger.document]) {
    const [a, b] = [0, 1].map((ordinal) => {
      const field = childAt(document, ordinal)
      return field?.kind === 'field' && field.agreed !== null ? open(field.agreed)?.value : undefined
    })
    if (a === 'of the set' && b !== 'of the set') return `A alone: B is ${b}`
    if (b === 'of the set' && a !== 'of the set' && a !== 'Chile') return `B alone: A is ${a}`
  }
  return undefined
}

/** The first request that the founder makes in the walk, should it say nothing before. */
function firstOf({ view }: Opening, handle: string) {
  return { handle, seq: view.state.feeds.get(handle as Handle)?.size ?? 0, index: 0 }
}

const chile = propose('0.0', 'Chile')
const voteOnSet: Planned = (opening) => ask({ type: 'CastVote', request: firstOf(opening, 'ana'), vote: 'yes' })

/** Ana proposes both fields as one, where ben is asked about the first. `reached`: what becomes of the set somewhere. */
function votedSet(name: string, reached: ContractEvent['type'], plan: readonly Planned[]): Configuration {
  const set = asOne(together(propose('0.0', 'of the set'), propose('0.1', 'of the set')))
  return {
    name,
    members: ['ana', 'ben'],
    setUp: inForce(['0.0', voted]),
    seats: [
      { name: 'ana', plan: [set] },
      { name: 'ben', plan },
    ],
    delivery: 'statement',
    law: takesSetWhole,
    reaches: ({ entries }) => entries.some(({ entry }) => entry.events.some(({ type }) => type === reached)),
  }
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
  votedSet('a change set that waits for a vote, and then a value', 'ChangeSetAgreed', [voteOnSet, chile]),
  votedSet('a change set that waits for a vote, beside a value', 'ChangeSetEnded', [chile, voteOnSet]),
  {
    name: 'a value is erased while another takes its place',
    members: ['ana', 'ben'],
    setUp: [...inForce(['0', copy]), { by: 'ana', ...start }],
    seats: [
      { name: 'ana', plan: [erase], crashes: 1 },
      { name: 'ben', plan: [erase, propose('0.0', 'Chile')] },
    ],
    delivery: 'statement',
    law: keepsNothingErased,
    reaches: ({ state }) => state.settling.agreed.erasures.erased.length === 2,
  },
]
