import t from 'tap'
import { feedOf, frontierOf } from '../../../src/agreement/feeds.ts'
import { receive } from '../../../src/agreement/receive.ts'
import type { VerifiedStatement } from '../../../src/agreement/verified-statement.ts'
import { covers } from '../../../src/agreement/version-vector.ts'
import type { Policy } from '../../../src/contracts/approvals/policy.ts'
import { BATCH_STATEMENTS_MAX } from '../../../src/contracts/replica/inbound/batches.ts'
import { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { generateKeyPair } from '../../../src/crypto/key-pair.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { fullState } from '../../support/full-state.ts'
import { allOf, CONTRACT, market, overTheWire, Player } from '../../support/market.ts'

/** Cleo's contract as her node lives it. All signers are there, in the order given. */
async function lifeOf(
  cleo: Player,
  others: readonly Player[],
  keys: readonly ReturnType<typeof generateKeyPair>[],
  policy: Policy = [],
) {
  const signers = keys.map(({ privateKey }) => keySigner(privateKey))
  const [ana] = others as [Player]
  const live = await LiveContract.open(CONTRACT, cleo.handle, ana.handle, {
    store: openMemoryStore(),
    signer: keySigner(cleo.privateKey),
    signerOf: (publicKey) => signers.find((signer) => signer.publicKey === publicKey),
    clock: { now: () => 0, after: () => () => {} },
    random: systemRandom,
    guard: memoryGuard(),
    policy,
  })
  await live.deliver(allOf(ana))
  for (const other of others) live.heard(other.handle, frontierOf(other.state.feeds))
  await live.deliver([])
  t.equal(live.obstacle, undefined)
  return live
}

const changesIn = (live: LiveContract) => live.state.keys.later.get(live.self)?.map(({ isTakeover }) => isTakeover)

t.test('a key is rotated when that is asked for', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const next = generateKeyPair()
  const live = await lifeOf(cleo, [ana, ben], [next])
  live.rotate(next.publicKey)
  await live.deliver([])
  t.same(changesIn(live), [false])
  await live.close()
})

t.test('a key that is being revoked is not rotated any more: the takeover comes in its place', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
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
    const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
    const next = generateKeyPair()
    const live = await lifeOf(cleo, [ana, ben], [])
    const revocation = ana.revocation(next)
    const thief = thiefOf(ana)
    live.revoked(revocation)
    await live.deliver([])
    const [hold] = [...feedOf(live.state.feeds, cleo.handle).kept].slice(-1)
    thief.rotates()
    for (let n = 0; n < 2 * BATCH_STATEMENTS_MAX; n++) thief.proposes('0.0', `theft ${n}`)
    // Ben has taken all of it before he says that he takes no more.
    ben.hears(...allOf(thief))
    ben.says({ key: { hold: revocation } })
    ben.hears(overTheWire(hold as VerifiedStatement))
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

t.test('what a party says that it holds of a revoked feed is all that it holds: it covers that first', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const next = generateKeyPair()
  const asks: Policy = [
    { answer: 'ask', authors: [ana.handle], forSeconds: 1000, otherwise: 'acknowledge', reason: 'x' },
  ]
  const live = await lifeOf(cleo, [ana, ben], [], asks)
  const revocation = ana.revocation(next)
  const thief = thiefOf(ana)
  const theft = thief.proposes('0.0', 'theft')
  await live.deliver([theft])
  t.equal(live.questions.length, 1)
  live.revoked(revocation)
  await live.deliver([])
  const said = [...feedOf(live.state.feeds, cleo.handle).kept].slice(-1) as [VerifiedStatement]
  t.match(said[0].statement.key, { hold: {} }, 'the question does not hold it up')
  t.ok(covers(said[0].past, ana.handle, theft.statement.seq))
  t.match(said[0].statement.refusals, [{ code: 'policy' }])
  t.equal(live.questions.length, 0)
  // So the takeover follows the theft, and is no fork of it.
  ana.hears(ben.says({ key: { hold: revocation } }), theft, overTheWire(said[0]))
  ana.takesOver(revocation, next)
  await live.deliver(allOf(ana))
  t.same(live.evidence, [])
  t.equal(live.state.keys.later.get(ana.handle)?.length, 1)
  await live.close()
})

t.test('what the question of a third party keeps back of a revoked feed is refused as well', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const asks: Policy = [
    { answer: 'ask', authors: [ben.handle], forSeconds: 1000, otherwise: 'acknowledge', reason: 'x' },
  ]
  const live = await lifeOf(cleo, [ana, ben], [], asks)
  const revocation = ana.revocation(generateKeyPair())
  const asked = ben.proposes('0.0', 'asked')
  const thief = thiefOf(ana)
  thief.hears(asked)
  await live.deliver([asked, thief.proposes('0.1', 'theft')])
  t.equal(live.questions.length, 1)
  live.revoked(revocation)
  await live.deliver([])
  t.equal(live.questions.length, 0)
  const [said] = [...feedOf(live.state.feeds, cleo.handle).kept].slice(-1) as [VerifiedStatement]
  t.match(said.statement.key, { hold: {} })
  t.match(said.statement.refusals, [{ code: 'policy', request: { handle: ben.handle } }])
  await live.close()
})

t.test('a takeover beside what was signed with the stolen key is no fork of its owner', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const next = generateKeyPair()
  const revocation = ana.revocation(next)
  // Dora is no member yet: nobody waits for her word.
  const live = await lifeOf(cleo, [ana, ben], [])
  const theft = thiefOf(ana).proposes('0.0', 'theft')
  ana.hears(ben.says({ key: { hold: revocation } }), cleo.says({ key: { hold: revocation } }))
  const takeover = ana.takesOver(revocation, next)
  const { state } = receive(fullState(live.state), [theft])
  const { equivocations, otherBranches, refused } = receive(state, [takeover])
  t.same(equivocations, [])
  t.same(refused, [])
  t.match(otherBranches, [{ party: ana.handle, ours: theft.hash, theirs: takeover.hash }])
  const forged = { ...takeover, signature: theft.signature }
  t.match(receive(state, [forged]).refused, [{ error: { code: 'statement_badly_signed' } }])
  await live.close()
})

function thiefOf(owner: Player): Player {
  const thief = Object.assign(new Player('thief'), {
    handle: owner.handle,
    card: owner.card,
    privateKey: owner.privateKey,
  })
  thief.state = owner.state
  return thief
}
