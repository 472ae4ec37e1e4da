import t from 'tap'
import { frontierOf } from '../../../src/agreement/feeds.ts'
import { stateAt } from '../../../src/agreement/history/replay.ts'
import { DoubleSignProtection } from '../../../src/contracts/signing/double-sign-protection.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { generateKeyPair } from '../../../src/crypto/key-pair.ts'

import { CONTRACT, market, owes, Player, talk } from '../../support/market.ts'

/** What the player had before its last statements. */
function earlier({ state, handle }: Player, fewer: number) {
  return stateAt(
    state,
    state.feeds.map((feed, of) => feed.size - 1 - (of === handle ? fewer : 0)),
  )
}

async function signed(player: Player) {
  const guard = memoryGuard()
  const feed = await DoubleSignProtection.open(player.state, player.handle, guard, true)
  await feed.advance(player.state)
  return { guard, feed }
}

t.test('store and guard that fit: nothing stands in the way', async (t) => {
  const [ana] = market('ana', 'ben')
  const { guard } = await signed(ana)
  const again = await DoubleSignProtection.open(ana.state, ana.handle, guard, false)
  t.equal(again.obstacle(ana.state), undefined)
  t.equal(again.lost, undefined)
})

t.test('the store one ahead of the guard: nobody has seen it, and the guard is told', async (t) => {
  const [ana] = market('ana', 'ben')
  const { guard } = await signed(ana)
  const said = ana.says()
  const again = await DoubleSignProtection.open(ana.state, ana.handle, guard, false)
  t.equal(again.obstacle(ana.state), undefined)
  t.equal((await guard.read(CONTRACT))?.seq, said.statement.seq)
})

t.test('the store set back: nothing is signed until the last statement is there again', async (t) => {
  const [ana] = market('ana', 'ben')
  ana.says()
  ana.says()
  const { guard } = await signed(ana)
  const old = earlier(ana, 2)
  const again = await DoubleSignProtection.open(old, ana.handle, guard, false)
  t.equal(again.obstacle(old), 'store_set_back')
  t.equal(again.lost?.statement.seq, ana.seq - 1, 'the guard has the last one')
  t.equal(again.obstacle(earlier(ana, 1)), 'store_set_back')
  t.equal(again.obstacle(ana.state), undefined)
})

t.test('without a guard every other party has to say what it holds, and all that must be here', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  ana.says()
  const old = earlier(ana, 1)
  const again = await DoubleSignProtection.open(old, ana.handle, memoryGuard(), false)
  t.equal(again.obstacle(old), 'members_awaited')
  t.same(again.waitsFor(old), ['ben'])
  again.heard(ben.handle, frontierOf(ana.state.feeds))
  t.equal(again.obstacle(old), 'members_awaited', 'ben holds more of it')
  t.equal(again.obstacle(ana.state), undefined)
})

t.test('without a guard and without anybody else only a person can say so', async (t) => {
  const [ana] = market('ana')
  const again = await DoubleSignProtection.open(ana.state, ana.handle, memoryGuard(), false)
  t.equal(again.obstacle(ana.state), 'nobody_to_ask')
  t.ok(again.needsWord(ana.state, []))
  again.goOnRegardless()
  t.equal(again.obstacle(ana.state), undefined)
})

t.test('a person’s word counts for those who are silent, not against what somebody says it holds', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  ana.says()
  const last = ana.says()
  const old = earlier(ana, 2)
  const again = await DoubleSignProtection.open(old, ana.handle, memoryGuard(), false)
  t.ok(again.needsWord(old, []), 'nobody has said anything')
  t.notOk(again.needsWord(old, [last]), 'an own statement has come that is not the next one')
  again.heard(ben.handle, frontierOf(ana.state.feeds))
  t.notOk(again.needsWord(old, []), 'ben says that it holds more')
  again.goOnRegardless()
  t.equal(again.obstacle(old), 'members_awaited', 'given all the same it changes nothing')
  t.same(again.waitsFor(old), ['ben', 'cleo'])
  t.equal(again.obstacle(ana.state), undefined, 'with what ben holds it counts for cleo')
  await again.advance(ana.state)
  again.notice(CONTRACT, { taken: [ana.says()], equivocations: [] })
  t.equal(again.obstacle(ana.state), 'members_awaited', 'it was for that once')
  t.ok(again.needsWord(ana.state, []))
  again.heard(cleo.handle, frontierOf(ana.state.feeds))
  t.same(again.waitsFor(ana.state), ['ben'])
})

