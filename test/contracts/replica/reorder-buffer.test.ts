import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { ReorderBuffer } from '../../../src/contracts/replica/inbound/reorder-buffer.ts'
import { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import type { Handle, Uid } from '../../../src/events/ids.ts'
import type { SignedStatement } from '../../../src/events/statement-codec.ts'
import { Credits } from '../../../src/gossip/credit.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'
import { allOf, CONTRACT, contractFoundedBy, market, marketOf, Player } from '../../support/market.ts'

t.setTimeout(240_000)

const KILO = 1024
const [ANA, BEN, MALLORY] = ['ana', 'ben', 'mallory'] as [Handle, Handle, Handle]
const uid = (nth: number) => contractFoundedBy('ana', nth)

/** As far as room is concerned. */
function ahead(count: number, characters: number): SignedStatement[] {
  return Array.from({ length: count }, (_, seq) => {
    const parts = { statement: { party: 'x', seq, clock: seq }, text: 'x'.repeat(characters), payloads: {} }
    return parts as unknown as SignedStatement
  })
}

function seqsIn(room: ReorderBuffer, contract: Uid): number[] {
  return room.waitingIn(contract).map(({ statement }) => statement.seq)
}

t.test('what many contracts hold together is bounded, whoever brings it', async (t) => {
  const room = new ReorderBuffer(256 * KILO)
  for (let nth = 0; nth < 100; nth++) {
    room.keep(uid(nth), ahead(10, 10 * KILO), () => MALLORY)
    t.ok(room.bytes <= 256 * KILO)
  }
  t.same([...room.givenUp.keys()], [MALLORY])
  t.ok((room.givenUp.get(MALLORY) ?? 0) > 900)
  t.same(seqsIn(room, uid(0)), [], 'the oldest contract goes first')
  t.equal(seqsIn(room, uid(99)).length, 10)
  for (let nth = 0; nth < 100; nth++) room.leave(uid(nth))
  t.equal(room.bytes, 0)
})

t.test('what one party brings takes no room from another, in the same contract or elsewhere', async (t) => {
  const room = new ReorderBuffer(256 * KILO)
  const hers = ahead(5, 10 * KILO)
  room.keep(uid(1), hers, () => ANA)
  for (let nth = 2; nth < 50; nth++) room.keep(uid(nth), ahead(10, 10 * KILO), () => MALLORY)
  room.keep(uid(1), [...hers, ...ahead(50, 10 * KILO)], () => MALLORY)
  t.same(room.waitingIn(uid(1)).slice(0, 5), hers)
  t.ok(room.bytes <= 256 * KILO)
})

t.test('of one contract those stay that can be taken in first', async (t) => {
  const room = new ReorderBuffer(64 * KILO)
  room.keep(uid(1), ahead(50, 10 * KILO), () => ANA)
  t.same(seqsIn(room, uid(1)), [0, 1, 2, 3, 4])
})

t.test('who catches up gets on while others have filled the room', async (t) => {
  const room = new ReorderBuffer(64 * KILO)
  for (let nth = 0; nth < 9; nth++) room.keep(uid(nth), ahead(10, 10 * KILO), () => MALLORY)
  const [ana, ben] = market('ana', 'ben')
  const before = allOf(ana)
  const said = Array.from({ length: 100 }, (_, nth) => ana.proposes('0.0', `${nth} ${'x'.repeat(5 * KILO)}`))
  const live = await LiveContract.open(CONTRACT, BEN, ANA, {
    store: openMemoryStore(),
    clock: systemClock,
    random: systemRandom,
    signer: keySigner(ben.privateKey),
    reorderBuffer: room,
  })
  t.teardown(() => live.close())
  await live.deliver(before)
  const credit = new Credits(new VirtualClock()).of(ANA)
  // The last first: nearly all of it runs ahead.
  for (let rounds = 0; rounds < 100 && (live.state.feeds.get(ANA)?.size ?? 0) < ana.seq; rounds++) {
    const held = live.state.feeds.get(ANA)?.size ?? 0
    const lacking = said.filter(({ statement }) => statement.seq >= held).reverse()
    for (let at = 0; at < lacking.length; at += 10) await live.deliver(lacking.slice(at, at + 10), credit)
    t.ok((live.state.feeds.get(ANA)?.size ?? 0) > held, 'each round brings it on')
    t.ok(room.bytes <= 64 * KILO)
  }
  t.equal(live.state.feeds.get(ANA)?.size, ana.seq)
})

t.test('what it counts is what the heap has, whatever the statements consist of', async (t) => {
  const program = new URL('../../support/statements-in-memory.ts', import.meta.url).pathname
  for (const shape of ['text', 'other scripts', 'names', 'objects', 'arrays', 'small']) {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program, shape])
    const { counted, measured } = JSON.parse(stdout)
    t.ok(measured < 1.25 * counted, `${shape}: ${measured} in memory, ${counted} counted`)
    t.ok(counted < 6 * measured, `${shape}: ${counted} counted, ${measured} in memory`)
  }
})

t.test('contracts of one process share the room, whoever is a member of them', async (t) => {
  const room = new ReorderBuffer(256 * KILO)
  const lives: LiveContract[] = []
  for (let nth = 0; nth < 8; nth++) {
    const [ana, ben] = marketOf([new Player('ana', undefined, uid(nth)), new Player('ben', undefined, uid(nth))]) as [
      Player,
      Player,
    ]
    const live = await LiveContract.open(uid(nth), BEN, ANA, {
      store: openMemoryStore(),
      clock: systemClock,
      random: systemRandom,
      signer: keySigner(ben.privateKey),
      reorderBuffer: room,
    })
    lives.push(live)
    t.teardown(() => live.close())
    await live.deliver(allOf(ana))
    ana.says()
    const said = Array.from({ length: 10 }, () => ana.proposes('0.0', 'x'.repeat(10 * KILO)))
    await live.deliver(said, new Credits(new VirtualClock()).of(MALLORY))
    t.ok(room.bytes <= 256 * KILO)
  }
  t.same(lives[0]?.waitingOf(ANA), [])
  t.equal(lives[7]?.waitingOf(ANA).length, 10)
  await lives[7]?.close()
  t.same(lives[7]?.waitingOf(ANA), [])
})
