import t from 'tap'
import { frontierOf } from '../../src/agreement/feeds.ts'
import { memoryGuard } from '../../src/contracts/guard.ts'
import { LiveContract } from '../../src/contracts/live-contract.ts'
import { generateKeyPair } from '../../src/crypto/ed25519.ts'
import { keySigner } from '../../src/crypto/signer.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openMemoryStore } from '../../src/store/memory-store.ts'
import { allOf, CONTRACT, market, type Player } from '../support/market.ts'

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
