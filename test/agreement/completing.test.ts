import { deepStrictEqual, throws } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { completing, lackingIn } from '../../src/agreement/completing.ts'
import { pruned } from '../../src/agreement/history/pruning.ts'
import { stateAt } from '../../src/agreement/history/replay.ts'
import { SnapshotUnfit } from '../../src/agreement/history/snapshot.ts'
import { headOf } from '../../src/agreement/ledger.ts'
import { receive, receivePayloads } from '../../src/agreement/receive.ts'
import { nothingReceived, type Reception } from '../../src/agreement/reception.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import { writesFor } from '../../src/contracts/replica/journal.ts'
import { loadContract } from '../../src/contracts/replica/opening/load.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { payloadsInOrder, seal } from '../../src/events/seal.ts'
import type { Payload, Payloads } from '../../src/events/statement.ts'
import type { SignedStatement } from '../../src/events/statement-codec.ts'
import { completed as allAtOnce } from '../../src/runtime/turns.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import { groupOf } from '../../src/store/payload-group.ts'
import { engineBehindAValue } from '../support/engine-behind-a-value.ts'
import { allOf, contractFoundedBy, market, overTheWire, owes, Player, talk } from '../support/market.ts'
import { encodeSnapshot, snapshotOf, viewFrom } from '../support/snapshots-at-once.ts'

const bare = (decoded: SignedStatement): SignedStatement => ({ ...decoded, payloads: {} })
/** What somebody sends after the statement. */
const later = ({ statement: { party, seq }, payloads }: SignedStatement) => ({ party, seq, payloads })
const refuses = (decoded: SignedStatement) => ({
  refusals: [
    { request: { handle: decoded.statement.party, seq: decoded.statement.seq, index: 0 }, code: 'payload_missing' },
  ] as const,
})
const given = (before: AgreementState, decoded: SignedStatement): Reception =>
  receivePayloads(nothingReceived(before, []), [later(decoded)])

t.test('a statement is valid whatever payloads came with it', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const asked = ana.proposes('0.0', 'x')
  const { taken, waiting, refused, state } = receive(ben.state, [bare(asked)])
  t.match([taken.length, waiting.length, refused.length], [1, 0, 0])
  t.same(taken[0]?.lacks, Object.keys(asked.payloads), 'it says what is missing')
  t.same(
    lackingIn(state).map(({ hash }) => hash),
    [asked.hash],
  )
})

t.test('what everybody has acknowledged is decided when its values are here, and not before', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const observer = new Player('dov')
  observer.hears(...allOf(ana))
  const before = observer.acknowledged
  const asked = ana.proposes('0.0', 'x')
  const answers = [ben, cleo].map((player) => {
    player.hears(asked)
    return player.says()
  })
  ana.hears(...answers)
  const head = ana.says()
  const lacking = receive(observer.state, [bare(asked), ...answers, head])
  t.equal(lacking.state.ledger.log.size, before)
  t.match(lacking.state.ledger.lacking, { request: { handle: 'ana', seq: asked.statement.seq, index: 0 } })
  t.same(
    lacking.waiting.map(({ hash }) => hash),
    [head.hash],
    'what signs for it waits: nothing can be said about it',
  )
  t.same([lacking.refused, lacking.state.settling.divergences], [[], []])

  const whole = receivePayloads(lacking, [later(asked)])
  t.same(whole.waiting, [])
  t.match(whole.acknowledged, [{ entry: { outcome: { kind: 'accepted' } } }])
  t.same(headOf(whole.state.ledger), headOf(ana.state.ledger))
  t.equal(whole.state.settling.settled, ana.settled)
  t.equal(
    allAtOnce(completing(whole.state, ana.handle, asked.statement.seq, asked.payloads)),
    undefined,
    'once is enough',
  )

  const twice = receive(lacking.state, [asked, ...lacking.waiting])
  t.same(headOf(twice.state.ledger), headOf(ana.state.ledger), 'the statement itself brings them as well')
  const together = receive(observer.state, [bare(asked), asked, bare(asked), ...answers, head])
  t.same(headOf(together.state.ledger), headOf(ana.state.ledger), 'of two that are the same, both count')
})

