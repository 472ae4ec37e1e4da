import t from 'tap'
import { frontierOf } from '../../src/agreement/feeds.ts'
import { decodeSigned } from '../../src/events/statement-codec.ts'
import { PeerKnowledge } from '../../src/gossip/peer-knowledge.ts'
import { CONTRACT, market, type Player } from '../support/market.ts'

const ROOM = 1_000_000

t.test('what came to a peer from others is not sent to it once more', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const knowledge = new PeerKnowledge(cleo.handle)
  knowledge.told(CONTRACT, frontierOf(cleo.state.feeds), [])
  t.notOk(knowledge.lacksNews(ben.state))
  const change = ana.proposes('0.0', 'new')
  ben.hears(change)
  t.ok(knowledge.lacksNews(ben.state))
  cleo.hears(change)
  ben.hears(cleo.says())
  t.notOk(knowledge.lacksNews(ben.state), 'its answer covers the change, so it had stored that')
  t.strictSame(knowledge.takeLines(ben.state, ROOM), [])
})

t.test('what a peer no longer holds is sent to it, although it has once signed for it', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const backup = frontierOf(cleo.state.feeds)
  const change = ana.proposes('0.0', 'new')
  ben.hears(change)
  cleo.hears(change)
  ben.hears(cleo.says())
  const knowledge = new PeerKnowledge(cleo.handle)
  knowledge.told(CONTRACT, backup, [])
  t.equal(knowledge.takeLines(ben.state, ROOM).length, 2, 'the change, and its own answer')
})

t.test('a proof is shown once, and again where it may not have arrived, or nothing is known any more', async (t) => {
  const [ana, ben] = market('ana', 'ben', 'cleo')
  const said = ana.proposes('0.0', 'one')
  const branch = ana.forges(said, (statement) => {
    statement.time = '2026-01-01T00:00:01.000Z'
  })
  ben.hears(said)
  const { equivocations } = ben.hears(decodeSigned(branch))
  t.equal(equivocations.length, 1)
  const knowledge = new PeerKnowledge('cleo' as Player['handle'])
  const shown = () => knowledge.takeProofs(CONTRACT, equivocations).length
  t.equal(shown(), 2)
  t.equal(shown(), 0)
  knowledge.forget(CONTRACT)
  t.equal(shown(), 2, 'the call failed')
  t.equal(shown(), 0)
  knowledge.drop(CONTRACT)
  t.ok(knowledge.lacksProof(CONTRACT, equivocations), 'the contract has been passivated')
  t.equal(shown(), 2)
  const accused = new PeerKnowledge('ana' as Player['handle'])
  t.ok(accused.lacksProof(CONTRACT, equivocations), 'whose key it was may not know of it')
  t.equal(accused.takeProofs(CONTRACT, equivocations).length, 2)
})

t.test(
  'what a peer held is compared when it says so: once that is pruned it would take the whole history',
  async (t) => {
    const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
    const first = ana.proposes('0.0', 'one')
    for (const one of [ben, cleo]) one.hears(first)
    const told = frontierOf(cleo.state.feeds)
    const [compared, uncompared] = [new PeerKnowledge(cleo.handle), new PeerKnowledge(cleo.handle)] as const
    for (const knowledge of [compared, uncompared]) knowledge.told(CONTRACT, told, [])
    compared.compare(ben.state)
    const change = ana.proposes('0.0', 'two')
    ben.hears(change)
    const feeds = ben.state.feeds.map((feed) => feed.forgetting(feed.size - 1))
    const pruned = { ...ben.state, feeds }
    t.strictSame(
      compared.takeLines(pruned, ROOM).map((line) => decodeSigned(line).hash),
      [change.hash],
    )
    t.throws(() => uncompared.takeLines(pruned, ROOM), { message: /left out of memory/ })
  },
)

t.test('a place at which nothing was held is compared again, and what differs there is shown', async (t) => {
  const [ana, ben] = market('ana', 'ben', 'cleo')
  const said = ana.proposes('0.0', 'one')
  const other = decodeSigned(
    ana.forges(said, (statement) => {
      statement.time = '2026-01-01T00:00:01.000Z'
    }),
  )
  const knowledge = new PeerKnowledge('cleo' as Player['handle'])
  const { party, seq } = other.statement
  knowledge.told(CONTRACT, { ...frontierOf(ben.state.feeds), [party]: { hash: other.hash, seq } }, [])
  knowledge.compare(ben.state)
  ben.hears(said)
  knowledge.compare(ben.state)
  t.strictSame(
    knowledge.takeLines(ben.state, ROOM).map((line) => decodeSigned(line).hash),
    [said.hash],
  )
})
