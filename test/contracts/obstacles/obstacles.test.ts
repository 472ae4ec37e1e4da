import t, { type Test } from 'tap'
import { frontierOf, newestOf } from '../../../src/agreement/feeds.ts'
import type { VerifiedStatement } from '../../../src/agreement/verified-statement.ts'
import type { Role } from '../../../src/contracts/duties.ts'
import {
  type ObstacleCode,
  obstacleCodes,
  obstacleKinds,
  obstaclesIn,
} from '../../../src/contracts/obstacles/obstacles.ts'
import { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { DoubleSignProtection } from '../../../src/contracts/signing/double-sign-protection.ts'
import { memoryGuard, type SigningGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { keySigner, type Signer } from '../../../src/crypto/signer.ts'
import { decodeSigned, type SignedStatement } from '../../../src/events/statement-codec.ts'
import { SignerUnreachable } from '../../../src/node/signer/protocol.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { StoreUnavailable } from '../../../src/store/errors.ts'
import { feedStream } from '../../../src/store/streams.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { both } from '../../support/engine-2.ts'
import { allOf, CONTRACT, market, marketWith, overTheWire, owes, type Player, talk } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'
import { named, ofTheProcess, sayingOf } from '../../support/obstacles.ts'
import { reading } from '../../support/reading-store.ts'

/** What test/node/observability/obstacles.test.ts brings about on nodes. */
const onNodes: readonly ObstacleCode[] = [
  'store_set_back',
  'members_awaited',
  'person_asked',
  'record_locked',
  'party_unreachable',
  'party_refuses_calls',
  'party_not_approved',
  'party_silent',
  'party_clock_off',
]

function codesIn(live: LiveContract): string[] {
  const found = obstaclesIn(live)
  for (const { code } of found) named.add(code)
  return found.map(({ code, parties }) => [code, ...parties].join(' '))
}

/** The contract as the node of the player has it. `guard`: left out, one that knows all that it has signed. */
async function nodeOf(
  t: Test,
  { state, handle, privateKey }: Pick<Player, 'state' | 'handle' | 'privateKey'>,
  guard?: SigningGuard,
) {
  const own = guard ?? memoryGuard()
  if (guard === undefined) await (await DoubleSignProtection.open(state, handle, own, true)).advance(state)
  const ports = { store: openMemoryStore(), clock: systemClock, random: systemRandom, guard: own }
  const live = await LiveContract.open(CONTRACT, handle, 'ana' as typeof handle, {
    ...ports,
    signer: keySigner(privateKey),
  })
  t.teardown(() => live.close())
  return live
}

function playerOf({ state, handle, privateKey }: Player): Pick<Player, 'state' | 'handle' | 'privateKey'> {
  return { state, handle, privateKey }
}

t.test('a party that signs twice, and whoever covers what is not held here', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const [one, other] = ben.forks()
  cleo.hears(other)
  const relayed = cleo.says()
  const [atAna, atCleo] = [await nodeOf(t, ana), await nodeOf(t, cleo)]
  await atAna.deliver([...allOf(ana), one])
  await atAna.deliver([relayed])
  t.same(codesIn(atAna), ['fork_unproven cleo ben'])
  await atAna.deliver([other])
  await atCleo.deliver([...allOf(cleo), one])
  for (const live of [atAna, atCleo]) t.same(codesIn(live), ['party_forked ben'], 'every member that has seen both')
})

t.test('a key that is lost, and of a feed that goes on under another one the old key', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const { privateKey: old } = ben
  ana.hears(ben.rotates())
  const [withOld, withNew] = [await nodeOf(t, { ...playerOf(ben), privateKey: old }), await nodeOf(t, ben)]
  for (const live of [withOld, withNew]) await live.deliver(allOf(ana))
  t.same(codesIn(withOld), ['key_missing'])
  t.same(codesIn(withNew), [])
})