t.test('what a member has refused takes no values, for anybody', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const asked = ana.proposes('0.0', 'x')
  ben.hears(asked)
  cleo.hears(bare(asked))
  const players = [ana, ben, cleo]
  const refusal = cleo.says(refuses(asked))
  for (const player of [ana, ben]) player.hears(refusal)
  talk(players, owes)
  t.equal(cleo.settled, ana.acknowledged)
  const { acknowledged } = receive(
    emptyAgreement(cleo.contract),
    [...cleo.state.feeds.values()].flatMap((feed) => [...feed]),
  )
  t.match(acknowledged.at(-1)?.entry.outcome, { kind: 'refused', by: [{ handle: 'cleo', code: 'payload_missing' }] })
  const late = new Player('dov')
  late.hears(...allOf(cleo).map((decoded) => (decoded.hash === asked.hash ? bare(decoded) : decoded)))
  t.same(headOf(late.state.ledger), headOf(ana.state.ledger))
})

t.test('whoever comes in behind it is not refused by who lacks a value, nor convicted of a wrong head', async (t) => {
  for (const members of [
    ['ana', 'ben'],
    ['ana', 'ben', 'eve'],
  ]) {
    const players = market(...members)
    const [ana] = players as [Player]
    const cleo = new Player('cleo')
    const asked = ana.proposes('0.0', 'x')
    talk(players, owes)
    ana.requests({ type: 'InviteParty', party: cleo.card })
    const all = [...players, cleo]
    talk(all, owes)
    const [invitation] = ana.state.settling.agreed.parties.invitations
    ana.requests({ type: 'AdmitParty', accepted: cleo.accepts(invitation?.index ?? 0) })
    talk(all, owes)
    cleo.proposes('0.1', 'y')
    talk(all, owes)
    const dov = new Player('dov')
    const told = allOf(ana).map((decoded) => (decoded.hash === asked.hash ? bare(decoded) : decoded))
    let lacking = dov.hears(...told)
    for (let pass = 0; pass < 3; pass++) {
      t.same([lacking.refused, lacking.unjudged, dov.state.settling.divergences], [[], [], []])
      t.ok(lacking.waiting.some(({ statement }) => statement.party === 'cleo'))
      lacking = dov.hears(...lacking.waiting)
    }
    const whole = receivePayloads(lacking, [later(asked)])
    t.same([whole.refused, whole.waiting, whole.state.settling.divergences], [[], [], []])
    t.same(headOf(whole.state.ledger), headOf(ana.state.ledger))
  }
})

t.test('nor is the first word of who was invited by what stands behind it', async (t) => {
  const [ana, ben, eve] = market('ana', 'ben', 'eve')
  const [cleo, dov] = [new Player('cleo'), new Player('dov')]
  for (const player of [cleo, dov]) player.hears(...allOf(ana))
  const { seal: sealed, payload } = seal('x', new Uint8Array(16))
  const value = { type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }
  const requests = [[value], [{ type: 'InviteParty', party: cleo.card }]].map((commands) => ana.request(commands))
  const asked = ana.says({ requests, payloads: { [sealed]: payload } })
  const answers = [ben, eve].map((player) => {
    player.hears(asked)
    return player.says()
  })
  cleo.hears(asked, ...answers)
  const first = cleo.says()
  const lacking = dov.hears(bare(asked), ...answers, first)
  t.same([lacking.refused, lacking.waiting.map(({ hash }) => hash)], [[], [first.hash]])
  t.same(receivePayloads(lacking, [later(asked)]).taken.at(-1)?.hash, first.hash)
})

t.test('that a contract has begun hangs on no value', async (t) => {
  const eve = new Player('eve', undefined, contractFoundedBy('eve'))
  const { seal: sealed, payload } = seal('x', new Uint8Array(16))
  const value = { type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }
  const field = { type: 'AddField', parent: '0', name: 'A', field: { type: 'text' } }
  const payloads: Payloads = { [sealed]: payload }
  const opening = eve.says({ requests: [eve.request([eve.opening(), field, value])], payloads })
  for (const genesis of [opening, bare(opening)]) {
    t.match(receive(emptyAgreement(eve.contract), [genesis]).refused, [{ error: { code: 'statement_bad_genesis' } }])
  }
})

