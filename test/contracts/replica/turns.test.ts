import t, { type Test } from 'tap'
import { ruleHash } from '../../../src/aggregates/contract/rules/rule-book.ts'
import { rulesToPublish } from '../../../src/aggregates/contract/rules/rule-commands.ts'
import { schemaOf } from '../../../src/aggregates/contract/rules/rule-schema.ts'
import { compile, isCompiled } from '../../../src/aggregates/rules/compile.ts'
import { traceDivergence, wrongHeadEvidence } from '../../../src/agreement/evidence.ts'
import { needsHistory } from '../../../src/agreement/history/looking-back.ts'
import { decodeSnapshot } from '../../../src/agreement/history/snapshot-text.ts'
import { receive, receiving } from '../../../src/agreement/receive.ts'
import { emptyAgreement } from '../../../src/agreement/state.ts'
import { Approvals } from '../../../src/contracts/approvals/approvals.ts'
import type { Policy } from '../../../src/contracts/approvals/policy.ts'
import { writesFor } from '../../../src/contracts/replica/journal.ts'
import { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { loadContract, recallHistory } from '../../../src/contracts/replica/opening/load.ts'
import type { ContractPorts } from '../../../src/contracts/replica/ports.ts'
import { DoubleSignProtection } from '../../../src/contracts/signing/double-sign-protection.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { generateKeyPair } from '../../../src/crypto/key-pair.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import { dryRun } from '../../../src/documents/dry-run.ts'
import { liveView } from '../../../src/documents/past/live-view.ts'
import type { Command } from '../../../src/events/commands.ts'
import { type ElementId, ROOT } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
import type { Payloads } from '../../../src/events/statement.ts'
import type { SignedStatement } from '../../../src/events/statement-codec.ts'
import { assert } from '../../../src/runtime/assert.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { inTurns, type Turns } from '../../../src/runtime/turns.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { allOf, CONTRACT, market, owes, Player, TIME, talk } from '../../support/market.ts'
import { ruledMarket } from '../../support/ruled-market.ts'

t.setTimeout(240_000)

/** Where every step is the last of a turn. */
class CountedTurns implements Turns {
  readonly isOver = true
  count = 0

  async next(): Promise<void> {
    this.count++
  }
}

/** The contract as the node of ben has it. */
async function nodeOf(t: Test, turns: Turns, { handle, privateKey, state }: Player, more: Partial<ContractPorts> = {}) {
  const guard = memoryGuard()
  await (await DoubleSignProtection.open(state, handle, guard, true)).advance(state)
  const live = await LiveContract.open(CONTRACT, handle, 'ana' as typeof handle, {
    store: openMemoryStore(),
    guard,
    clock: systemClock,
    random: systemRandom,
    signer: keySigner(privateKey),
    turns,
    ...more,
  })
  t.teardown(() => live.close())
  return live
}

const COSTLY = 'every a in Lines satisfies every b in Lines satisfies a / (b + X) < 1000'
const ENTRIES = 2
const RULES = 20
const CHANGES = 4

/** Of more of them such a rule takes much of what it may. */
function givenLines(ana: Player, ...others: Player[]): void {
  const decimal = { type: 'decimal' }
  ana.requests(
    { type: 'AddField', parent: ROOT, name: 'X', field: decimal },
    { type: 'AddList', parent: ROOT, name: 'Lines', entry: decimal, entriesMax: 100 },
    { type: 'AddRuleSet', name: 'Terms' },
    ...Array.from({ length: ENTRIES }, () => ({ type: 'AddEntry', list: '0.3' })),
  )
  const one = seal('1.111111111111111111111111111111111', new Uint8Array(16))
  const values = Array.from({ length: ENTRIES }, (_, at) => {
    return { type: 'ProposeValue', field: `0.3.${at + 1}`, seal: one.seal, basis: [] }
  })
  ana.says({ requests: [ana.request(values)], payloads: { [one.seal]: one.payload } })
  talk([ana, ...others], owes)
}

function draftRules(ana: Player): void {
  const compiled = compile(COSTLY, schemaOf(ana.state.ledger.document), { block: ROOT })
  assert(isCompiled(compiled), 'it is an expression')
  const body = { kind: 'constraint', severity: 'warn', condition: compiled.ast }
  ana.requests(...Array.from({ length: RULES }, () => ({ type: 'DraftRule', at: ROOT, ruleSet: 1, body })))
}

const drafted = ({ state }: Player) =>
  rulesToPublish(state.ledger.document, [1]).map(({ terms }) => ({ rule: terms.id, hash: ruleHash(terms) }))

/** In one statement. */
function changes(ana: Player): SignedStatement {
  const values = Array.from({ length: CHANGES }, (_, at) => seal(`${at}`, new Uint8Array(16)))
  const requests = values.map(({ seal }) => ana.request([{ type: 'ProposeValue', field: '0.2', seal, basis: [] }]))
  return ana.says({ requests, payloads: Object.fromEntries(values.map(({ seal, payload }) => [seal, payload])) })
}

t.test('rules that take long, in a contract that somebody has opened alone, let others have their turn', async (t) => {
  const [ana] = market('ana')
  const ben = new Player('ben')
  ana.requests({ type: 'InviteParty', party: ben.card })
  givenLines(ana)
  draftRules(ana)
  ana.requests({ type: 'PublishRules', ruleSets: [1], rules: drafted(ana) })
  t.equal(ana.state.ledger.document.phase, 'live')
  changes(ana)
  const turns = new CountedTurns()
  const live = await nodeOf(t, turns, ben)
  await live.deliver(allOf(ana))
  t.equal(live.state.ledger.log.root(), ana.state.ledger.log.root())
  t.ok(turns.count >= RULES * CHANGES, `others had ${turns.count} turns`)
})

/** Two members, and the costly rules in force. */
function ruledPair(): [Player, Player] {
  const [ana, ben] = market('ana', 'ben')
  givenLines(ana, ben)
  draftRules(ana)
  talk([ana, ben], owes)
  ben.requests(...drafted(ben).map((rule) => ({ type: 'CastVote', ...rule, vote: 'yes' })))
  talk([ana, ben], owes)
  ana.requests({ type: 'PublishRules', ruleSets: [1], rules: drafted(ana) })
  talk([ana, ben], owes)
  return [ana, ben]
}

t.test('and so does the answer that puts such requests into the ledger', async (t) => {
  const [ana, ben] = ruledPair()
  t.equal(ben.state.ledger.document.phase, 'live')
  const turns = new CountedTurns()
  const live = await nodeOf(t, turns, ben)
  await live.deliver(allOf(ben))
  const before = live.state.ledger.log.size
  const asked = changes(ana)
  turns.count = 0
  await live.deliver([asked])
  t.equal(live.state.ledger.log.size, before + CHANGES)
  t.ok(turns.count >= RULES * CHANGES, `others had ${turns.count} turns`)
})

t.test('and so does the look at a confidential value that comes behind them', async (t) => {
  const [ana, ben] = ruledPair()
  const { seal: sealed, payload } = seal('1', new Uint8Array(16))
  const secret = { type: 'ProposeValue', audience: ['ben'], field: '0.2', seal: sealed, basis: [] }
  ben.hears(changes(ana), ana.says({ requests: [ana.request([secret])], payloads: { [sealed]: payload } }))
  const answers = new Approvals(ben.handle, [], systemClock, systemRandom, () => {})
  t.equal(answers.coverage(ben.state), undefined, 'it is not for a moment between turns')
  const turns = new CountedTurns()
  t.equal((await inTurns(answers.covering(ben.state), turns)).view, ben.state)
  t.ok(turns.count >= RULES * CHANGES, `others had ${turns.count} turns`)
  t.equal(answers.coverage(ben.state)?.view, ben.state, 'and is known then')
  answers.close()
})

t.test('and so does a dry run of such a request, and of what its publication would come to', async (t) => {
  const [ana] = market('ana')
  givenLines(ana)
  draftRules(ana)
  const turns = new CountedTurns()
  const tried = async (command: Command, payloads: Payloads = {}) => {
    turns.count = 0
    const tried = { commands: [command], isChangeSet: false, payloads, time: TIME }
    return inTurns(dryRun(tried, ana.state, ana.handle), turns)
  }
  const { rule, hash } = drafted(ana)[0] as { rule: number; hash: Hash }
  t.match(await tried({ type: 'RemoveRule', rule }), { outcome: 'accepted' })
  t.ok(turns.count < RULES, 'nothing is evaluated')
  t.match(await tried({ type: 'CastVote', rule, hash, vote: 'no' }), { publication: { outcome: 'accepted' } })
  t.ok(turns.count >= RULES, `others had ${turns.count} turns`)
  ana.requests({ type: 'PublishRules', ruleSets: [1], rules: drafted(ana) })
  const value = seal('1', new Uint8Array(16))
  const command: Command = { type: 'ProposeValue', field: '0.2' as ElementId, seal: value.seal, basis: [] }
  t.match(await tried(command, { [value.seal]: value.payload }), { outcome: 'accepted' })
  t.ok(turns.count >= RULES, `others had ${turns.count} turns`)
})

const STATEMENTS = 100

t.test('a long contract that is loaded, or recalled, lets others have their turn', async (t) => {
  const ana = new Player('ana')
  ana.requests(ana.opening())
  for (let at = 0; at < STATEMENTS; at++)
    ana.requests({ type: 'AddField', parent: ROOT, name: `${at}`, field: { type: 'text' } })
  const store = openMemoryStore()
  const before = emptyAgreement(CONTRACT)
  const { taken, settled } = receive(before, allOf(ana))
  await store.write(writesFor({ before, held: taken, settled, equivocations: [], divergences: [] }))
  const turns = new CountedTurns()
  let { state } = ana
  const loading = async () => {
    state = (await loadContract(store, CONTRACT, ana.handle, 'alone', undefined, undefined, turns)).state
  }
  for (const [what, work] of [
    ['loaded', loading],
    ['recalled', () => recallHistory(store, state, turns)],
  ] as const) {
    turns.count = 0
    await work()
    // Each is looked through for its values, decoded, verified, and becomes an entry.
    t.ok(turns.count >= 4 * STATEMENTS, `${what}: others had ${turns.count} turns`)
  }
  t.equal(state.ledger.log.root(), ana.state.ledger.log.root())
})

/** Ana founds, ben and cleo are members, and much has been agreed. */
function longAgreed(): [Player, Player, Player] {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  for (let at = 0; at < STATEMENTS; at++) ana.proposes('0.0', `${at}`)
  talk([ana, ben, cleo], owes)
  return [ana, ben, cleo]
}

t.test('so does what a party said at some time, made anew from all that it held', async (t) => {
  const [ana, ben, cleo] = longAgreed()
  const turns = new CountedTurns()
  await t.test('where it takes its feed over before every member has spoken', async (t) => {
    const next = generateKeyPair()
    const revocation = ana.revocation(next)
    ana.hears(ben.says({ key: { hold: revocation } }))
    cleo.says()
    const early = ana.takesOver(revocation, next)
    turns.count = 0
    const { refused } = await inTurns(receiving(cleo.state, [...allOf(ben), early], cleo.handle), turns)
    t.match(refused, [{ error: { code: 'statement_unfit_key', message: /cleo/ } }])
    t.ok(turns.count >= STATEMENTS, `others had ${turns.count} turns`)
  })
  await t.test('where evidence is made of a head', async (t) => {
    const at = { party: ben.handle, seq: ben.seq - 2 }
    for (const make of [traceDivergence, wrongHeadEvidence]) {
      turns.count = 0
      t.ok(await inTurns<object | undefined>(make(cleo.state, at), turns))
      t.ok(turns.count >= STATEMENTS, `${make.name}: others had ${turns.count} turns`)
    }
  })
})

t.test('and so does what is covered while a person is asked, once a contract has been read again', async (t) => {
  const [ana, ben] = longAgreed()
  ana.requests({ type: 'AddField', parent: ROOT, name: 'asked', field: { type: 'text' } })
  const policy: Policy = [
    { commands: ['AddField'], answer: 'ask', forSeconds: 600, otherwise: 'refuse', reason: 'nobody was there' },
  ]
  ben.hears(...allOf(ana))
  const store = openMemoryStore()
  const before = emptyAgreement(CONTRACT)
  const { taken, settled } = receive(before, allOf(ben))
  await store.write(writesFor({ before, held: taken, settled, equivocations: [], divergences: [] }))
  const turns = new CountedTurns()
  const live = await nodeOf(t, turns, ben, { policy, store })
  turns.count = 0
  live.wake()
  await live.settleDown()
  t.equal(live.questions.length, 1)
  t.ok(turns.count >= STATEMENTS, `others had ${turns.count} turns`)
})

const FIELDS = 4_000
/** Of them what is done in one step is so many at most. */
const AT_ONCE = 256
const HASHED_AT_ONCE = 16

/** With so many fields that nobody has put anything into. */
function largeContract(): Player {
  const [ana] = market('ana')
  const all = Array.from({ length: FIELDS }, (_, n) => ({
    field: { type: 'text' },
    name: `${n}`,
    parent: '0',
    type: 'AddField',
  }))
  for (let at = 0; at < FIELDS; at += 500) ana.requests(...all.slice(at, at + 500))
  return ana
}

t.test('so does what is kept of a large contract, and what is loaded from that', async (t) => {
  const ana = largeContract()
  const turns = new CountedTurns()
  const store = openMemoryStore()
  const live = await nodeOf(t, turns, ana, { store })
  await live.deliver(allOf(ana))
  turns.count = 0
  const keeping = await live.keep()
  assert(keeping !== needsHistory, 'all of it is in memory')
  // It is copied, and written.
  t.ok(turns.count >= (2 * FIELDS) / AT_ONCE, `others had ${turns.count} turns`)
  const { snapshot } = keeping.kept
  const lines = snapshot.split('\n')
  t.ok(
    lines.every((line) => line.length < 200 * AT_ONCE),
    'no part of it is long',
  )
  turns.count = 0
  const loaded = await loadContract(store, CONTRACT, ana.handle, 'alone', snapshot, undefined, turns)
  t.ok(turns.count >= (4 * FIELDS) / AT_ONCE + FIELDS / HASHED_AT_ONCE, `others had ${turns.count} turns`)
  t.equal(loaded.state.settling.settled, ana.settled)
  const hashes = [loaded.state, ana.state].map(({ ledger, settling }) => ledger.engines.recordHash(settling.agreed))
  t.equal(hashes[0], hashes[1])
  const damaged = snapshot.replace('"name":"17"', '"name":"71"')
  t.equal(await inTurns(decodeSnapshot(damaged, CONTRACT), turns), undefined, 'a damaged one is none')
})

t.test('a live view is decided once for as long as nothing more is held, however many ask for it', async (t) => {
  const [ana, ben, cleo] = ruledMarket(['ana', 'ben', 'cleo'], 'A != "red"').players
  const turns = new CountedTurns()
  const store = openMemoryStore()
  const live = await nodeOf(t, turns, ben, { store })
  const asked = ['blue', 'green', 'grey'].map((value) => ana.proposes('0.0', value))
  // Cleo has not answered.
  await live.deliver([...allOf(cleo), ...asked])
  t.equal(live.state.ledger.open.length, asked.length)
  const counted = async (times: number) => {
    turns.count = 0
    const shown = await Promise.all(
      Array.from({ length: times }, () => liveView(['A'], live, { payloads: store.payloads, turns })),
    )
    for (const one of shown) t.match(one, { isWhole: true, tentative: { length: asked.length }, value: 'grey' })
    return turns.count
  }
  const first = await counted(1)
  const again = await counted(1)
  t.ok(first - again >= asked.length, `${first} turns, and then ${again}`)
  t.equal(await counted(5), 5 * again)
})
