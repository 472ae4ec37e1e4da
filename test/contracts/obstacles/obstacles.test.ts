import t, { type Test } from 'tap'
import { frontierOf, newestOf } from '../../../src/agreement/feeds.ts'
import type { VerifiedStatement } from '../../../src/agreement/verified-statement.ts'
import {
  type ObstacleCode,
  obstacleCodes,
  obstacleKinds,
  obstaclesIn,
} from '../../../src/contracts/obstacles/obstacles.ts'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import type { Role } from '../../../src/contracts/replica/duties.ts'
import { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { DoubleSignProtection } from '../../../src/contracts/signing/double-sign-protection.ts'
import { memoryGuard, type SigningGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { keySigner, type Signer } from '../../../src/crypto/signer.ts'
import type { Handle, Uid } from '../../../src/events/ids.ts'
import type { PartyCard } from '../../../src/events/parties/party-card.ts'
import { decodeSigned, type SignedStatement } from '../../../src/events/statement-codec.ts'
import { openLogger } from '../../../src/node/observability/logging.ts'
import { Metrics } from '../../../src/node/observability/metrics.ts'
import { Obstacles, type ObstaclesPorts } from '../../../src/node/observability/obstacles.ts'
import { SignerUnreachable } from '../../../src/node/signer/protocol.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { StoreUnavailable } from '../../../src/store/errors.ts'
import { feedStream } from '../../../src/store/streams.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { both } from '../../support/engine-2.ts'
import {
  allOf,
  CONTRACT,
  contractFoundedBy,
  market,
  marketOf,
  overTheWire,
  owes,
  Player,
  talk,
} from '../../support/market.ts'
import { until } from '../../support/node-party.ts'
import { reading } from '../../support/reading-store.ts'
import { tlsIdentity } from '../../support/tls.ts'
import { Link, together } from '../../support/two-parties.ts'

/** What this file brings about; the others test/node/observability/obstacles.test.ts brings about on nodes. */
const named = new Set<ObstacleCode>()
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

/** What a process without edges says of itself. */
function sayingOf({ contracts, replicas, gossip }: PartyProcess, more: Partial<ObstaclesPorts> = {}) {
  const lines: { obstacle: string }[] = []
  const logger = openLogger({ logLevel: 'info' }, {}, { write: (line) => void lines.push(JSON.parse(line)) })
  const process = { contracts, replicas, gossip, isTakenUp: true }
  const known = { byHandle: () => undefined, givenUp: 0, handles: () => new Set<Handle>(), parties: () => [] }
  const obstacles = new Obstacles({
    role: 'node',
    party: process,
    directory: known,
    dir: '.',
    clock: systemClock,
    certificate: () => undefined,
    aheadMs: () => new Map(),
    webhooksFailing: () => 0,
    logger,
    ...more,
  })
  const codes = () => {
    const all = obstacles.all(0)
    for (const { code } of all) named.add(code)
    return all.map(({ code }) => code)
  }
  return { obstacles, codes, lines }
}

t.test('a party that signs twice, and whoever covers what is not held here', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo') as [Player, Player, Player]
  const before = ben.state
  const one = ben.proposes('0.0', 'one')
  ben.state = before
  const other = ben.proposes('0.0', 'other')
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
  const [ana, ben] = market('ana', 'ben') as [Player, Player]
  const { privateKey: old } = ben
  ana.hears(ben.rotates())
  const [withOld, withNew] = [await nodeOf(t, { ...playerOf(ben), privateKey: old }), await nodeOf(t, ben)]
  for (const live of [withOld, withNew]) await live.deliver(allOf(ana))
  t.same(codesIn(withOld), ['key_missing'])
  t.same(codesIn(withNew), [])
})

t.test('a head that is not that of the ledger', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo') as [Player, Player, Player]
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
  const [first, then] = market('ana', 'ben', 'cleo') as [Player, Player, Player]
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
  const [ana, ben] = market('ana', 'ben') as [Player, Player]
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
  const [ana, ben] = market('ana', 'ben') as [Player, Player]
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
  const players = marketOf([
    new Player('ana', undefined, undefined, both),
    new Player('ben', undefined, undefined, both),
  ])
  const [ana, ben] = players as [Player, Player]
  const live = await nodeOf(t, ana, memoryGuard())
  for (const player of players) {
    player.requests({ type: 'UpgradeEngine', to: 2 })
    talk(players, owes)
  }
  await live.deliver(allOf(ben))
  t.same(codesIn(live), ['engine_unknown'])
})

