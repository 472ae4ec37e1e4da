import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { entriesWanted } from '../../src/agreement/completing.ts'
import { headOf } from '../../src/agreement/ledger.ts'
import { receive } from '../../src/agreement/receive.ts'
import { receiveEntries } from '../../src/agreement/receive-entries.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import type { KnownEntry, WantedEntries } from '../../src/agreement/values/known-entries.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { payloadsInOrder, seal as sealUp } from '../../src/events/seal.ts'
import type { SignedStatement } from '../../src/events/statement-codec.ts'
import { allOf, market, ordersAmong, owes, type Player, talk } from '../support/market.ts'
import { treeOf } from '../support/ruled-market.ts'

/** Two members; `publishes`: rules at the root, which the other votes for. */
function two() {
  const players = market('ana', 'ben')
  const [ana, ben] = players
  const orders = ordersAmong(players)
  const tree = (text: string) => treeOf(text, ana)
  const publishes = (...bodies: { kind: string; [member: string]: unknown }[]) => {
    orders(ana, { type: 'AddRuleSet', name: 'Terms' })
    for (const body of bodies) orders(ana, { type: 'DraftRule', at: '0', ruleSet: 1, body })
    const rules = ana.state.ledger.document.rules.rules.map(({ terms }) => ({ rule: terms.id, hash: ruleHash(terms) }))
    for (const { rule, hash } of rules) orders(ben, { type: 'CastVote', rule, hash, vote: 'yes' })
    orders(ana, { type: 'PublishRules', ruleSets: [1], rules })
  }
  return { players, ana, ben, orders, publishes, tree }
}

/** As who comes later has it, whom others give so many entries at once, and what it has asked for each time. */
function givenBy({ ana }: { readonly ana: Player }, atOnce: number) {
  const { erased, newest } = ana.state.ledger.document.erasures
  const gone = new Set(erased)
  const without = allOf(ana).map((decoded): SignedStatement => {
    const payloads = Object.entries(decoded.payloads).filter(([of]) => !gone.has(of as Hash))
    return { ...decoded, payloads: Object.fromEntries(payloads) }
  })
  const known = receive(emptyAgreement(ana.contract), allOf(ana)).acknowledged.map(
    ({ entry, computed }): KnownEntry => {
      return { entry, computed: new Map([...computed].filter(([of]) => !gone.has(of))) }
    },
  )
  const gives = ({ computed, from }: WantedEntries) => [
    ...computed.map((index) => known[index] as KnownEntry),
    ...known.slice(from, Math.min(newest ?? 0, from + atOnce)),
  ]
  const asked: WantedEntries[] = []
  let later = receive(emptyAgreement(ana.contract), without)
  for (let wanted = entriesWanted(later.state); wanted !== undefined; wanted = entriesWanted(later.state)) {
    if (asked.some((one) => isDeepStrictEqual(one, wanted))) break
    asked.push(wanted)
    later = receiveEntries(later, gives(wanted))
  }
  return { asked, known, later, without }
}

/** One statement with eight values, of which everybody has erased two that are far from each other. */
function erasedInOne() {
  const world = two()
  const { players, ana, ben, orders } = world
  const all = Array.from({ length: 8 }, (_, n) => sealUp(`value ${n}`, new Uint8Array(16).fill(n)))
  ana.says({
    requests: all.map(({ seal }) => ana.request([{ type: 'ProposeValue', field: '0.0', seal, basis: [] }])),
    payloads: payloadsInOrder(all.map(({ seal, payload }) => [seal, payload])),
  })
  const first = ana.state.ledger.log.size
  talk(players, owes)
  for (const { seal } of [all[1], all[6]] as { seal: Hash }[])
    for (const player of [ana, ben]) orders(player, { type: 'EraseValues', seals: [seal] })
  return { ...world, first }
}

