import t from 'tap'
import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { schemaOf } from '../../src/aggregates/contract/rules/rule-schema.ts'
import { compile, isCompiled } from '../../src/aggregates/rules/compile.ts'
import { entriesWanted } from '../../src/agreement/completing.ts'
import { stateAt } from '../../src/agreement/history/replay.ts'
import { headOf } from '../../src/agreement/ledger.ts'
import { type Reception, receive } from '../../src/agreement/receive.ts'
import { receiveEntries } from '../../src/agreement/receive-entries.ts'
import { emptyAgreement, isUnsure } from '../../src/agreement/state.ts'
import type { KnownEntry } from '../../src/agreement/values/known-entries.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { ROOT } from '../../src/events/ids.ts'
import type { SignedStatement } from '../../src/events/statement-codec.ts'
import { assert } from '../../src/runtime/assert.ts'
import { allOf, market, owes, type Player, talk } from '../support/market.ts'

/** T is A with an x behind it, U is B with a y; what A was is erased by both. */
function erasedOnce() {
  const players = market('ana', 'ben') as [Player, Player]
  const [ana, ben] = players
  const orders = (player: Player, ...commands: { type: string; [member: string]: unknown }[]) => {
    player.requests(...commands)
    talk(players, owes)
  }
  const tree = (text: string) => {
    const compiled = compile(text, schemaOf(ana.state.ledger.document), { block: ROOT })
    assert(isCompiled(compiled), text)
    return compiled.ast
  }
  for (const name of ['T', 'U']) orders(ana, { type: 'AddField', parent: '0', name, field: { type: 'text' } })
  orders(ana, { type: 'AddRuleSet', name: 'Terms' })
  for (const [target, expression] of [
    ['0.2', tree('A + "x"')],
    ['0.3', tree('B + "y"')],
  ] as const)
    orders(ana, { type: 'DraftRule', at: '0', ruleSet: 1, body: { kind: 'assignment', target, expression } })
  const rules = ana.state.ledger.document.rules.rules.map(({ terms }) => ({ rule: terms.id, hash: ruleHash(terms) }))
  for (const { rule, hash } of rules) orders(ben, { type: 'CastVote', rule, hash, vote: 'yes' })
  orders(ana, { type: 'PublishRules', ruleSets: [1], rules })
  const proposal = ana.proposes('0.0', 'a')
  talk(players, owes)
  ben.proposes('0.1', 'b')
  talk(players, owes)
  const [seal] = Object.keys(proposal.payloads) as [Hash]
  orders(ana, { type: 'EraseValues', seals: [seal] })
  orders(ben, { type: 'EraseValues', seals: [seal] })
  ana.proposes('0.1', 'c')
  talk(players, owes)
  return { ana, ben, seal, orders }
}

const { ana, ben, seal } = erasedOnce()
const erased = new Set(ana.state.ledger.document.erasures.erased)
/** As everybody holds them now. */
const left = allOf(ana).map((decoded): SignedStatement => {
  const payloads = Object.entries(decoded.payloads).filter(([of]) => !erased.has(of as Hash))
  return { ...decoded, payloads: Object.fromEntries(payloads) }
})
const whole = receive(emptyAgreement(ana.contract), allOf(ana))
const known = whole.acknowledged.map(({ entry, computed }): KnownEntry => {
  return { entry, computed: new Map([...computed].filter(([of]) => !erased.has(of))) }
})
const from = known.findIndex(({ entry: { events } }) => events.some((event) => 'seal' in event && event.seal === seal))
const lacking = receive(emptyAgreement(ana.contract), left)
const goesOn = (before: Reception, entries: readonly KnownEntry[]) => receiveEntries(before, entries)

t.test('given: a value and what was computed from it are erased, and others are not', async (t) => {
  t.equal(erased.size, 2)
  t.ok(erased.has(seal))
  t.same(headOf(ben.state.ledger), headOf(ana.state.ledger))
  t.ok(ana.state.ledger.computed.every((_, of) => !erased.has(of)))
})

t.test('whoever holds the statements alone stands before the request whose value is gone', async (t) => {
  t.equal(lacking.state.ledger.log.size, from)
  t.equal(entriesWanted(lacking.state), from)
})

t.test('with its entry the ledger goes on, and comes to the same head', async (t) => {
  const after = goesOn(lacking, known.slice(from))
  t.same(headOf(after.state.ledger), headOf(ana.state.ledger))
  t.same(after.state.settling.divergences, [])
  t.equal(after.state.settling.settled, ana.state.settling.settled)
  t.equal(after.waiting.length, 0)
  t.notOk(isUnsure(after.state), 'every head is there')
  t.same([...after.state.ledger.known.keys()], [from], 'the others were judged here')
  t.same(
    headOf(
      stateAt(
        after.state,
        ana.state.feeds.map(({ size }) => size - 1),
      ).ledger,
    ),
    headOf(ana.state.ledger),
  )
})

t.test('one by one as well; what is computed of it, and not erased, comes with the entry', async (t) => {
  const bare = goesOn(lacking, [{ ...(known[from] as KnownEntry), computed: new Map() }])
  t.same(headOf(bare.state.ledger), headOf(ana.state.ledger))
  t.same(goesOn(bare, []).state, bare.state, 'nothing is missing')
})

t.test('what was given and not taken makes room for what is given next', async (t) => {
  const { entry, computed } = known[from] as KnownEntry
  const far = (by: number): KnownEntry => ({ computed, entry: { ...entry, index: from + by } })
  const first = goesOn(lacking, [far(5), far(9)])
  t.same([...first.state.ledger.known.keys()], [from + 5, from + 9])
  t.same([...goesOn(first, [far(7)]).state.ledger.known.keys()], [from + 7])
})

t.test('an entry of other statements, or with what is no outcome of them, is not taken', async (t) => {
  const { entry, computed } = known[from] as KnownEntry
  const unfit: KnownEntry['entry'][] = [
    { ...entry, answers: seal },
    { ...entry, author: ben.handle },
    { ...entry, statement: seal },
    { ...entry, request: { ...entry.request, index: 1 } },
    { ...entry, outcome: { kind: 'withdrawn', seq: 0, code: 'user' } },
    { ...entry, outcome: { kind: 'void', reason: { code: 'no_such_element', command: 0 } } },
    { ...entry, events: [{ type: 'VotersNamed' } as never, null as never] },
  ]
  for (const one of unfit) {
    const { state } = goesOn(lacking, [{ entry: one, computed }])
    t.equal(state.ledger.log.size, from, JSON.stringify(one))
  }
})

t.test('an entry that the members have not signed for settles nothing, and nothing is signed', async (t) => {
  const { entry, computed } = known[from] as KnownEntry
  const lie = {
    ...entry,
    events: [],
    outcome: { kind: 'void', reason: { code: 'no_such_element', command: 0 } },
  } as const
  const { state } = goesOn(lacking, [{ entry: lie, computed }])
  t.ok(state.settling.divergences.length > 0, 'their heads contradict it')
  t.equal(state.settling.settled, from)
  t.ok(isUnsure(state))
})