t.test('values that could not be passed on with their statement do not come to stand beside it', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const sealed = ['x', 'y', 'z'].map((letter) => seal(letter.repeat(3_000_000), new Uint8Array(16)))
  const commands = sealed.map(({ seal: of }) => ({ type: 'ProposeValue', field: '0.0', seal: of, basis: [] }))
  const payloads = Object.fromEntries(sealed.map(({ seal: of, payload }) => [of, payload]))
  const asked = ana.says({ requests: [ana.request(commands)], payloads: {} })
  const { statement } = asked
  ben.hears(asked)
  const place = [statement.party, statement.seq] as const
  t.equal(allAtOnce(completing(ben.state, ...place, payloads)), undefined)
  const [first] = Object.entries(payloads)
  t.match(allAtOnce(completing(ben.state, ...place, Object.fromEntries([first ?? []]))), { state: { feeds: {} } })
})

/** A statement with two requests of three values each: of a kind of which a line takes no more than four. */
function asksForMuch(author: Player) {
  const sealed = [0, 1, 2, 3, 4, 5].map((n) => seal(Array(30_000).fill(0), new Uint8Array(16).fill(n)))
  const commands = sealed.map(({ seal: of }) => ({ type: 'ProposeValue', field: '0.0', seal: of, basis: [] }))
  const asked = author.says({
    requests: [author.request(commands.slice(0, 3)), author.request(commands.slice(3))],
    payloads: {},
  })
  const payloadsOf = (some: typeof sealed) =>
    payloadsInOrder(some.map(({ seal: of, payload }): [string, Payload] => [of, payload]))
  const [one, other] = [payloadsOf(sealed.slice(0, 3)), payloadsOf(sealed.slice(3))]
  return { asked, one: { ...asked, payloads: one }, other: { ...asked, payloads: other } }
}

t.test('two copies of a statement do not become one that nobody could pass on', async (t) => {
  const [ana, mallory] = market('ana', 'mallory')
  const { one, other } = asksForMuch(mallory)
  const { taken } = ana.hears(overTheWire(one), overTheWire(other))
  t.same(taken[0]?.lacks.length, 3, 'it has the values of the first')
  t.same(overTheWire(taken[0] as SignedStatement).payloads, one.payloads)
})

t.test('values of what the members have refused do not crowd out those of what they have accepted', async (t) => {
  const [ana, ben, mallory] = market('ana', 'ben', 'mallory')
  const cleo = new Player('cleo')
  ana.requests({ type: 'InviteParty', party: cleo.card })
  talk([ana, ben, mallory, cleo], owes)
  const { asked, one: accepted, other: refused } = asksForMuch(mallory)
  const refusal = {
    code: 'payload_missing',
    request: { handle: mallory.handle, seq: asked.statement.seq, index: 1 },
  } as const
  const answers = [ana, ben].map((player) => {
    player.hears(accepted)
    return player.says({ refusals: [refusal] })
  })
  ana.hears(...answers)
  cleo.hears(refused, ...answers)
  t.match(cleo.state.ledger.lacking, { request: { index: 0 } })
  for (const whole of [given(cleo.state, accepted), receive(cleo.state, [accepted])]) {
    t.same(headOf(whole.state.ledger), headOf(ana.state.ledger))
    const held = whole.state.feeds.get(mallory.handle)?.last() as SignedStatement
    t.same(overTheWire(held).payloads, accepted.payloads)
    const everything = whole.state.feeds.map((feed) => feed.size - 1)
    t.same(headOf(stateAt(whole.state, everything).ledger), headOf(ana.state.ledger), 'and so on')
  }
})

t.test('values that come one by one are taken in at once', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const { asked, one, other } = asksForMuch(ana)
  ben.hears(asked)
  const { party, seq } = asked.statement
  const lines = Object.entries(one.payloads).map(([of, payload]) => ({ party, seq, payloads: { [of]: payload } }))
  const { completions, state } = receivePayloads(nothingReceived(ben.state, []), lines)
  t.same(completions, [{ party, seq, payloads: one.payloads }])
  t.same(lackingIn(state)[0]?.lacks.toSorted(), Object.keys(other.payloads))
})

t.test(
  'a late value behind which the ledger goes on in an engine that is not here is left out, and said',
  async (t) => {
    const { cleo, asked, upgrade, answers } = engineBehindAValue()
    const { taken, unjudged } = cleo.hears(bare(asked), upgrade, ...answers)
    t.match([taken.length, unjudged.length], [5, 0])
    for (const late of [given(cleo.state, asked), receive(cleo.state, [asked])]) {
      t.match(late.unjudged, [{ decoded: { hash: asked.hash }, error: { code: 'engine_unknown', engine: 2 } }])
      t.same([late.completions, late.state === cleo.state], [[], true])
    }
  },
)

