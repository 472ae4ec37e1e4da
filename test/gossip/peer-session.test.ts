import t from 'tap'
import { frontierOf } from '../../src/agreement/feeds.ts'
import type { Frontier } from '../../src/events/statement.ts'
import { AnsweredWants } from '../../src/gossip/answered-wants.ts'
import { Bulkhead } from '../../src/gossip/bulkhead.ts'
import { decodeMessage, encodeMessage } from '../../src/gossip/message.ts'
import { PeerKnowledge } from '../../src/gossip/peer-knowledge.ts'
import { PeerSession } from '../../src/gossip/peer-session.ts'
import type { ReplicaPort, ReplicasPort } from '../../src/gossip/replica-port.ts'
import { PeerBusy } from '../../src/gossip/transport/peer-errors.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { CONTRACT, market, type Player } from '../support/market.ts'
import { noContents } from '../support/no-contents.ts'

const standingClock: Clock = { now: () => 0, after: () => () => {} }

/** One that is in memory. */
const replicasOf = (replica: ReplicaPort): ReplicasPort => ({
  self: replica.self,
  has: () => true,
  find: () => replica,
  active: () => [replica],
  passive: () => undefined,
  passiveWith: () => [],
  use: (_, work) => work(replica),
  begin: async () => true,
  took: async () => {},
})

/** One contract of the player, and a peer session from it to the peer, whose answers are given. */
function sessionBetween(self: Player, peer: Player) {
  const heard: Frontier[] = []
  const replica: ReplicaPort = {
    contract: CONTRACT,
    self: self.handle,
    get state() {
      return self.state
    },
    settled: 0,
    tier: 3,
    hasUnsettled: false,
    words: [],
    evidence: [],
    awaited: [],
    wants: [],
    holdUp: undefined,
    wantsEntries: undefined,
    entryLines: async () => [],
    holdsUp() {},
    payloadLines: async () => ({ lines: [], lookedUp: 0 }),
    contents: noContents,
    waitingOf: () => [],
    heard: (_, frontier) => heard.push(frontier),
    deliver: async () => ({ refused: [] }),
    wake() {},
    recall: async () => {},
  }
  let idle = Promise.withResolvers<void>()
  let answer: ReadonlyMap<typeof CONTRACT, Frontier> = new Map()
  const bodies: string[] = []
  const knowledge = new PeerKnowledge(peer.handle)
  const session = new PeerSession(
    {
      handle: peer.handle,
      signingKey: peer.card.keys.signing,
      async exchange(body) {
        bodies.push(body)
        return encodeMessage(answer, [], [])
      },
    },
    knowledge,
    {
      replicas: replicasOf(replica),
      clock: standingClock,
      random: { bytes: (size) => new Uint8Array(size), fraction: () => 0 },
      timing: { retryMs: 1, retryMaxMs: 1 },
      async take(_, { frontiers, statements }) {
        for (const [contract, frontier] of frontiers) knowledge.told(contract, frontier, statements)
      },
      failed: (_, error) => idle.reject(error),
      idle: () => idle.resolve(),
      bulkhead: new Bulkhead({ clock: standingClock, failed: (_, error) => idle.reject(error), recovered() {} }),
      answeredWants: new AnsweredWants(standingClock),
    },
  )
  return {
    heard,
    /** How many statements each call has taken along since the last one was asked for. */
    sent: () => bodies.map((body) => decodeMessage(body).statements.length),
    /** How many statements went to a peer that then answers with what it holds, or passes the contract over. */
    async call(holds: Frontier | undefined): Promise<number> {
      answer = new Map(holds === undefined ? [] : [[CONTRACT, holds]])
      idle = Promise.withResolvers()
      bodies.length = 0
      session.urge(CONTRACT)
      await idle.promise
      return decodeMessage(bodies[0] as string).statements.length
    },
  }
}

t.test('a peer is sent what it lacks, once, and everything again when it was set back', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const all = [...ana.state.feeds.values()].reduce((sum, feed) => sum + feed.size, 0)
  const session = sessionBetween(ana, ben)
  t.equal(await session.call(frontierOf(ana.state.feeds)), 0, 'its statements say that it holds everything')
  t.equal(await session.call(undefined), 0, 'it holds all that there is; but it does not speak of the contract')
  t.same(session.heard, [frontierOf(ana.state.feeds), {}], 'so it holds nothing')
  t.equal(await session.call(frontierOf(ana.state.feeds)), all)
  t.equal(await session.call(frontierOf(ana.state.feeds)), 0)
})

t.test('a peer that asks to be called later is left alone until then, and has not failed', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  let now = 0
  let isBusy = true
  const timers: { at: number; run: () => void }[] = []
  let calls = 0
  let idle = Promise.withResolvers<void>()
  const replica = {
    contract: CONTRACT,
    self: ana.handle,
    state: ana.state,
    settled: 0,
    tier: 3 as const,
    hasUnsettled: false,
    words: [],
    evidence: [],
  }
  const whole: ReplicaPort = {
    ...replica,
    awaited: [],
    wants: [],
    holdUp: undefined,
    wantsEntries: undefined,
    entryLines: async () => [],
    holdsUp() {},
    payloadLines: async () => ({ lines: [], lookedUp: 0 }),
    contents: noContents,
    waitingOf: () => [],
    heard() {},
    deliver: async () => ({ refused: [] }),
    wake() {},
    recall: async () => {},
  }
  const session = new PeerSession(
    {
      handle: ben.handle,
      signingKey: ben.card.keys.signing,
      async exchange() {
        calls++
        if (isBusy) throw new PeerBusy('https://ben', 429, 'exchange_rate_limited', 5000)
        return encodeMessage(new Map([[CONTRACT, frontierOf(ben.state.feeds)]]), [], [])
      },
    },
    new PeerKnowledge(ben.handle),
    {
      replicas: replicasOf(whole),
      clock: {
        now: () => now,
        after(delay, run) {
          const timer = { at: now + delay, run }
          timers.push(timer)
          return () => timers.splice(timers.indexOf(timer), 1)
        },
      },
      random: { bytes: (size) => new Uint8Array(size), fraction: () => 0 },
      timing: { retryMs: 1, retryMaxMs: 10 },
      take: async () => {},
      failed: (_, error) => t.fail('counted as a failure', { error }),
      idle: () => idle.resolve(),
      bulkhead: new Bulkhead({ clock: standingClock, failed: (_, error) => idle.reject(error), recovered() {} }),
      answeredWants: new AnsweredWants(standingClock),
    },
  )
  session.urge(CONTRACT)
  await idle.promise
  t.equal(calls, 1)
  t.equal(session.isUnreachable, false)
  await Promise.resolve()
  now = 4999
  session.urge(CONTRACT)
  session.isUp()
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(calls, 1, 'neither news nor a call of its own change that')
  t.same(
    timers.map(({ at }) => at),
    [5000],
  )
  // Its clock is set back; the timer runs all the same.
  now = 1000
  isBusy = false
  idle = Promise.withResolvers()
  for (const { run } of timers.splice(0)) run()
  await idle.promise
  t.equal(calls, 2)
})

t.test('a peer that says that it holds less than its statements say is sent the rest at once', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const all = [...ana.state.feeds.values()].reduce((sum, feed) => sum + feed.size, 0)
  const session = sessionBetween(ana, ben)
  t.equal(await session.call({}), 0)
  t.same(session.sent(), [0, all], 'in a second call, without anybody asking for it')
})
