import t from 'tap'
import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { entriesWanted, lackingIn, missingFor } from '../../src/agreement/completing.ts'
import { feedOf, statementAt } from '../../src/agreement/feeds.ts'
import { pruned } from '../../src/agreement/history/pruning.ts'
import { extending, stateAt } from '../../src/agreement/history/replay.ts'
import { snapshotOf } from '../../src/agreement/history/snapshot.ts'
import { headOf } from '../../src/agreement/ledger.ts'
import { receive, receivePayloads } from '../../src/agreement/receive.ts'
import { receiveEntries } from '../../src/agreement/receive-entries.ts'
import type { Reception } from '../../src/agreement/reception.ts'
import { emptyAgreement, isUnsure } from '../../src/agreement/state.ts'
import type { KnownEntry } from '../../src/agreement/values/known-entries.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { seal as sealUp } from '../../src/events/seal.ts'
import type { Payload } from '../../src/events/statement.ts'
import type { SignedStatement } from '../../src/events/statement-codec.ts'
import { completed } from '../../src/runtime/turns.ts'
import { allOf, market, ordersAmong, owes, type Player, talk } from '../support/market.ts'
import { treeOf } from '../support/ruled-market.ts'

/** T is A with an x behind it, U is B with a y; what A was is erased by both. */
function erasedOnce() {
  const players = market('ana', 'ben')
  const [ana, ben] = players
  const orders = ordersAmong(players)
  const tree = (text: string) => treeOf(text, ana)
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
  t.same(entriesWanted(lacking.state), { computed: [], from })
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
    { ...entry, events: [{ type: 'no such event' } as never] },
    { ...entry, events: [...entry.events, { type: 'EngineUpgraded', to: 99 }] },
    { ...entry, events: [...entry.events, { type: 'PartyResigned', handle: ben.handle }] },
    { ...entry, events: [...entry.events, { type: 'PartyAdmitted', handle: ben.handle, invitation: 0 }] },
    // Whoever says which key a member has, signs for it.
    {
      ...entry,
      events: [...entry.events, { type: 'PartyInvited', by: ben.handle, party: { ...ana.card, keys: ben.card.keys } }],
    },
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

/** A list whose entries are told apart by a text, and values of which cleo has to agree to. */
function keyed() {
  const players = market('ana', 'ben', 'cleo')
  const [ana, ben, cleo] = players
  const orders = ordersAmong(players)
  const puts = (player: Player, field: string, value: string): Hash => {
    const { seal: sealed, payload } = sealUp(value, new Uint8Array(16).fill(player.seq))
    const command = { type: 'ProposeValue', field, seal: sealed, basis: [] }
    player.says({ requests: [player.request([command])], payloads: { [sealed]: payload } })
    talk(players, owes)
    return sealed
  }
  const key = { name: 'K', field: { type: 'text' } }
  orders(ana, { type: 'AddList', parent: '0', name: 'L', entry: 'block', entriesMax: 10, key })
  for (let n = 0; n < 3; n++) orders(ana, { type: 'AddEntry', list: '0.2' })
  const validated = () => {
    orders(ana, { type: 'AddRuleSet', name: 'T' })
    const body = { kind: 'validation', who: { parties: ['cleo'], fields: [] } }
    orders(ana, { type: 'DraftRule', at: '0.2', ruleSet: 1, body })
    const rules = ana.state.ledger.document.rules.rules.map(({ terms }) => ({ rule: terms.id, hash: ruleHash(terms) }))
    for (const { rule, hash } of rules)
      for (const player of [ben, cleo]) orders(player, { type: 'CastVote', rule, hash, vote: 'yes' })
    orders(ana, { type: 'PublishRules', ruleSets: [1], rules })
  }
  return { ana, ben, cleo, orders, puts, validated }
}

/** Whether who holds nothing of what is erased comes to the same head as who has judged it all. */
function isSameWithout({ ana }: { readonly ana: Player }): boolean {
  const { erased, newest } = ana.state.ledger.document.erasures
  const gone = new Set(erased)
  const without = allOf(ana).map((decoded): SignedStatement => {
    const payloads = Object.entries(decoded.payloads).filter(([of]) => !gone.has(of as Hash))
    return { ...decoded, payloads: Object.fromEntries(payloads) }
  })
  const judged = receive(emptyAgreement(ana.contract), allOf(ana)).acknowledged
  const given = judged.filter(({ entry }) => newest !== null && entry.index < newest)
  const { state } = receiveEntries(receive(emptyAgreement(ana.contract), without), given)
  return headOf(state.ledger).root === headOf(ana.state.ledger).root && state.settling.divergences.length === 0
}

t.test('whoever still holds a key that is erased compares nothing with it', async (t) => {
  const { ana, ben, cleo, orders, puts, validated } = keyed()
  const key = puts(ana, '0.2.1.0', 'acme')
  validated()
  for (const player of [ana, ben, cleo]) orders(player, { type: 'EraseValues', seals: [key] })
  puts(ben, '0.2.2.0', 'acme')
  orders(cleo, { type: 'Resign' })
  t.match(ana.state.ledger.document.erasures, { erased: [key] }, 'given: the key of the first entry is erased')
  t.ok(isSameWithout({ ana }))
})

t.test('what a resignation erases is judged as it is for who comes later', async (t) => {
  const { ana, ben, cleo, orders, puts, validated } = keyed()
  validated()
  const key = puts(ana, '0.2.1.0', 'acme')
  puts(ben, '0.2.2.0', 'acme')
  for (const player of [ana, ben]) orders(player, { type: 'EraseValues', seals: [key] })
  orders(cleo, { type: 'Resign' })
  t.match(ana.state.ledger.document.erasures, { erased: [key] }, 'given: it has made the erasure complete')
  t.ok(isSameWithout({ ana }))
})

t.test('an erased value that is revealed is judged alike by who still holds it and who does not', async (t) => {
  const { ana, ben, cleo, orders } = keyed()
  const { seal: sealed, payload } = sealUp('x', new Uint8Array(16))
  const payloads = { [sealed]: payload }
  const says = (command: { type: string; [member: string]: unknown }) => {
    ana.says({ requests: [ana.request([command])], payloads })
    talk([ana, ben, cleo], owes)
  }
  const audience = ['ana', 'ben']
  orders(
    ana,
    { type: 'AddBlock', parent: '0', name: 'Terms', owner: 'ana' },
    { type: 'AddField', parent: '#0', name: 'Fee', field: { type: 'text' } },
    { type: 'SetAudience', element: '#0', parties: audience },
  )
  const proposal = `ana.${ana.seq}.0.0`
  says({ type: 'ProposeValue', field: '0.3.0', seal: sealed, basis: [], audience })
  for (const player of [ana, ben, cleo]) orders(player, { type: 'EraseValues', seals: [sealed] })
  t.match(ana.state.ledger.document.erasures, { erased: [sealed] }, 'given: it is erased')
  says({ type: 'RevealValue', field: '0.3.0', proposal, seal: sealed })
  t.ok(isSameWithout({ ana }))
})

/** A rule makes T from A, a value comes to A, then another rule comes into force, and that value is erased. `news`: from the second on. */
function publishedTwice() {
  const players = market('ana', 'ben')
  const [ana, ben] = players
  const orders = ordersAmong(players)
  for (const name of ['T', 'U']) orders(ana, { type: 'AddField', parent: '0', name, field: { type: 'text' } })
  const publishes = (name: string, ruleSet: number, target: string, text: string) => {
    orders(ana, { type: 'AddRuleSet', name })
    const body = { kind: 'assignment', target, expression: treeOf(text, ana) }
    orders(ana, { type: 'DraftRule', at: '0', ruleSet, body })
    const { terms } = ana.state.ledger.document.rules.rules.at(-1) as { terms: Parameters<typeof ruleHash>[0] }
    const rule = { rule: terms.id, hash: ruleHash(terms) }
    orders(ben, { type: 'CastVote', ...rule, vote: 'yes' })
    orders(ana, { type: 'PublishRules', ruleSets: [ruleSet], rules: [rule] })
  }
  publishes('Terms', 1, '0.2', 'A + "x"')
  const { payloads } = ana.proposes('0.0', 'a')
  talk(players, owes)
  for (const player of players) orders(player, { type: 'ReopenEdit' })
  const before = ben.state
  publishes('More', 2, '0.3', 'B + "y"')
  const [seal] = Object.keys(payloads) as [Hash]
  for (const player of players) orders(player, { type: 'EraseValues', seals: [seal] })
  const news = allOf(ana).filter(({ statement: { party, seq } }) => seq >= feedOf(before.feeds, party).size)
  return { ana, before, news }
}

t.test('a view without its history does not know from the next publication on what was computed before', (t) => {
  const { ana, before, news } = publishedTwice()
  t.equal(before.ledger.document.phase, 'edit', 'given: no rules are in force')
  t.equal(ana.state.ledger.document.erasures.erased.length, 2, 'given: what was computed is erased, too')
  t.same(headOf(receive(before, news).state.ledger), headOf(ana.state.ledger))
  t.throws(() => receive(pruned(before), news), /left out of memory/)
  t.end()
})

/** As who comes later has it when, besides what is erased, a key was lost on the way that nobody has erased. `goesOn`: what is asked for then. */
function goneAndLost(goesOn: (world: ReturnType<typeof keyed>) => void) {
  const world = keyed()
  const { ana, ben, cleo, orders, puts } = world
  const gone = puts(ana, '0.0', 'to be forgotten')
  const lost = puts(ana, '0.2.1.0', 'acme')
  for (const player of [ana, ben, cleo]) orders(player, { type: 'EraseValues', seals: [gone] })
  const { newest } = ana.state.ledger.document.erasures
  goesOn(world)
  const all = allOf(ana)
  const of = all.find(({ payloads }) => payloads[lost] !== undefined) as SignedStatement
  const without = all.map((decoded): SignedStatement => {
    const payloads = Object.entries(decoded.payloads).filter(([seal]) => seal !== gone && seal !== lost)
    return { ...decoded, payloads: Object.fromEntries(payloads) }
  })
  const judged = receive(emptyAgreement(ana.contract), all).acknowledged
  const given = judged.filter(({ entry }) => newest !== null && entry.index < newest)
  const later = receiveEntries(receive(emptyAgreement(ana.contract), without), given)
  return { ana, cleo, gone, later, lost, of, size: judged.length }
}

t.test('what is lost and not erased is asked for behind the entry that was taken without it', async (t) => {
  const { ana, cleo, gone, later, lost, of, size } = goneAndLost(({ ben, puts }) => puts(ben, '0.2.2.0', 'acme'))
  const { party, seq } = of.statement
  t.match(ana.state.ledger.document.erasures, { erased: [gone] }, 'given: the other one is erased')
  t.equal(later.state.ledger.log.size, size - 1, 'given: the last request is judged by it')
  t.same(lackingIn(later.state).length, 0, 'given: the statement that seals it is behind')
  t.same(missingFor(later.state, cleo.handle), [{ party, seals: [lost], seq }])
  const before = stateAt(
    later.state,
    later.state.feeds.map(({ size }) => size - 2),
  )
  const payloads = { [lost]: of.payloads[lost] as Payload, [gone]: of.payloads[lost] as Payload }
  const { completions, state } = receivePayloads(later, [{ party, payloads, seq }])
  t.same(completions, [{ party, payloads: { [lost]: of.payloads[lost] }, seq }], 'that alone is taken')
  t.same(missingFor(state, cleo.handle), [])
  t.same(headOf(state.ledger), headOf(ana.state.ledger))
  t.equal(state.settling.settled, size)
  const whole = state.feeds.map(({ size }) => size - 1)
  t.same(headOf(completed(extending(before, state, whole)).ledger), headOf(ana.state.ledger), 'a view of less has it')
})

t.test('it is still known in a snapshot, and its statement is in memory', async (t) => {
  const { cleo, later, lost, of } = goneAndLost(({ ana, orders }) => {
    for (let n = 0; n < 10; n++) orders(ana, { type: 'AddEntry', list: '0.2' })
  })
  const { party, seq } = of.statement
  const { takenWithout } = later.state.ledger
  const kept = pruned(later.state)
  t.ok(feedOf(kept.feeds, party).base > 0, 'given: others are not')
  t.same(missingFor(kept, cleo.handle), [{ party, seals: [lost], seq }])
  t.ok(statementAt(kept.feeds, party, seq))
  t.same(completed(snapshotOf(kept)).ledger.takenWithout, [...takenWithout])
})