t.test('what one statement acknowledges may be given in any number of messages', async (t) => {
  const { first, ...world } = erasedInOne()
  const { asked, later } = givenBy(world, 3)
  t.same(
    asked.map(({ from }) => from - first),
    [1, 6],
    'each time from the next on that it cannot judge',
  )
  t.same(headOf(later.state.ledger), headOf(world.ana.state.ledger))
})

t.test('where what is given next does not fit, all is asked for anew, and who gives that is believed', async (t) => {
  const { first, ...world } = erasedInOne()
  const { known, without } = givenBy(world, 3)
  const [one, other] = [known[first + 1], known[first + 6]] as [KnownEntry, KnownEntry]
  const misplaced = { ...other, entry: { ...other.entry, author: world.ben.handle } }
  const lacking = receive(emptyAgreement(world.ana.contract), without)
  const unfit = receiveEntries(receiveEntries(lacking, [one]), [misplaced])
  t.equal(entriesWanted(unfit.state)?.from, first)
  const after = receiveEntries(unfit, known.slice(first, first + 7))
  t.same(headOf(after.state.ledger), headOf(world.ana.state.ledger))
})

/** T is A with an x behind it, and must not be B; some entries after it was computed B changes: `read` does that. */
function computedAndRead() {
  const { players, ana, ben, orders, publishes, tree } = two()
  for (const name of ['T', 'U']) orders(ana, { type: 'AddField', parent: '0', name, field: { type: 'text' } })
  const proposes = (field: string, value: string) => {
    const proposal = ana.proposes(field, value)
    talk(players, owes)
    return Object.keys(proposal.payloads) as [Hash]
  }
  proposes('0.1', 'not T')
  publishes(
    { kind: 'assignment', target: '0.2', expression: tree('A + "x"') },
    { kind: 'constraint', condition: tree('T != B'), severity: 'reject' },
  )
  const computedAt = ana.state.ledger.log.size
  const [seal] = proposes('0.0', 'a')
  for (let n = 0; n < 5; n++) proposes('0.3', `not read ${n}`)
  const readAt = ana.state.ledger.log.size
  const read = () => proposes('0.1', 'not T either')
  const erase = () => {
    for (const player of [ana, ben]) orders(player, { type: 'EraseValues', seals: [seal] })
  }
  return { ana, ben, computedAt, erase, read, readAt, seal }
}

t.test('what reads a computed value long after, which is erased by now, is given itself', async (t) => {
  const { ana, ben, computedAt, erase, read, readAt } = computedAndRead()
  read()
  erase()
  const { asked, later } = givenBy({ ana }, 3)
  t.same(asked, [
    { computed: [], from: computedAt },
    { computed: [computedAt], from: readAt },
  ])
  t.same(headOf(later.state.ledger), headOf(ben.state.ledger))
})

t.test('what was computed and comes after its entry is there for a rule that reads it later', async (t) => {
  const { ana, computedAt, read, seal } = computedAndRead()
  const before = allOf(ana)
  const { acknowledged } = receive(emptyAgreement(ana.contract), before)
  const { computed, entry } = acknowledged[computedAt] as (typeof acknowledged)[number]
  const without = before.map((decoded): SignedStatement => {
    const { [seal]: _lost, ...payloads } = decoded.payloads
    return { ...decoded, payloads }
  })
  const taken = receiveEntries(receive(emptyAgreement(ana.contract), without), [{ computed: new Map(), entry }])
  t.same(headOf(taken.state.ledger), headOf(ana.state.ledger), 'given: it was taken without it')
  const junk = sealUp('computed nowhere', new Uint8Array(16))
  const late = receiveEntries(taken, [{ computed: new Map([...computed, [junk.seal, junk.payload]]), entry }])
  t.notOk(late.state.ledger.computed.has(junk.seal), 'what is not of it is not kept')
  read()
  const news = allOf(ana).filter(({ hash }) => !before.some((one) => one.hash === hash))
  t.same(entriesWanted(receive(taken.state, news).state)?.computed, [computedAt], 'given: a rule reads it')
  t.same(headOf(receive(late.state, news).state.ledger), headOf(ana.state.ledger))
})
