import t, { type Test } from 'tap'
import { headOf } from '../../../src/agreement/ledger.ts'
import { PAYLOAD_WAIT_MS } from '../../../src/contracts/approvals/value-waits.ts'
import { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { DoubleSignProtection } from '../../../src/contracts/signing/double-sign-protection.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import type { RequestRef } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
import type { SignedStatement } from '../../../src/events/statement-codec.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import type { Turns } from '../../../src/runtime/turns.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { refsIn } from '../../../src/store/payload-group.ts'
import type { Store } from '../../../src/store/port.ts'
import { settleMicrotasks, VirtualClock } from '../../simulation/virtual-clock.ts'
import { fullState } from '../../support/full-state.ts'
import { allOf, CONTRACT, market, owes, Player, talk } from '../../support/market.ts'

type Sealed = ReturnType<typeof seal>

const bare = (decoded: SignedStatement): SignedStatement => ({ ...decoded, payloads: {} })
const later = ({ statement: { party, seq }, payloads }: SignedStatement) => ({ party, seq, payloads })

interface NodeOptions {
  readonly store?: Store
  readonly turns?: Turns
  /** What it is given. Left out: all that the player holds. */
  readonly given?: readonly SignedStatement[]
}

/** The node of a player, on a clock of the test, on which the contract begins with what the player holds. */
async function nodeOf(t: Test, player: Player, options: NodeOptions = {}) {
  const { store = openMemoryStore(), turns, given = allOf(player) } = options
  const guard = memoryGuard()
  const clock = new VirtualClock()
  const { handle, privateKey, state } = player
  await (await DoubleSignProtection.open(state, handle, guard, true)).advance(state)
  const open = () =>
    LiveContract.open(CONTRACT, handle, 'ana' as typeof handle, {
      store,
      clock,
      random: systemRandom,
      guard,
      signer: keySigner(privateKey),
      ...(turns === undefined ? {} : { turns }),
    })
  const live = await open()
  t.teardown(() => live.close())
  await live.deliver(given)
  const asked: number[] = []
  live.listen({ wanting: () => asked.push(clock.now()) })
  const pass = async (ms: number) => {
    await clock.runUntil(clock.now() + ms)
    await settleMicrotasks()
  }
  /** What it has said since. */
  const own = (of = live) =>
    [...(fullState(of.state).feeds.get(handle) ?? [])].slice(state.feeds.get(handle)?.size ?? 0)
  return { live, clock, store, open, pass, own, asked }
}

const pair = () => market('ana', 'ben')
const refusalsIn = (held: readonly SignedStatement[]) => held.flatMap(({ statement }) => statement.refusals)

t.test('with its values at hand a request is answered at once, and nothing more is written', async (t) => {
  const [ana, ben] = pair()
  const { live, own, store } = await nodeOf(t, ben)
  const writes: number[] = []
  const write = store.write.bind(store)
  store.write = async (batch) => {
    writes.push(batch.length)
    await write(batch)
  }
  await live.deliver([ana.proposes('0.0', 'x')])
  t.match(own(), [{ statement: { refusals: [] } }])
  t.same(writes, [3], 'its values, its feed, the own feed')
  t.same(live.wants, [])
  t.equal(live.holdUpOf(live.self), undefined)
})

t.test('values that are missing are waited for, and asked for; then the request is refused', async (t) => {
  const [ana, ben] = pair()
  const { live, own, pass, asked, clock } = await nodeOf(t, ben)
  const [request, lacked] = [ana.proposes('0.0', 'x'), ana.requests({ type: 'AddBlock', parent: '0', name: 'behind' })]
  const began = clock.now()
  await live.deliver([bare(request), lacked])
  t.equal(live.state.feeds.get(ana.handle)?.size, ana.state.feeds.get(ana.handle)?.size, 'it is held')
  t.match(live.wants, [{ party: ana.handle, seq: request.statement.seq }])
  t.equal(live.holdUpOf(live.self), 'payload', 'and says why it says nothing')
  t.match(await live.heldUp({ handle: ben.handle, seq: 0, index: 0 }), { waitingFor: ['ben'], why: { ben: 'payload' } })
  await pass(PAYLOAD_WAIT_MS - 1)
  t.same(own(), [], 'neither it is covered nor what comes behind')
  t.ok(asked.length >= 4 && asked[0] === began, `asked ${asked.map((at) => at - began)}`)
  await pass(1)
  const place = { handle: ana.handle, seq: request.statement.seq, index: 0 }
  t.same(refusalsIn(own()), [{ request: place, code: 'payload_missing' }])
  t.match(own().at(-1)?.statement.seen, { ana: { seq: lacked.statement.seq } })
  t.equal(live.holdUpOf(live.self), undefined)
  t.same(live.wants, [], 'nothing comes of it any more')
  ana.hears(...own())
  t.equal(ana.state.ledger.document.parties.members.length, 2)
  const last = asked.length
  await pass(60_000)
  t.equal(asked.length, last, 'nor is anything asked for')
})

t.test('values that come in time are kept with their statement, and the request is acknowledged', async (t) => {
  const [ana, ben] = pair()
  for (const how of ['by themselves', 'with the statement'] as const) {
    const { live, own, pass, store, asked } = await nodeOf(t, ben)
    const before = ana.state
    const request = ana.proposes('0.0', how)
    ana.state = before
    await live.deliver([bare(request)])
    await pass(PAYLOAD_WAIT_MS / 2)
    const times = asked.length
    if (how === 'by themselves') await live.deliver([], undefined, [later(request)])
    else await live.deliver([request])
    t.match(own(), [{ statement: { refusals: [] } }], how)
    const [sealed] = Object.keys(request.payloads) as Hash[]
    const refs = refsIn(ana.handle, [{ seq: request.statement.seq, seal: sealed as Hash }])
    t.equal((await store.payloads.get(CONTRACT, refs)).size, 1, 'they are durable')
    await pass(PAYLOAD_WAIT_MS)
    t.equal(own().length, 1)
    t.equal(asked.length, times)
  }
})

t.test('what comes as a value of a statement that does not name it is refused, and the rest is taken', async (t) => {
  const [ana, ben] = pair()
  const { live, own } = await nodeOf(t, ben)
  const request = ana.proposes('0.0', 'x')
  const { seal: sealed, payload } = seal('nobody named it', new Uint8Array(16))
  await live.deliver([bare(request)])
  const sent = { ...later(request), payloads: { ...request.payloads, [sealed]: payload } }
  const { refused } = await live.deliver([], undefined, [sent])
  t.match(refused, [{ code: 'payload_mismatch', evidence: { party: 'ana', seq: request.statement.seq, seal: sealed } }])
  t.match(own(), [{ statement: { refusals: [] } }])
  const again = await live.deliver([], undefined, [later(request), { ...sent, seq: 1000 }])
  t.same(again.refused, [], 'twice is nobody’s fault, nor is what is not held here')
})

t.test('nobody waits for the values of a request of which nothing comes any more', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const { live, own } = await nodeOf(t, cleo)
  const request = ana.proposes('0.0', 'x')
  ben.hears(request)
  const place = { handle: ana.handle, seq: request.statement.seq, index: 0 }
  const refusal = ben.says({ refusals: [{ request: place, code: 'person' }] })
  await live.deliver([bare(request), refusal])
  t.same(refusalsIn(own()), [{ request: place, code: 'payload_missing' }], 'it is not acknowledged either')
})

