import t from 'tap'
import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { feedOf } from '../../src/agreement/feeds.ts'
import { pruned } from '../../src/agreement/history/pruning.ts'
import { type AgreementSnapshot, statementsNeeded } from '../../src/agreement/history/snapshot.ts'
import { openIn } from '../../src/agreement/values/opened-values.ts'
import { assert } from '../../src/runtime/assert.ts'
import { market, ordersAmong, overTheWire, owes, talk } from '../support/market.ts'
import { treeOf } from '../support/ruled-market.ts'
import { snapshotOf, viewFrom } from '../support/snapshots-at-once.ts'

const [ana, ben] = market('ana', 'ben')

const orders = ordersAmong([ana, ben])
const tree = (text: string) => treeOf(text, ana)

/** T is A with an x behind it, and never B. */
function given(): void {
  orders(ana, { type: 'AddField', parent: '0', name: 'T', field: { type: 'text' } })
  orders(ana, { type: 'AddRuleSet', name: 'Terms' })
  const constraint = { kind: 'constraint', severity: 'reject', condition: tree('T != B or A = null') }
  const assignment = { kind: 'assignment', target: '0.2', expression: tree('A + "x"') }
  for (const body of [assignment, constraint]) orders(ana, { type: 'DraftRule', at: '0', ruleSet: 1, body })
  const rules = ana.state.ledger.document.rules.rules.map(({ terms }) => ({ rule: terms.id, hash: ruleHash(terms) }))
  for (const { rule, hash } of rules) orders(ben, { type: 'CastVote', rule, hash, vote: 'yes' })
  orders(ana, { type: 'PublishRules', ruleSets: [1], rules })
  ana.proposes('0.0', 'a')
  talk([ana, ben], owes)
}

t.test('a view from a snapshot says that it lacks what rules have computed, and not that it never was', async (t) => {
  given()
  const computed = ana.state.ledger.document.document.children.get(2)
  assert(computed?.kind === 'field' && computed.agreed !== null, 'given: a rule has computed')
  const { agreed } = computed
  const whole = ana.state
  t.match(openIn(whole.ledger, whole.feeds)(agreed), { value: 'ax' })
  const snapshot = JSON.parse(JSON.stringify(snapshotOf(pruned(whole)))) as AgreementSnapshot
  const stored = new Map(
    statementsNeeded(snapshot).map(({ handle, base }) => {
      const kept = [...feedOf(whole.feeds, handle).between(base)].map(overTheWire)
      return [handle, { kept, noted: undefined }]
    }),
  )
  const { state } = viewFrom(snapshot, stored, whole.ledger.engines)
  t.throws(() => openIn(state.ledger, state.feeds)(agreed), { message: /left out of memory/ })
})