t.test('a head that is not that of the ledger', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const before = allOf(ana)
  const lie = decodeSigned(
    ben.forges(ben.says(), (statement) => {
      statement.head = { ...(statement.head as object), root: '0'.repeat(64) }
    }),
  )
  for (const player of [ana, cleo]) {
    const live = await nodeOf(t, player)
    await live.deliver([...before, lie])
    t.same(codesIn(live), ['heads_differ ben'], player.handle)
  }
  // Ben says what is true from then on.
  const live = await nodeOf(t, cleo)
  await live.deliver([...before, lie])
  const [first, then] = market('ana', 'ben', 'cleo')
  for (const player of [first, then]) player.hears(lie)
  const asked = first.proposes('0.0', 'x')
  then.hears(asked)
  await live.deliver([asked, then.says()])
  t.same(codesIn(live), [], 'which is over with a head that is true')
  const answer = overTheWire(newestOf(live.state.feeds, cleo.handle) as VerifiedStatement)
  first.hears(...allOf(then), answer)
  then.hears(first.says(), answer)
  await live.deliver([...allOf(first), then.says()])
  t.same(codesIn(live), [])
  t.equal(live.state.settling.divergences.length, 1, 'and not forgotten')
  // Then it lies again.
  const again = decodeSigned(
    then.forges(then.says(), (statement) => {
      const head = statement.head as { readonly size: number }
      statement.head = { ...head, size: head.size + 1 }
    }),
  )
  await live.deliver([again])
  t.same(codesIn(live), ['heads_differ ben'], 'nor is a second one overlooked')
})

t.test('another process signs with the key', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const guard = memoryGuard()
  await (await DoubleSignProtection.open(ana.state, ana.handle, guard, true)).advance(ana.state)
  const live = await nodeOf(t, ana, guard)
  await live.deliver(allOf(ana))
  t.same(codesIn(live), [])
  // A copy of the node goes on, with the same guard.
  ana.says()
  await (await DoubleSignProtection.open(ana.state, ana.handle, guard, false)).advance(ana.state)
  await live
    .deliver([ben.requests({ type: 'AddField', parent: '0', name: 'C', field: { type: 'text' } })])
    .catch(() => {})
  t.same(codesIn(live), ['another_signs'])
})

t.test('a statement of the own feed that nobody has any more', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const before = allOf(ana)
  ben.says()
  const second = ben.says()
  const live = await nodeOf(t, ben, memoryGuard())
  await live.deliver(before)
  t.same(codesIn(live), ['members_awaited ana'])
  live.heard(ana.handle, frontierOf(ana.state.feeds))
  await live.deliver([second])
  live.heard(ana.handle, frontierOf(ana.state.feeds))
  t.same(codesIn(live), ['statement_lost'])
})

t.test('a contract that goes on in an engine that is not here', async (t) => {
  const players = marketWith(both, 'ana', 'ben')
  const [ana, ben] = players
  const live = await nodeOf(t, ana, memoryGuard())
  for (const player of players) {
    player.requests({ type: 'UpgradeEngine', to: 2 })
    talk(players, owes)
  }
  await live.deliver(allOf(ben))
  t.same(codesIn(live), ['engine_unknown'])
})

t.test('values that everybody has agreed on, and that are missing', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const request = ana.proposes('0.0', 'x')
  for (const player of [ben, cleo]) player.hears(request)
  ana.hears(cleo.says(), ben.says())
  const live = await nodeOf(t, ben)
  const bare = (decoded: SignedStatement) => (decoded.hash === request.hash ? { ...decoded, payloads: {} } : decoded)
  await live.deliver(allOf(ana).map(bare))
  t.same(codesIn(live), ['values_missing'])
  const { party, seq } = request.statement
  await live.deliver([], undefined, [{ party, seq, payloads: request.payloads }])
  t.same(codesIn(live), [])
})

t.test('nobody to ask, where the guard is missing', async (t) => {
  const ana = new EdgelessParty(t)
  const first = await ana.start()
  const { contract, opened } = await first.contracts.openContract('of one party')
  await opened
  await first.close()
  const again = await ana.start('node', { guard: memoryGuard() })
  const live = again.contracts.find(contract.contract) as LiveContract
  t.same(codesIn(live), ['nobody_to_ask'])
  t.same(sayingOf(again).codes(), ['nobody_to_ask'])
})