t.test('a restart in the middle begins the wait anew, and it ends', async (t) => {
  const [ana, ben] = pair()
  const { live, open, own, pass } = await nodeOf(t, ben)
  await live.deliver([bare(ana.proposes('0.0', 'x'))])
  await pass(PAYLOAD_WAIT_MS - 1_000)
  await live.close()
  const again = await open()
  t.teardown(() => again.close())
  again.wake()
  await pass(PAYLOAD_WAIT_MS - 1_000)
  t.same(own(again), [])
  t.notOk(again.mayRest, 'nor does the contract rest meanwhile')
  await pass(1_000)
  t.match(refusalsIn(own(again)), [{ code: 'payload_missing' }])
})

t.test('an observer waits for as long as it takes, and cannot join before', async (t) => {
  const [ana, ben] = pair()
  const cleo = new Player('cleo')
  ana.requests({ type: 'InviteParty', party: cleo.card })
  talk([ana, ben, cleo], owes)
  const { live, own, pass } = await nodeOf(t, cleo)
  const request = ana.proposes('0.0', 'x')
  ben.hears(request)
  const answer = ben.says()
  await live.deliver([bare(request)])
  await pass(10 * PAYLOAD_WAIT_MS)
  live.idle()
  await pass(1)
  t.match(own(), [{ statement: { seen: {}, note: {} } }], 'it signs what it has verified')
  t.ok(live.mayRest, 'whoever asks for the contract asks for the values again')
  await live.deliver([answer])
  await pass(10 * PAYLOAD_WAIT_MS)
  t.equal(own().length, 1, 'it refuses nothing')
  t.equal(live.wants.length, 1)
  ana.hears(answer)
  const head = ana.says()
  await live.deliver([head], undefined, [later(request)])
  t.same(refusalsIn(own()), [])
  t.same(headOf(fullState(live.state).ledger), headOf(ana.state.ledger))
  t.same(live.wants, [])
})