t.test(
  'two nodes with one key and one guard: the second to sign at a place is refused, and signs nothing more',
  async (t) => {
    const [ana] = market('ana', 'ben')
    const { guard, feed } = await signed(ana)
    const copy = await DoubleSignProtection.open(ana.state, ana.handle, guard, false)
    const before = ana.state
    ana.says()
    await feed.advance(ana.state)
    ana.state = before
    ana.says({ requests: [ana.request([{ type: 'Resign' }])] })
    await t.rejects(copy.advance(ana.state), { code: 'guard_refused' })
    t.equal(copy.obstacle(ana.state), 'another_signs')
    const restarted = await DoubleSignProtection.open(ana.state, ana.handle, guard, false)
    t.equal(restarted.obstacle(ana.state), 'another_signs', 'also after a restart: its store and the guard contradict')
  },
)

/** A feed of which the store lost the newest statement, the guard knows of it, and the next life took it over at that place. */
async function takenOver(others: readonly string[] = ['ben']) {
  const [ana, ben] = market('ana', ...others) as [Player, Player]
  const lost = ana.proposes('0.0', 'lost')
  const { guard } = await signed(ana)
  ana.state = earlier(ana, 1)
  const next = generateKeyPair()
  const revocation = ana.revocation(next)
  ana.hears(ben.says({ key: { hold: revocation } }))
  const before = ana.state
  const takeover = ana.takesOver(revocation, next)
  return { ana, guard, lost, before, takeover }
}

t.test(
  'a takeover at the place of a lost statement counts, whether its process came to tell the guard or not',
  async (t) => {
    const { ana, guard, lost, before, takeover } = await takenOver()
    t.equal(takeover.statement.seq, lost.statement.seq)
    const sibling = await DoubleSignProtection.open(before, ana.handle, guard, false, true)
    t.equal(sibling.obstacle(before), 'store_set_back')
    t.equal(await sibling.meet(ana.state, true), 'met')
    t.equal(sibling.obstacle(ana.state), undefined, 'a process beside it goes on')
    t.equal((await guard.read(CONTRACT))?.hash, takeover.hash)
    const { ana: another, guard: behind } = await takenOver()
    const restarted = await DoubleSignProtection.open(another.state, another.handle, behind, false)
    t.equal(restarted.obstacle(another.state), undefined, 'and so does the next life')
  },
)

t.test('two takeovers at one place under the same new key contradict', async (t) => {
  const { ana, guard, before, takeover } = await takenOver()
  const feed = await DoubleSignProtection.open(ana.state, ana.handle, guard, false)
  await feed.advance(ana.state, true)
  t.equal((await guard.read(CONTRACT))?.hash, takeover.hash)
  ana.state = before
  const { key } = takeover.statement
  const other = ana.says({ key: key as never, requests: [ana.request([{ type: 'Resign' }])] })
  t.not(other.hash, takeover.hash)
  const again = await DoubleSignProtection.open(ana.state, ana.handle, guard, false)
  t.equal(again.obstacle(ana.state), 'another_signs')
})

t.test('an own statement from elsewhere that the guard does not know: everybody is asked', async (t) => {
  const [ana] = market('ana', 'ben')
  const { feed } = await signed(ana)
  feed.notice(CONTRACT, { taken: [ana.says()], equivocations: [] })
  t.equal(feed.obstacle(ana.state), 'members_awaited')
})

t.test(
  'without a guard those who left, or were turned away, are asked too, unless an own signature stands beyond that',
  async (t) => {
    const [ana, ben] = market('ana', 'ben')
    const before = ana.state
    const cleo = new Player('cleo')
    ana.requests({ type: 'InviteParty', party: cleo.card })
    talk([ana, ben], owes)
    ana.requests({ type: 'WithdrawInvitation', party: 'cleo' })
    talk([ana, ben], owes)
    ben.requests({ type: 'Resign' })
    const held = ana.state.feeds.get(ana.handle)?.size ?? 0
    talk([ana, ben], owes)
    const feed = await DoubleSignProtection.open(before, ana.handle, memoryGuard(), false)
    t.same(feed.waitsFor(before), ['ben'])
    const lost = stateAt(
      ana.state,
      ana.state.feeds.map((own, of) => (of === ana.handle ? held - 1 : own.size - 1)),
    )
    t.ok(feed.waitsFor(lost).includes(ben.handle), 'who left may hold what ana said on that')
    t.same(feed.waitsFor(ana.state), [], 'ana has signed beyond both')
  },
)
