import t from 'tap'
import { frontierOf } from '../../src/agreement/feeds.ts'
import type { Frontier } from '../../src/events/statement.ts'
import { Courier } from '../../src/gossip/courier.ts'
import { Knowledge } from '../../src/gossip/knowledge.ts'
import { decodeMessage, encodeMessage } from '../../src/gossip/message.ts'
import type { Participant } from '../../src/gossip/participant.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { CONTRACT, market, type Player } from '../support/market.ts'

const standingClock: Clock = { now: () => 0, after: () => () => {} }

/** One contract of the player, and a courier from it to the peer, whose answers are given. */
function courierBetween(self: Player, peer: Player) {
  const heard: Frontier[] = []
  const participant: Participant = {
    contract: CONTRACT,
    self: self.handle,
    get state() {
      return self.state
    },
    hasUnsettled: false,
    words: [],
    evidence: [],
    unheard: [],
    waitingOf: () => [],
    heard: (_, frontier) => heard.push(frontier),
    deliver: async () => ({ refused: [] }),
    wake() {},
  }
  let idle = Promise.withResolvers<void>()
  let answer: ReadonlyMap<typeof CONTRACT, Frontier> = new Map()
  const bodies: string[] = []
  const knowledge = new Knowledge(peer.handle)
  const courier = new Courier(
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
      participants: { get: () => participant, all: () => [participant], begin: async () => undefined, took() {} },
      clock: standingClock,
      random: { bytes: (size) => new Uint8Array(size), fraction: () => 0 },
      timing: { retryMs: 1, retryMaxMs: 1 },
      async take(_, { frontiers, statements }) {
        for (const [contract, frontier] of frontiers) knowledge.told(contract, frontier, statements)
      },
      failed: (_, error) => idle.reject(error),
      idle: () => idle.resolve(),
    },
  )
  return {
    heard,
    /** How many statements went to a peer that then answers with what it holds, or passes the contract over. */
    async call(holds: Frontier | undefined): Promise<number> {
      answer = new Map(holds === undefined ? [] : [[CONTRACT, holds]])
      idle = Promise.withResolvers()
      bodies.length = 0
      courier.urge(CONTRACT)
      await idle.promise
      return decodeMessage(bodies[0] as string).statements.length
    },
  }
}

t.test('a peer is sent what it lacks, once, and everything again when it was set back', async (t) => {
  const [ana, ben] = market('ana', 'ben') as [Player, Player]
  const all = [...ana.state.feeds.values()].reduce((sum, feed) => sum + feed.size, 0)
  const courier = courierBetween(ana, ben)
  t.equal(await courier.call(frontierOf(ana.state.feeds)), all)
  t.equal(await courier.call(undefined), 0, 'it holds all that there is; but it does not speak of the contract')
  t.same(courier.heard, [frontierOf(ana.state.feeds), {}], 'so it holds nothing')
  t.equal(await courier.call(frontierOf(ana.state.feeds)), all)
  t.equal(await courier.call(frontierOf(ana.state.feeds)), 0)
})