t.test('a node that has lost values which all had acknowledged signs nothing until they are back', async (t) => {
  const players = market('ana', 'ben', 'cleo')
  const [ana, ben, cleo] = players
  const request = ana.proposes('0.0', 'x')
  ben.hears(request)
  cleo.hears(request)
  const answers = [ben.says(), cleo.says()]
  ana.hears(...answers)
  const guard = memoryGuard()
  await (await DoubleSignProtection.open(ben.state, ben.handle, guard, true)).advance(ben.state)
  const store = openMemoryStore()
  const clock = new VirtualClock()
  const signer = keySigner(ben.privateKey)
  const ports = { store, clock, random: systemRandom, guard, signer }
  const live = await LiveContract.open(CONTRACT, ben.handle, ana.handle, ports)
  t.teardown(() => live.close())
  const stripped = allOf(ana).map((decoded) => (decoded.hash === request.hash ? bare(decoded) : decoded))
  await live.deliver(stripped)
  const size = live.state.feeds.get(ben.handle)?.size
  // It calls for an answer, and covers nothing that is missing.
  await live.deliver([cleo.requests({ type: 'AddBlock', parent: '0', name: 'asked meanwhile' })])
  await clock.runUntil(clock.now() + 10 * PAYLOAD_WAIT_MS)
  await settleMicrotasks()
  t.equal(live.obstacle, 'values_missing')
  t.notOk(live.mayRest)
  t.equal(live.state.feeds.get(ben.handle)?.size, size, 'it signs nothing')
  t.match(live.wants, [{ party: ana.handle, seq: request.statement.seq }])
  await live.deliver([], undefined, [later(request)])
  t.equal(live.obstacle, undefined)
  t.same(headOf(fullState(live.state).ledger), headOf(ana.state.ledger))
})

t.test('values that come by themselves are taken in with turns of others in between, and written once', async (t) => {
  const [ana, ben] = pair()
  let given = 0
  const turns: Turns = { isOver: true, next: async () => void given++ }
  const store = openMemoryStore()
  const { live } = await nodeOf(t, ben, { store, turns })
  const requests = Array.from({ length: 20 }, (_, n) => ana.proposes('0.0', n))
  await live.deliver(requests.map(bare))
  const written: number[] = []
  const write = store.write.bind(store)
  store.write = async (batch) => {
    written.push(batch.filter(({ kind }) => kind === 'payloads').length)
    await write(batch)
  }
  const before = given
  await live.deliver([], undefined, [...requests, ...requests].map(later))
  t.ok(given - before > requests.length, `${given - before} turns`)
  t.equal(written[0], requests.length, 'a group each')
  t.same(live.wants, [])
})

