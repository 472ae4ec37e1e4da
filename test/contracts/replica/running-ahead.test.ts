import t from 'tap'
import { runningAhead, WAITING_MAX } from '../../../src/contracts/replica/inbound/running-ahead.ts'
import { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { DoubleSignProtection } from '../../../src/contracts/signing/double-sign-protection.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import type { Handle } from '../../../src/events/ids.ts'
import type { SignedStatement } from '../../../src/events/statement-codec.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { allOf, CONTRACT, market, type Player } from '../../support/market.ts'

const BEN = 'ben' as Handle
const all = () => true

/** As far as room is concerned. */
function statements(party: string, count: number, characters: number): SignedStatement[] {
  return Array.from({ length: count }, (_, seq) => {
    const parts = { statement: { party, seq }, hash: `${party} ${seq}`, signature: 'good' }
    return { ...parts, text: 'x'.repeat(characters - 2), payloads: {} } as unknown as SignedStatement
  })
}

function numbers(kept: readonly SignedStatement[]): Record<string, number> {
  const of = Map.groupBy(kept, ({ statement }) => statement.party)
  return Object.fromEntries([...of].map(([party, some]) => [party, some.length]))
}

function unsigned(decoded: SignedStatement): SignedStatement {
  return { ...decoded, signature: `ed25519:${'A'.repeat(85)}Q` }
}

/** Ben's node, that has lost everything but its guard, and got it back from the others. */
async function nodeOf(ben: Player) {
  const guard = memoryGuard()
  await (await DoubleSignProtection.open(ben.state, BEN, guard, true)).advance(ben.state)
  const live = await LiveContract.open(CONTRACT, BEN, 'ana' as Handle, {
    store: openMemoryStore(),
    clock: systemClock,
    random: systemRandom,
    signer: keySigner(ben.privateKey),
    guard,
  })
  await live.deliver(allOf(ben))
  live.idle()
  await live.settleDown()
  t.teardown(() => live.close())
  return live
}

t.test('what runs ahead waits if its party has signed it; what anybody could make up does not', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const live = await nodeOf(ben)
  const [first, second] = [ana.says(), ana.says()]
  const madeUp = { ...second, statement: { ...second.statement, party: 'nobody' as Handle } }
  await live.deliver([unsigned(second), madeUp])
  t.same([...live.waitingOf(ana.handle), ...live.waitingOf('nobody' as Handle)], [])
  await live.settleDown()
  t.ok(live.mayRest, 'it keeps no contract in memory')
  await live.deliver([second])
  t.same(live.waitingOf(ana.handle), [second])
  await live.deliver([unsigned(second)])
  t.same(live.waitingOf(ana.handle), [second], 'nor does it take the place of what is signed')
  await live.deliver([first])
  t.same(live.waitingOf(ana.handle), [])
  t.equal(live.state.feeds.get(ana.handle)?.last()?.hash, second.hash)
  await live.settleDown()
  t.ok(live.mayRest)
})

t.test('the statement that the guard knows waits, under whatever key it was signed', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const before = allOf(ana)
  const rotation = ben.rotates()
  const last = ben.says()
  const guard = memoryGuard()
  await (await DoubleSignProtection.open(ben.state, BEN, guard, true)).advance(ben.state)
  const ports = { store: openMemoryStore(), clock: systemClock, random: systemRandom, guard }
  const live = await LiveContract.open(CONTRACT, BEN, ana.handle, { ...ports, signer: keySigner(ben.privateKey) })
  t.teardown(() => live.close())
  await live.deliver(before)
  t.equal(live.obstacle, 'store_set_back')
  t.same(
    live.waitingOf(BEN).map(({ hash }) => hash),
    [last.hash],
  )
  await live.deliver([rotation])
  t.equal(live.obstacle, undefined)
})

t.test('many small ones have no more room', (t) => {
  const loud = statements('mallory', 10_000, 10)
  const { kept } = runningAhead([...loud, ...statements('ana', 3, 100), ...statements('ben', 5, 1000)], [], BEN, all)
  t.equal(kept.length, WAITING_MAX)
  t.match(numbers(kept), { ben: 5, ana: 3 })
  t.end()
})

t.test('few signatures that are not good are looked at in one turn, and those that were good never again', (t) => {
  const known = statements('ana', 100, 10)
  let looked = 0
  const none = () => {
    looked++
    return false
  }
  const { kept } = runningAhead([...known, ...statements('mallory', 1_000, 10)], known, BEN, none)
  t.same(kept, known)
  t.equal(looked, 64)
  t.end()
})