t.test('a ledger that waits for a value is made anew from the feeds, whether that has come since or not', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const observer = new Player('dov')
  observer.hears(...allOf(ana))
  const asked = ana.proposes('0.0', 'x')
  const answers = [ben, cleo].map((player) => {
    player.hears(asked)
    return player.says()
  })
  const { state } = receive(observer.state, [bare(asked), ...answers])
  t.match(state.ledger.lacking, { request: { handle: 'ana', seq: asked.statement.seq, index: 0 } })
  const store = openMemoryStore()
  t.teardown(() => store.close())
  const nothing = { settled: [], equivocations: [], divergences: [] }
  const held = [...state.feeds.values()].flatMap((feed) => [...feed])
  await store.write(writesFor({ before: emptyAgreement(state.contract), held, ...nothing }))
  const snapshot = encodeSnapshot(snapshotOf(state))
  const load = async () => (await loadContract(store, state.contract, ana.handle, 'alone', snapshot)).state
  const loaded = await load()
  t.same(loaded.ledger.lacking?.request, state.ledger.lacking?.request)
  t.same(headOf(loaded.ledger), headOf(state.ledger))
  const brought = given(loaded, asked)
  t.equal(brought.acknowledged.length, 1, 'the late value brings it on')
  const entries = Object.entries(asked.payloads).map(([sealed, payload]) => ({
    seal: sealed as Hash,
    text: canonicalJson(payload),
  }))
  const { party, seq } = asked.statement
  await store.payloads.put(state.contract, groupOf({ handle: party, seq }), entries)
  t.same(headOf((await load()).ledger), headOf(brought.state.ledger), 'also where it came while nobody looked')
})

t.test('a snapshot of a view that lacks values is of no use', async () => {
  const [ana, ben] = market('ana', 'ben')
  const asked = ana.proposes('0.0', 'x')
  ben.hears(bare(asked))
  const stored = new Map(
    [...ben.state.feeds].map(([handle, feed]) => [handle, { kept: [...feed], noted: undefined }] as const),
  )
  const snapshot = snapshotOf(pruned(ben.state))
  throws(() => viewFrom(snapshot, stored, ben.state.ledger.engines), SnapshotUnfit)
})

t.test('in whatever order statements and values come, all come to the same', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const players = [ana, ben, cleo]
  const opened = ana.state
  for (const [at, value] of ['p', 'q', 'r', 's'].entries()) {
    const author = players[at % 3] as Player
    const asked = author.proposes(`0.${at % 2}`, value)
    // One of them never reaches cleo with its value.
    for (const player of players) {
      if (player !== author) player.hears(player === cleo && at === 1 ? bare(asked) : asked)
    }
    if (at === 1) cleo.says(refuses(asked))
    if (at !== 2) talk(players, owes)
  }
  talk(players, owes)
  const news = allOf(ana).filter(({ statement: { party, seq } }) => seq >= (opened.feeds.get(party)?.size ?? 0))
  const values = news.filter(({ payloads }) => Object.keys(payloads).length > 0)
  t.equal(values.length, 4)
  const steps = [...news.map(bare), ...values.map(later)]
  const expected = headOf(ana.state.ledger)
  const places = steps.map((_, place) => place)
  fc.assert(
    fc.property(fc.shuffledSubarray(places, { minLength: places.length }), (order) => {
      let reception = nothingReceived(opened, [])
      const come: ReturnType<typeof later>[] = []
      for (const place of order) {
        const step = steps[place] as (typeof steps)[number]
        if ('statement' in step) reception = receive(reception.state, [...reception.waiting, step])
        else come.push(step)
        // Whoever lacks values asks again: what came too early comes again.
        for (let before: Reception | undefined; before !== reception; ) {
          before = reception
          reception = receivePayloads(before, come)
        }
        deepStrictEqual([reception.refused, reception.state.settling.divergences], [[], []])
      }
      deepStrictEqual(headOf(reception.state.ledger), expected)
      deepStrictEqual(reception.state.settling.settled, ana.settled)
      deepStrictEqual(reception.waiting, [])
    }),
    { numRuns: 100 },
  )
})