t.test('a statement is not asked for whose only living request has its values', async (t) => {
  const [ana, ben] = pair()
  const { live } = await nodeOf(t, ben)
  const [here, missing] = ['x', 'y'].map((value) => seal(value, new Uint8Array(16))) as [Sealed, Sealed]
  const requests = [here, missing].map(({ seal: of }, n) => ({
    ...ana.request([{ type: 'ProposeValue', field: '0.0', seal: of, basis: [] }]),
    ...(n === 1 ? { tentative: true as const } : {}),
  }))
  const asked = ana.says({ requests, payloads: { [here.seal]: here.payload } })
  const withdrawal = {
    request: { handle: ana.handle, seq: asked.statement.seq, index: 1 },
    decision: 'withdrawn',
  } as const
  await live.deliver([asked])
  t.match(live.wants, [{ party: asked.statement.party, seq: asked.statement.seq }])
  t.equal(live.wants, live.wants, 'looked at once')
  await live.deliver([ana.says({ decided: [{ ...withdrawal, code: 'user' }] })])
  t.same(live.wants, [])
})

t.test('who has lost a value that it acknowledged says nothing that makes its own ledger stop there', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const first = cleo.proposes('0.0', 'first')
  const before = ana.says()
  const lost = ana.proposes('0.1', 'lost')
  cleo.hears(before, lost)
  ana.hears(first)
  const answers = [cleo.says(), ana.says()]
  ben.hears(before, bare(lost))
  ben.says()
  const { live, own, store } = await nodeOf(t, ben)
  const { refused } = await live.deliver([first, ...answers])
  t.same([refused, own()], [[], []])
  t.equal(live.state.feeds.get(cleo.handle)?.last()?.hash, answers[0]?.hash, 'what comes is taken in')
  t.equal(live.obstacle, 'values_missing')
  t.match(live.wants, [{ party: lost.statement.party, seq: lost.statement.seq }])
  await live.deliver([], undefined, [later(lost)])
  t.match(own(), [{ statement: { refusals: [] } }])
  t.equal(live.obstacle, undefined)
  const kept = await store.payloads.get(
    CONTRACT,
    refsIn(ana.handle, [{ seq: lost.statement.seq, seal: Object.keys(lost.payloads)[0] as Hash }]),
  )
  t.equal(kept.size, 1)
})

/** Ana’s node has lost a value of a tentative request that ben has acknowledged, as a liar may that never had it; more of hers is behind. */
async function withLostOwn(t: Test) {
  const [ana, ben] = pair()
  const lost = seal('lost', new Uint8Array(16))
  const behind = { type: 'AddBlock', parent: '0', name: 'behind' }
  const commands = [[{ type: 'ProposeValue', field: '0.0', seal: lost.seal, basis: [] }], [behind]]
  const requests = commands.map((some) => ({ ...ana.request(some), tentative: true as const }))
  const asked = ana.says({ requests, payloads: { [lost.seal]: lost.payload } })
  ben.hears(asked)
  ana.hears(ben.says())
  // The guard has the line of the newest own statement, with its values.
  ana.says()
  const given = allOf(ana).map((decoded) => (decoded.hash === asked.hash ? bare(decoded) : decoded))
  const [value, block] = [0, 1].map((index) => ({ handle: ana.handle, index, seq: asked.statement.seq }))
  return { ...(await nodeOf(t, ana, { given })), asked, value: value as RequestRef, block: block as RequestRef }
}

t.test('who has lost a value of its own tentative request withdraws that when nobody gives it back', async (t) => {
  const { live, own, pass, value, block } = await withLostOwn(t)
  await pass(PAYLOAD_WAIT_MS - 1)
  t.same([own(), live.obstacle], [[], undefined], 'it is not confirmed, and nothing stops')
  t.match(live.wants, [{ party: value.handle, seq: value.seq }])
  await pass(1)
  const confirmed = { decision: 'confirmed', request: block }
  t.match(own(), [
    { statement: { decided: [{ code: 'restarted', decision: 'withdrawn', request: value }, confirmed] } },
  ])
  t.same([live.wants, live.obstacle], [[], undefined])
})

t.test('with the value given back in time it is confirmed, and its user may take it back before', async (t) => {
  const back = await withLostOwn(t)
  await back.live.deliver([], undefined, [later(back.asked)])
  const decided = [back.value, back.block].map((request) => ({ decision: 'confirmed', request }))
  t.match(back.own(), [{ statement: { decided } }])
  const { live, own, pass, value } = await withLostOwn(t)
  await live.withdraw(value)
  await pass(1)
  t.match(own(), [{ statement: { decided: [{ code: 'user', decision: 'withdrawn', request: value }, {}] } }])
})
