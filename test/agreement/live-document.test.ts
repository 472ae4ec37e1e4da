import t from 'tap'
import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { hasUnfitValue } from '../../src/agreement/foreseen.ts'
import type { AgreementState } from '../../src/agreement/state.ts'
import { liveDocument, type NotSigned } from '../../src/agreement/trials/live-document.ts'
import { voidAnyway } from '../../src/agreement/trials/void-anyway.ts'
import type { Command } from '../../src/events/commands.ts'
import type { ElementId, Handle } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import type { Payloads } from '../../src/events/statement.ts'
import { assert } from '../../src/runtime/assert.ts'
import { completed } from '../../src/runtime/turns.ts'
import { market, ordersAmong, owes, type Player, TIME, talk } from '../support/market.ts'
import { ruledMarket, treeOf } from '../support/ruled-market.ts'

const salt = new Uint8Array(16)
const added = (name: string) => ({ field: { type: 'text' }, name, parent: '0', type: 'AddField' }) as const

function valueAt(field: string, value: unknown): { commands: Command[]; isChangeSet: boolean; payloads: Payloads } {
  const { seal: sealed, payload } = seal(value, salt)
  const command: Command = { basis: [], field: field as ElementId, seal: sealed, type: 'ProposeValue' }
  return { commands: [command], isChangeSet: false, payloads: { [sealed]: payload } }
}

const names = (state: AgreementState, requests: NotSigned = []) => {
  const { document, isWhole } = completed(liveDocument(state, { author: 'ana' as Handle, requests, time: TIME }))
  t.ok(isWhole)
  return [...document.document.children].map(({ name }) => name)
}

/** Of ana and ben: B is A with an x behind it, and C never what B is. */
function computingMarket(): [Player, Player] {
  const [ana, ben] = market('ana', 'ben')
  const orders = ordersAmong([ana, ben])
  orders(ana, added('C'), { name: 'Terms', type: 'AddRuleSet' })
  const bodies = [
    { expression: treeOf('A + "x"', ana), kind: 'assignment', target: '0.1' },
    { condition: treeOf('C = null or C != B', ana), kind: 'constraint', severity: 'reject' },
  ]
  for (const body of bodies) orders(ana, { at: '0', body, ruleSet: 1, type: 'DraftRule' })
  const rules = ana.state.ledger.document.rules.rules.map(({ terms }) => ({ hash: ruleHash(terms), rule: terms.id }))
  orders(ben, ...rules.map((rule) => ({ type: 'CastVote', ...rule, vote: 'yes' })))
  orders(ana, { ruleSets: [1], rules, type: 'PublishRules' })
  return [ana, ben]
}

t.test('what is open counts in its order, and what is queued here behind it', (t) => {
  const [ana, ben] = market('ana', 'ben')
  ana.hears(ben.requests(added('C')))
  t.same(names(ana.state), ['A', 'B', 'C'])
  const queued = [{ payloads: {}, request: ana.request([added('D')]) }]
  t.same(names(ana.state, queued), ['A', 'B', 'C', 'D'])
  t.same(names(ana.state, [{ payloads: {}, request: ana.request([added('C')]) }]), ['A', 'B', 'C'], 'it would be void')
  t.end()
})

t.test('an erasure behind the first publication, both open, is tried on what that would make', (t) => {
  const [ana, ben] = market('ana', 'ben')
  const orders = ordersAmong([ana, ben])
  orders(ana, { name: 'Terms', type: 'AddRuleSet' })
  const body = { expression: treeOf('A + "x"', ana), kind: 'assignment', target: '0.1' }
  orders(ana, { at: '0', body, ruleSet: 1, type: 'DraftRule' })
  const rules = ana.state.ledger.document.rules.rules.map(({ terms }) => ({ hash: ruleHash(terms), rule: terms.id }))
  orders(ben, ...rules.map((rule) => ({ type: 'CastVote', ...rule, vote: 'yes' })))
  const { payloads } = ana.proposes('0.0', 'a')
  talk([ana, ben], owes)
  const seals = Object.keys(payloads)
  orders(ben, { seals, type: 'EraseValues' })
  const confided = seal('b', salt)
  ben.hears(ana.requests({ ruleSets: [1], rules, type: 'PublishRules' }))
  ben.hears(ana.requests({ seals, type: 'EraseValues' }))
  const proposed = ana.requests({
    audience: ['ana', 'ben'],
    basis: [],
    field: '0.1',
    seal: confided.seal,
    type: 'ProposeValue',
  })
  ben.hears(proposed)
  const { state } = ben
  t.equal(state.ledger.document.rules.since, 0, 'given: no rules have been in force')
  const { document, isWhole } = completed(liveDocument(state))
  t.ok(isWhole)
  t.equal(document.erasures.erased.length, 2, 'what the rule has computed is erased with it')
  t.ok(document.rules.since > 0, 'given: they are behind what is open')
  const held = state.ledger.open.at(-1)
  assert(held !== undefined, 'it is open')
  t.equal(completed(hasUnfitValue(state, held, 0, ben.handle)), false)
  const again = { ...valueAt('0.0', 'c'), commands: [{ seals, type: 'EraseValues' } as Command] }
  t.doesNotThrow(() => completed(voidAnyway(again, state, ben.handle, [], TIME)))
  t.end()
})

