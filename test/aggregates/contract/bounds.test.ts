import t from 'tap'
import { contract } from '../../../src/aggregates/contract/decide.ts'
import type { CommandContext } from '../../../src/aggregates/contract/decider.ts'
import type { ResolvedCommand } from '../../../src/aggregates/contract/parse-command.ts'
import { Rejection } from '../../../src/aggregates/contract/rejection.ts'
import type { ContractState } from '../../../src/aggregates/contract/state.ts'
import { broker, lead } from '../../support/ruled-document.ts'
import { brings, taken } from '../../support/template-party.ts'
import { empty, slip } from './templates/slip.ts'

const template = taken(slip, 'Slip')
const { state } = empty.when(
  ...brings(lead, template),
  broker.addsBlock('A', { owner: broker.handle }),
  broker.addsRuleSet('Terms'),
)

/** What a command of the broker comes to on a state; undefined: it takes effect. */
function limitOf(command: object, on: ContractState): string | undefined {
  const context = { author: broker.handle, isAgreedAsOne: false, place: 0 } as CommandContext
  const decided = contract.decide(command as ResolvedCommand, on, context)
  if (!(decided instanceof Rejection)) return undefined
  return decided.code === 'limit_exceeded' ? decided.with[0] : decided.code
}

const many = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item)
const roles = Object.fromEntries(template.template.roles.map((role) => [role, role]))
const [ruleSet] = state.rules.ruleSets

t.test('what a document holds beside its elements is bounded', async (t) => {
  const at = state.document.children.slots - 1
  const { rules, templates } = state
  const drafted = {
    by: broker.handle,
    isInForce: false,
    terms: { at: '0', body: { kind: 'single' }, id: 1, ruleSet: 1 },
    yes: [],
  }
  const use = {
    by: broker.handle,
    element: '0.9',
    index: 1,
    moved: [],
    roles: {},
    rules: [],
    template: template.hash,
    upgrades: [],
    votes: [],
  }
  const audience = (n: number) => ({ element: `0.${1_000 + n}`, parties: [broker.handle] })
  const cases: readonly (readonly [limit: string, command: object, most: number, full: (count: number) => object])[] = [
    [
      'ruleSets',
      { name: 'More', type: 'AddRuleSet' },
      256,
      (count) => ({ rules: { ...rules, ruleSets: many(count, ruleSet) } }),
    ],
    [
      'rules',
      { at: '0', body: { kind: 'single' }, ruleSet: 1, type: 'DraftRule' },
      4_096,
      (count) => ({ rules: { ...rules, rules: many(count, drafted) } }),
    ],
    [
      'templateUses',
      { at: '0', hash: template.hash, name: 'Slip', roles, type: 'ImportTemplate' },
      1_024,
      (count) => ({ templates: { ...templates, uses: many(count, use) } }),
    ],
    [
      'audiences',
      { element: `0.${at}`, parties: [broker.handle], type: 'SetAudience' },
      1_024,
      (count) => ({ audiences: Array.from({ length: count }, (_, n) => audience(n)) }),
    ],
  ]
  for (const [limit, command, most, full] of cases) {
    const on = (count: number) => ({ ...state, ...full(count) }) as ContractState
    t.equal(limitOf(command, on(most - 1)), undefined, `${most - 1} ${limit}`)
    t.equal(limitOf(command, on(most)), limit)
  }
})