t.test('values that everybody has agreed on, and that are missing', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo') as [Player, Player, Player]
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

t.test('the machine: disk, clock, certificate; each said once in the log, and when it is over', async (t) => {
  const ana = await new EdgelessParty(t).start()
  let aheadMs = new Map<Handle, number>()
  const ahead = (...all: number[]) => {
    aheadMs = new Map(all.map((ms, n) => [`peer-${n}` as Handle, ms]))
  }
  let now = systemClock.now()
  const clock = { ...systemClock, now: () => now }
  const certificate = () => tlsIdentity('ana').certificate
  let failing = 0
  // A file system without room.
  const { obstacles, codes, lines } = sayingOf(ana, {
    dir: '/proc',
    clock,
    aheadMs: () => aheadMs,
    certificate,
    webhooksFailing: () => failing,
  })
  await obstacles.start()
  obstacles.close()
  t.same(codes(), ['disk_full'])
  for (const all of [[60_000, -400, 61_000], [60_000], [-60_000], [-60_000, 60_000], [60_000, 61_000]]) {
    ahead(...all)
    t.same(codes(), ['disk_full', 'clock_off'], `${all}`)
  }
  for (const all of [[60_000, -400, 300], [60_000, -400], [-60_000, 300], []]) {
    ahead(...all)
    t.same(codes(), ['disk_full'], `${all}: one that disagrees with the others says nothing of this clock`)
  }
  failing = 2
  t.same(codes(), ['disk_full', 'webhook_failing'])
  failing = 0
  for (const years of [-100, 200]) {
    now += years * 365 * 24 * 60 * 60 * 1000
    t.same(codes(), ['disk_full', 'certificate_invalid'], 'not valid yet, or no more')
  }
  t.same(
    lines.map(({ obstacle }) => obstacle),
    ['disk_full'],
  )
  t.same(
    obstacles.counts().map(({ code, party, count }) => [code, party, count]),
    [
      ['disk_full', '', 1],
      ['certificate_invalid', '', 1],
    ],
  )
})

t.test('a way that is cut is said of the party, and a wait only after a while, and not beside it', async (t) => {
  const [ana, ben] = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')]
  const [one, other] = [await ana.start(), await ben.start()]
  const link = new Link([one, ana], [other, ben])
  const uid: Uid = await together(one, other)
  const directory = {
    byHandle: () => ({ card: ben.card }),
    handles: () => new Set([ben.card.handle]),
    parties: () => [],
  } as unknown as ObstaclesPorts['directory']
  const { obstacles } = sayingOf(one, { directory })
  t.same(obstacles.all(0), [])
  link.isUp = false
  await one.contracts.use(uid, async (live) => {
    const command = { type: 'AddField', parent: '0', name: 'C', field: { type: 'text' } }
    await live.submit({ request: { id: 'c', commands: [command] }, payloads: {} }).signed
    await until('the call to fail', async () => one.gossip.troubles().size > 0)
    t.match(obstacles.all(0), [{ code: 'party_unreachable', parties: ['ben'], contract: null }])
    t.match(obstacles.of(live), [{ code: 'party_unreachable', parties: ['ben'], contract: uid }])
    link.isUp = true
    await until('it is over', async () => obstacles.all(0).length === 0)
  })
})

const MADE_UP = 2

/** A contract of mallory and of members that she has made up, in which ben is invited, or a member. */
function madeUp(ben: PartyCard, joins?: Player): Player[] {
  const uid = contractFoundedBy('mallory')
  const players = ['mallory', ...Array.from({ length: MADE_UP }, (_, n) => `made-up-${n}`)].map(
    (handle) => new Player(handle, undefined, uid),
  )
  marketOf(joins === undefined ? players : [...players, joins])
  const [mallory] = players as [Player]
  if (joins === undefined) mallory.requests({ type: 'InviteParty', party: ben })
  talk(players, owes)
  return players
}

t.test('members that somebody has made up are no obstacles as long as this party has not joined them', async (t) => {
  const bens = new EdgelessParty(t, 'ben')
  const ben = await bens.start()
  const [mallory] = madeUp(bens.card) as [Player]
  const contract = mallory.contract
  await ben.contracts.begin(contract, allOf(mallory), mallory.handle)
  await ben.contracts.use(contract, (live) => live.deliver(allOf(mallory)))
  const { obstacles } = sayingOf(ben)
  const standing = (await ben.contracts.summaries()).map(({ standing, members }) => [standing, members.length])
  t.same(standing, [['invited', MADE_UP + 1]])
  t.same(obstacles.all(0), [])
  t.same(obstacles.counts(), [])
})

t.test('and then they are one line of the log, and one series of the metric', async (t) => {
  const joined = new Player('ben', undefined, contractFoundedBy('mallory'))
  const [mallory] = madeUp(joined.card, joined) as [Player]
  const bens = new EdgelessParty(t, 'ben')
  Object.assign(bens, { card: joined.card })
  const ben = await bens.start('node', { signer: keySigner(joined.privateKey) })
  await ben.contracts.begin(mallory.contract, allOf(mallory), mallory.handle)
  await ben.contracts.use(mallory.contract, (live) => live.deliver(allOf(mallory)))
  const metrics = new Metrics(systemClock)
  t.teardown(metrics.watch(ben.contracts, () => new Set([joined.handle])))
  const { obstacles, lines } = sayingOf(ben)
  await obstacles.start()
  obstacles.close()
  const said = lines.filter(({ obstacle }) => obstacle === 'party_not_approved')
  t.match(said, [{ count: MADE_UP + 1, parties: ['mallory', 'made-up-0', 'made-up-1'] }])
  t.equal(said.length, 1)
  const counted = obstacles.counts().filter(({ code }) => code === 'party_not_approved')
  t.same(counted, [{ code: 'party_not_approved', party: '', count: MADE_UP + 1 }])
  const { text } = await metrics.expose()
  const labels = [...text.matchAll(/^concordata_(?:waiting_for|member_lag_entries)\{party="(.*)"\}/gm)]
  t.same([...new Set(labels.map(([, party]) => party))], [''])
})

t.test('what was given up of what others have brought is told for a while, with how much it was', async (t) => {
  const clock = new VirtualClock()
  const bens = new EdgelessParty(t, 'ben')
  const ben = await bens.start('node', { unaskedBounds: { ofPartyMax: 2, inAllMax: 4 } })
  const directory = { byHandle: () => undefined, givenUp: 0, handles: () => new Set<Handle>(), parties: () => [] }
  const { obstacles, codes, lines } = sayingOf(ben, { clock, directory })
  const brings = async (n: number) => {
    const mallory = new Player('mallory', undefined, contractFoundedBy('mallory', n))
    mallory.requests(mallory.opening())
    await ben.contracts.begin(mallory.contract, allOf(mallory), mallory.handle)
  }
  for (const n of [1, 2]) await brings(n)
  t.same(codes(), [])
  for (const n of [3, 4]) await brings(n)
  ben.contracts.reorderBuffer.gaveUp('cleo' as Handle, 7)
  directory.givenUp = 5
  t.same(codes(), ['unasked_given_up', 'ahead_given_up', 'introductions_given_up'])
  await obstacles.start()
  t.match(lines, [
    { obstacle: 'unasked_given_up', parties: ['mallory'], givenUp: 2 },
    { obstacle: 'ahead_given_up', parties: ['cleo'], givenUp: 7 },
    { obstacle: 'introductions_given_up', parties: [], givenUp: 5 },
  ])
  await clock.runUntil(clock.now() + 300_000)
  ben.contracts.reorderBuffer.gaveUp('cleo' as Handle, 3)
  t.match(obstacles.all(0), [{ givenUp: 2 }, { givenUp: 10 }, { givenUp: 5 }])
  t.equal(lines.length, 3, 'once')
  await clock.runUntil(clock.now() + 400_000)
  t.same(codes(), ['ahead_given_up'])
  await clock.runUntil(clock.now() + 400_000)
  t.same(codes(), [])
  obstacles.close()
})

t.test('everything in the table is brought about, here or on nodes', (t) => {
  t.same([...new Set([...named, ...onNodes])].sort(), [...obstacleCodes].sort())
  const seen = Object.values(obstacleKinds).flatMap(({ elsewhere }) => elsewhere ?? [])
  t.same(
    seen.filter((code) => !obstacleCodes.includes(code)),
    [],
  )
  t.end()
})