t.test('what a member has refused, or its author withdrawn, comes to nothing', (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const asked = ben.tentatively(added('C'))
  const request = { handle: ben.handle, index: 0, seq: asked.statement.seq }
  cleo.hears(asked)
  ana.hears(asked)
  t.same(names(ana.state), ['A', 'B', 'C'])
  const refusal = cleo.says({ refusals: [{ code: 'person', request }] })
  const before = ana.state
  ana.hears(refusal)
  t.same(names(ana.state), ['A', 'B'])
  t.same(
    completed(voidAnyway(valueAt('0.2', 'x'), ana.state, ana.handle, [], TIME))?.code,
    'no_such_element',
    'so what needs it is refused here',
  )
  ana.state = before
  ana.hears(ben.says({ decided: [{ code: 'user', decision: 'withdrawn', request }] }))
  t.same(names(ana.state), ['A', 'B'])
  t.end()
})

t.test('the one who holds the lock has no word on breaking it', (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const players = [ana, ben, cleo]
  ana.requests({ purpose: 'edit', type: 'LockRecord' })
  talk(players, owes)
  const { lock } = ben.state.ledger.document
  t.equal(lock?.holder, 'ana')
  const asked = ben.requests({ lock: lock?.index, type: 'BreakLock' })
  cleo.hears(asked)
  ana.hears(asked)
  const request = { handle: ben.handle, index: 0, seq: asked.statement.seq }
  ben.hears(ana.says({ refusals: [{ code: 'person', request }] }))
  const { onTheirWay } = completed(liveDocument(ben.state))
  t.same(
    onTheirWay.flatMap(({ events }) => events.map(({ type }) => type)),
    ['LockBreakVoted'],
  )
  t.end()
})

t.test('what rules would compute is carried along to what is judged behind it', (t) => {
  const [ana, ben] = computingMarket()
  ben.proposes('0.0', 'b')
  talk([ana, ben], owes)
  const wouldBe = () => completed(voidAnyway(valueAt('0.2', 'bx'), ana.state, ana.handle, [], TIME))?.code
  t.equal(wouldBe(), 'rule_broken')
  ana.hears(ben.proposes('0.0', 'b'))
  const { onTheirWay } = completed(liveDocument(ana.state))
  const computed = onTheirWay.flatMap((step) => [...step.computed.values()].map(({ value }) => value))
  t.same(computed, ['bx'])
  t.equal(wouldBe(), 'rule_broken', 'by what would be computed')
  ana.hears(ben.proposes('0.0', 'c'))
  t.equal(wouldBe(), undefined)
  t.end()
})

t.test('where values are lacking nothing is refused here, and the view says that it is not whole', (t) => {
  const { players } = ruledMarket(['ana', 'ben'], 'A != "red"')
  const [ana, ben] = players
  const asked = ben.proposes('0.0', 'blue')
  ana.hears({ ...asked, payloads: {} })
  t.equal(ana.state.ledger.open.length, 1)
  t.equal(completed(liveDocument(ana.state)).isWhole, false)
  t.equal(completed(voidAnyway(valueAt('0.0', 'red'), ana.state, ana.handle, [], TIME)), undefined)
  t.end()
})

t.test('with more on its way than is tried nobody says what stands', (t) => {
  const [ana] = market('ana', 'ben')
  const queued = Array.from({ length: 257 }, (_, n) => ({ payloads: {}, request: ana.request([added(`F ${n}`)]) }))
  const wholeWith = (requests: NotSigned) =>
    completed(liveDocument(ana.state, { author: ana.handle, requests, time: TIME })).isWhole
  t.equal(wholeWith(queued.slice(1)), true)
  t.equal(wholeWith(queued), false)
  const wanted = (requests: NotSigned) =>
    completed(voidAnyway(valueAt('0.9', 'x'), ana.state, ana.handle, requests, TIME))
  t.match(wanted([]), { code: 'no_such_element' })
  t.equal(wanted(queued), undefined, 'so nothing is refused here')
  t.end()
})