/** A party of its own, whose store or signer can fail. */
async function faulty(t: Test) {
  const ana = new EdgelessParty(t)
  const fault: { store?: Error; signer?: Error } = {}
  const signer: Signer = {
    publicKey: ana.signer.publicKey,
    sign: (bytes) => (fault.signer === undefined ? ana.signer.sign(bytes) : Promise.reject(fault.signer)),
  }
  const write: typeof ana.store.write = async (batch) => {
    if (fault.store !== undefined) throw fault.store
    await ana.store.write(batch)
  }
  const node = await ana.start('node', { signer, store: { ...ana.store, write, close: async () => {} } })
  const { contract: live, opened } = await node.contracts.openContract('faulty')
  await opened
  const add = (name: string) => {
    const command = { type: 'AddField', parent: '0', name, field: { type: 'text' } } as const
    return live.submit({ request: { id: name, commands: [command] }, payloads: {} }).verdict
  }
  return { node, live, fault, add }
}

t.test('a store that fails, and a signer that does not answer, until something is written again', async (t) => {
  const { node, live, fault, add } = await faulty(t)
  const { codes } = sayingOf(node)
  for (const [code, break_] of [
    ['store_failing', { store: new StoreUnavailable('store_unavailable', 'the disk is full') }],
    ['signer_unreachable', { signer: new SignerUnreachable('signer_unreachable', 'it does not answer') }],
  ] as const) {
    Object.assign(fault, break_)
    await t.rejects(add(`during ${code}`))
    t.same(codesIn(live), [code])
    t.same(codes(), [code])
    for (const what of Object.keys(break_)) delete fault[what as keyof typeof fault]
    await add(`after ${code}`)
    t.same(codesIn(live), [])
    t.same(codes(), [])
  }
})

t.test('nobody signs what serve leaves in the store', async (t) => {
  const ana = new EdgelessParty(t)
  const before = await ana.start('transmit')
  const { contract, opened } = await before.contracts.openContract('split')
  await opened
  await before.close()
  const serve = await ana.start('serve')
  const role: Role = 'serve'
  await serve.contracts.use(contract.contract, async (live) => {
    const command = { type: 'AddField', parent: '0', name: 'Later', field: { type: 'text' } }
    const { verdict } = live.submit({ request: { commands: [command], id: 'later' }, payloads: {}, signedWithinMs: 20 })
    await t.rejects(verdict, { code: 'transmitter_silent' })
    t.notOk(serve.isTakenUp)
    t.same(sayingOf(serve, { role, party: serve }).codes(), ['processes_silent'])
    await ana.start('transmit')
    await until('it is taken up', async () => serve.isTakenUp)
    t.same(sayingOf(serve, { role, party: serve }).codes(), [])
  })
})

t.test('a contract that cannot be loaded', async (t) => {
  const ana = new EdgelessParty(t)
  const first = await ana.start()
  const { contract, opened } = await first.contracts.openContract('damaged')
  await opened
  await first.close()
  const feed = feedStream(contract.contract, ana.card.handle)
  const store = reading(ana.store, async function* (stream, events) {
    for await (const event of events)
      yield stream === feed ? { ...event, data: event.data.replace('damaged', 'changed') } : event
  })
  const again = await ana.start('node', { store: { ...store, close: async () => {} } })
  t.same(sayingOf(again).codes(), ['contract_damaged'])
})

t.test('everything in the table is brought about, here, beside this file or on nodes', (t) => {
  t.same([...new Set([...named, ...ofTheProcess, ...onNodes])].sort(), [...obstacleCodes].sort())
  const seen = Object.values(obstacleKinds).flatMap(({ elsewhere }) => elsewhere ?? [])
  t.same(
    seen.filter((code) => !obstacleCodes.includes(code)),
    [],
  )
  t.end()
})
