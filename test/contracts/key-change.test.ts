import t from 'tap'
import { feedOf, frontierOf } from '../../src/agreement/feeds.ts'
import type { Held } from '../../src/agreement/held.ts'
import { BATCH_STATEMENTS_MAX } from '../../src/contracts/batches.ts'
import { memoryGuard } from '../../src/contracts/guard.ts'
import { LiveContract } from '../../src/contracts/live-contract.ts'
import { generateKeyPair } from '../../src/crypto/ed25519.ts'
import { keySigner } from '../../src/crypto/signer.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openMemoryStore } from '../../src/store/memory-store.ts'
import { allOf, CONTRACT, market, overTheWire, Player } from '../support/market.ts'

/** Cleo's contract as her node lives it. All signers are there, in the order given. */
async function lifeOf(cleo: Player, others: readonly Player[], keys: readonly ReturnType<typeof generateKeyPair>[]) {
  const signers = keys.map(({ privateKey }) => keySigner(privateKey))
  const [ana] = others as [Player]
  const live = await LiveContract.open(CONTRACT, cleo.handle, ana.handle, {
    store: openMemoryStore(),
    signer: keySigner(cleo.privateKey),
    signerOf: (publicKey) => signers.find((signer) => signer.publicKey === publicKey),
    clock: { now: () => 0, after: () => () => {} },
    random: systemRandom,
    guard: memoryGuard(),
  })
  await live.deliver(allOf(ana))
  for (const other of others) live.heard(other.handle, frontierOf(other.state.feeds))
  await live.deliver([])
  t.equal(live.obstacle, undefined)
  return live
}

const changesIn = (live: LiveContract) => live.state.keys.later.get(live.self)?.map(({ isTakeover }) => isTakeover)

t.test('a key is rotated when that is asked for', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo') as [Player, Player, Player]
  const next = generateKeyPair()
  const live = await lifeOf(cleo, [ana, ben], [next])
  live.rotate(next.publicKey)
  await live.deliver([])
  t.same(changesIn(live), [false])
  await live.close()
})

t.test('a key that is being revoked is not rotated any more: the takeover comes in its place', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo') as [Player, Player, Player]
  const [next, other] = [generateKeyPair(), generateKeyPair()]
  const revocation = cleo.revocation(next)
  const live = await lifeOf(cleo, [ana, ben], [next, other])
  await live.deliver([ana.says({ key: { hold: revocation } })])
  live.rotate(other.publicKey)
  await live.deliver([])
  t.equal(changesIn(live), undefined, 'ben has not said yet what he holds')
  await live.deliver([ben.says({ key: { hold: revocation } })])
  t.same(changesIn(live)?.at(0), true)
  await live.close()
})

t.test(
  'what a thief has signed under a key of its own is taken with the word that lets it through, however much it is',
  async (t) => {
    const [ana, ben, cleo] = market('ana', 'ben', 'cleo') as [Player, Player, Player]
    const next = generateKeyPair()
    const live = await lifeOf(cleo, [ana, ben], [])
    const revocation = ana.revocation(next)
    const thief = Object.assign(new Player('thief'), { handle: ana.handle, card: ana.card, privateKey: ana.privateKey })
    thief.state = ana.state
    live.revoked(revocation)
    await live.deliver([])
    const [hold] = [...feedOf(live.state.feeds, cleo.handle).kept].slice(-1)
    thief.rotates()
    for (let n = 0; n < 2 * BATCH_STATEMENTS_MAX; n++) thief.proposes('0.0', `theft ${n}`)
    // Ben has taken all of it before he says that he takes no more.
    ben.hears(...allOf(thief))
    ben.says({ key: { hold: revocation } })
    ben.hears(overTheWire(hold as Held))
    ana.state = thief.state
    ana.hears(...allOf(ben))
    ana.takesOver(revocation, next)
    let spent = 0
    const credit = { peer: ben.handle, isSpent: false, spend: (count: number) => (spent += count) }
    await live.deliver(allOf(ana), credit)
    t.equal(feedOf(live.state.feeds, ana.handle).size, feedOf(ana.state.feeds, ana.handle).size)
    t.equal(spent, 0, 'who carries it is honest')
    await live.close()
  },
)
