import t from 'tap'
import { publicationWarnings } from '../../../src/aggregates/contract/rules/publication-warnings.ts'
import { type Document, field, given, list } from '../../support/document.ts'
import { both, claim, decimal, ready, shares, slip, tax } from '../../support/ruled-document.ts'
import type { WrittenRule } from '../../support/written-rule.ts'

function warningsOf(document: Document, ...rules: readonly (readonly [string, WrittenRule])[]) {
  const { state } = ready(document, ...rules)
  return publicationWarnings(state.rules.rules, state)
}

t.test('rules that are cheap and give nobody rights by a field have no warnings', async (t) => {
  t.same(warningsOf(slip, tax, ['', { constraint: 'Rate <= 1' }]), [])
  t.same(warningsOf(claim, ['Claim', { validation: { parties: ['lead'] } }]), [])
})

t.test('an expression that full lists can make too dear is named, with its steps at most', async (t) => {
  const lines = given(both, list('Lines', { entriesMax: 10_000 }), field('Lines/0/Share', decimal))
  const pairs = 'every one in Lines.Share satisfies count(Lines.Share[item = one]) = 1'
  const [own, all, ...others] = warningsOf(lines, ['', { constraint: pairs }])
  t.match(own, { code: 'rule_may_exceed_steps', rule: 1, limit: 100_000 })
  t.ok(own !== undefined && 'steps' in own && own.steps > 10_000 ** 2, 'each with each')
  t.equal(all, undefined, 'a rule is cut off where it exceeds its own limit')
  t.same(others, [])
})

t.test('rules that are cheap one by one can be too dear for a request that changes all that they read', async (t) => {
  const lines = given(both, list('Lines', { entriesMax: 1000 }), field('Lines/0/Share', decimal))
  const sum = 'sum(_.Lines.Share) <= 100'
  const each: [string, WrittenRule] = ['Lines/0', { constraint: sum }]
  t.match(warningsOf(lines, each), [{ code: 'request_may_exceed_steps', limit: 1_000_000 }])
})

t.test('a field that gives rights is guarded by who may propose there, or who votes on it', async (t) => {
  const voted: [string, WrittenRule] = ['Claim', { validation: { fields: ['Assessor'] } }]
  const assessor = claim.idAt('Assessor')
  t.same(warningsOf(claim, voted), [{ code: 'rights_unguarded', rule: 1, field: assessor }])
  const proposing: WrittenRule = { access: ['propose'], who: { parties: ['lead'] } }
  t.same(warningsOf(claim, voted, ['Assessor', proposing]), [])
  t.same(warningsOf(claim, voted, ['', { validation: { parties: ['lead'] } }]), [])
  const adding: WrittenRule = { access: ['add'], who: { parties: ['lead'] } }
  t.match(warningsOf(claim, voted, ['Assessor', adding]), [{ code: 'rights_unguarded' }], 'to add is another right')
  t.match(warningsOf(claim, voted, ['Claim', proposing]), [{ code: 'rights_unguarded' }], 'at another place')
})

t.test('a rule that has no meaning any more warns of nothing', async (t) => {
  const { state } = ready(shares, ['', { constraint: 'Share <= Limit' }])
  const gone = { ...state, document: given(both).state.document }
  t.same(publicationWarnings(state.rules.rules, gone), [])
})
