import t, { type Test } from 'tap'
import { receive } from '../../../src/agreement/receive.ts'
import { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import type { Handle } from '../../../src/events/ids.ts'
import { decodeSigned, type SignedStatement } from '../../../src/events/statement-codec.ts'
import { Credits, REFUSED_AT_ONCE_MAX, REFUSED_PER_SECOND } from '../../../src/gossip/credit.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { EventLoopTurns } from '../../../src/runtime/event-loop-turns.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'
import { strainOf } from '../../support/event-loop.ts'
import { fullState } from '../../support/full-state.ts'
import { allOf, CONTRACT, market, type Player } from '../../support/market.ts'

const BUSY_MAX_MS = 1_000
const FORKS = 3_000
const BEN = 'ben' as Handle

async function nodeOf(t: Test, ben: Player, statements: readonly SignedStatement[]): Promise<LiveContract> {
  const live = await LiveContract.open(CONTRACT, BEN, 'ana' as Handle, {
    store: openMemoryStore(),
    clock: systemClock,
    random: systemRandom,
    signer: keySigner(ben.privateKey),
    turns: new EventLoopTurns(),
  })
  t.teardown(() => live.close())
  await live.deliver(statements)
  return live
}

/** Other statements for a place of the author's feed, each signed by it. */
function forksOf(author: Player, said: SignedStatement, count: number): SignedStatement[] {
  const time = (nth: number) => `2026-01-01T00:00:00.${String(nth % 1000).padStart(3, '0')}Z`
  return Array.from({ length: count }, (_, nth) =>
    decodeSigned(
      author.forges(said, (statement) => {
        statement.time = time(nth)
        const [request] = statement.requests as { id: string }[]
        if (request !== undefined) request.id = `fork ${nth}`
      }),
    ),
  )
}

/** The same, signed by nobody. */
function unsigned(statements: readonly SignedStatement[]): SignedStatement[] {
  return statements.map((decoded, nth) => ({
    ...decoded,
    signature: `ed25519:${Buffer.from(`${nth}`.padEnd(64, '.')).toString('base64url')}`,
  }))
}

t.test('of thousands of forks that a party signs one convicts it, and no other is looked at', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const said = ana.proposes('0.0', 'x')
  const live = await nodeOf(t, ben, allOf(ana))
  const forks = forksOf(ana, said, FORKS)
  const credits = new Credits(new VirtualClock())
  let refused = 0
  const began = process.cpuUsage()
  const { busyMs } = await strainOf(async () => {
    refused = (await live.deliver(forks, credits.of('ana' as Handle))).refused.length
  })
  const cpuMs = process.cpuUsage(began).user / 1_000
  t.equal(live.evidence.length, 1)
  t.equal(refused, 0)
  t.equal(receive(fullState(live.state), forks).equivocations.length, 1)
  t.equal(receive(fullState(live.state), forks, BEN, new Set(['ana' as Handle])).equivocations.length, 0)
  t.ok(busyMs < BUSY_MAX_MS, `deaf for ${busyMs} ms`)
  t.ok(cpuMs < FORKS / 4, `${cpuMs} ms, where verifying each takes ${FORKS / 4} at least`)
})

t.test('forks that nobody has signed use up the credit of who brings them, and no more is looked at', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const said = ana.proposes('0.0', 'x')
  const live = await nodeOf(t, ben, allOf(ana))
  const clock = new VirtualClock()
  const credits = new Credits(clock)
  const credit = credits.of('mallory' as Handle)
  const forged = unsigned(forksOf(ana, said, FORKS))
  const deliver = async () => {
    let refused = 0
    const { busyMs } = await strainOf(async () => {
      refused = (await live.deliver(forged, credit)).refused.length
    })
    t.ok(busyMs < BUSY_MAX_MS, `deaf for ${busyMs} ms`)
    return refused
  }
  const first = await deliver()
  t.ok(first >= REFUSED_AT_ONCE_MAX && first < 2 * REFUSED_AT_ONCE_MAX, `${first} were looked at`)
  t.equal(await deliver(), 0)
  t.ok(credits.waitMs('mallory' as Handle) > 0)
  await clock.runUntil(clock.now() + (2 * REFUSED_AT_ONCE_MAX * 1_000) / REFUSED_PER_SECOND)
  t.ok((await deliver()) > 0, 'with time it has credit again')
  t.equal(live.evidence.length, 0)
})

t.test('nor do statements that are next in a feed, or run ahead of it, and that nobody has signed', async (t) => {
  for (const isAhead of [false, true]) {
    const [ana, ben] = market('ana', 'ben')
    const before = allOf(ana)
    if (isAhead) ana.says()
    const next = ana.proposes('0.0', 'x')
    const live = await nodeOf(t, ben, before)
    const credits = new Credits(new VirtualClock())
    const forged = unsigned(forksOf(ana, next, 1_000))
    const { busyMs } = await strainOf(() => live.deliver(forged, credits.of('mallory' as Handle)))
    t.ok(credits.waitMs('mallory' as Handle) > 0)
    t.ok(busyMs < BUSY_MAX_MS, `deaf for ${busyMs} ms`)
    await live.deliver(allOf(ana), credits.of('ana' as Handle))
    t.equal(live.state.feeds.get('ana' as Handle)?.last()?.hash, next.hash, 'what an honest party brings is taken')
  }
})

t.test('who carries the statements of a member that forges is not put off for it', async (t) => {
  const [ana, ben, mallory] = market('ana', 'ben', 'mallory')
  const live = await nodeOf(t, ben, allOf(ana))
  const credits = new Credits(new VirtualClock())
  for (let nth = 0; nth < 2 * REFUSED_AT_ONCE_MAX; nth++) {
    // Ana takes in what is valid, and a proof of what is forked; that is all she carries on.
    const said = mallory.says()
    const [fork] = forksOf(mallory, said, 1) as [SignedStatement]
    ana.hears(said, ...unsigned([said]), fork)
    await live.deliver([said, fork], credits.of('ana' as Handle))
  }
  t.equal(credits.waitMs('ana' as Handle), 0)
  t.equal(live.state.feeds.get('mallory' as Handle)?.size, mallory.seq)
})

t.test('thousands of statements that are good are taken in without holding up others', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const before = allOf(ana)
  const said = Array.from({ length: 2_000 }, (_, nth) => ana.proposes('0.0', `value ${nth}`))
  const live = await nodeOf(t, ben, before)
  const { busyMs } = await strainOf(() => live.deliver(said, new Credits(new VirtualClock()).of('ana' as Handle)))
  t.equal(live.state.feeds.get('ana' as Handle)?.size, ana.seq)
  t.ok(busyMs < BUSY_MAX_MS, `deaf for ${busyMs} ms`)
})
