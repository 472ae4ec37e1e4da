import t from 'tap'
import {
  convicted,
  equivocationEvidence,
  leavesOf,
  traceDivergence,
  wrongHeadEvidence,
} from '../../src/agreement/evidence.ts'
import { stateAt } from '../../src/agreement/history/replay.ts'
import { headOf } from '../../src/agreement/ledger.ts'
import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { generateKeyPair } from '../../src/crypto/key-pair.ts'
import { decodeSigned } from '../../src/events/statement-codec.ts'
import { completed } from '../../src/runtime/turns.ts'
import { about, allOf, CONTRACT, market, owes, talk } from '../support/market.ts'

const three = () => market('ana', 'ben', 'cleo')

t.test('two statements for one place convict, from the file alone', async (t) => {
  const [ana, ben] = three()
  ben.rotates()
  const one = ben.says()
  const other = decodeSigned(
    ben.forges(one, (statement) => {
      statement.time = '2027-01-01T00:00:00.000Z'
    }),
  )
  ana.hears(...allOf(ben))
  const [equivocation] = ana.hears(other).equivocations
  t.ok(equivocation)
  if (equivocation === undefined) return
  const evidence = equivocationEvidence(ana.state, equivocation)
  const copy = JSON.parse(JSON.stringify(evidence))
  t.same(convicted(copy), { party: 'ben', keys: ben.card.keys })
  t.equal(convicted({ ...copy, other: copy.one }), undefined, 'one statement is no two')
  t.equal(convicted({ ...copy, rotations: [] }), undefined, 'under another key than it had there')
  t.equal(convicted({ ...copy, keys: ana.card.keys }), undefined, 'somebody else’s key')
  t.equal(convicted({ ...copy, party: 'ana' }), undefined, 'somebody else’s statements')
  t.equal(convicted({ ...copy, seq: copy.seq - 1 }), undefined, 'another place')
})

t.test('what a thief signs where the recovery key took the feed back convicts nobody', async (t) => {
  const [ana, ben, cleo] = three()
  const next = generateKeyPair()
  const revocation = ana.revocation(next)
  const before = ana.privateKey
  const thief = { ...ana.state }
  ana.hears(ben.says({ key: { hold: revocation } }), cleo.says({ key: { hold: revocation } }))
  const takeover = ana.takesOver(revocation, next)
  const stolen = market('ana')[0]
  Object.assign(stolen, { card: ana.card, privateKey: before, state: thief })
  const theft = stolen.says({ requests: [stolen.request([{ type: 'Resign' }])] })
  t.equal(theft.statement.seq, takeover.statement.seq)
  const fake = {
    party: ana.handle,
    seq: theft.statement.seq,
    held: ana.state.feeds.get(ana.handle)?.last(),
    other: theft,
  }
  t.equal(convicted(equivocationEvidence(ana.state, fake as never)), undefined)
})

t.test(
  'what a thief signs beside the owner before the feed is taken back convicts: nobody can tell the two apart',
  async (t) => {
    const [ana, ben, cleo] = three()
    const next = generateKeyPair()
    const thief = market('ana')[0]
    Object.assign(thief, { card: ana.card, privateKey: ana.privateKey, state: { ...ana.state } })
    ana.proposes('0.0', 'Mexico')
    talk([ana, ben, cleo], owes)
    const revocation = ana.revocation(next)
    ana.hears(ben.says({ key: { hold: revocation } }), cleo.says({ key: { hold: revocation } }))
    ben.hears(...allOf(cleo), ana.takesOver(revocation, next))
    const theft = thief.says({ requests: [thief.request([{ type: 'Resign' }])] })
    const [equivocation] = ben.hears(theft).equivocations
    t.match(equivocation, { party: 'ana', seq: theft.statement.seq })
    if (equivocation === undefined) return
    t.match(convicted(equivocationEvidence(ben.state, equivocation)), { party: 'ana' })
  },
)

t.test('a head that does not follow from what is covered convicts, and is traced', async (t) => {
  const [ana, ben, cleo] = three()
  ana.proposes('0.0', 'Mexico')
  talk([ana, ben, cleo], owes)
  ben.hears(...allOf(ana))
  const { size } = ben.state.ledger.log
  const honest = ben.says()
  const lie = decodeSigned(
    ben.forges(honest, (statement) => {
      statement.head = { ...honest.statement.head, root: honest.statement.head.record }
    }),
  )
  ana.hears(
    ...allOf(cleo),
    ...allOf(ben).filter(({ statement }) => statement.party !== 'ben' || statement.seq < lie.statement.seq),
  )
  const { settled } = ana
  ana.hears(lie)
  t.equal(ana.settled, settled, 'it settles nothing')
  const [divergence] = ana.state.settling.divergences
  t.match(divergence, { party: 'ben', seq: lie.statement.seq })
  if (divergence === undefined) return
  t.same(convicted(JSON.parse(JSON.stringify(completed(wrongHeadEvidence(ana.state, divergence))))), {
    party: 'ben',
    keys: ben.card.keys,
  })
  t.match(completed(traceDivergence(ana.state, divergence)), {
    fault: 'party',
    from: size,
    expected: honest.statement.head,
  })
})

t.test('its proof shows no value that the head does not hang on, nor what people said', async (t) => {
  const [ana, ben, cleo] = three()
  ana.proposes('0.0', 'what is agreed')
  const turnedDown = ana.proposes('0.1', 'what is refused')
  const { party: handle, seq } = turnedDown.statement
  const reason = about('what cleo said')
  cleo.hears(...allOf(ana))
  const refusals = [{ about: reason.about, code: 'person' as const, request: { handle, seq, index: 0 } }]
  cleo.says({ refusals, payloads: reason.payloads })
  talk([ana, ben, cleo], owes)
  const honest = ben.says()
  const lie = decodeSigned(
    ben.forges(honest, (statement) => {
      statement.head = { ...honest.statement.head, root: honest.statement.head.record }
    }),
  )
  ana.hears(lie)
  const proof = JSON.stringify(completed(wrongHeadEvidence(ana.state, lie.statement)))
  t.same(convicted(JSON.parse(proof)), { party: 'ben', keys: ben.card.keys })
  t.match(proof, /what is agreed/)
  t.notMatch(proof, /what is refused|what cleo said/)
})

t.test('no honest statement ever convicts its author', async (t) => {
  const [ana, ben, cleo] = three()
  ana.proposes('0.0', 'Mexico')
  ben.proposes('0.0', 'Chile')
  talk([ana, ben, cleo], owes)
  for (const { statement } of allOf(cleo)) {
    const { party, seq } = statement
    t.equal(convicted(completed(wrongHeadEvidence(cleo.state, { party, seq }))), undefined, `${party} ${seq}`)
  }
})

t.test('the first leaf that differs is found when the party shows its leaves', async (t) => {
  const [ana, ben, cleo] = three()
  for (const value of ['a', 'b', 'c', 'd', 'e']) ana.proposes('0.1', value)
  talk([ana, ben, cleo], owes)
  const texts = receive(emptyAgreement(CONTRACT), allOf(ana)).settled.map(({ text }) => text)
  const leaves = leavesOf(texts)
  for (const wrong of [0, 3, leaves.length - 1]) {
    const theirs = leaves.with(wrong, '0'.repeat(64) as Hash)
    const { MerkleLog } = await import('../../src/merkle/merkle-log.ts')
    const log = theirs.reduce((sum, leaf) => sum.append(Buffer.from(leaf, 'hex')), MerkleLog.empty)
    const [, liar] = three()
    const honest = ben.says()
    const lie = decodeSigned(
      ben.forges(honest, (statement) => {
        statement.head = { ...honest.statement.head, size: leaves.length, root: log.root() }
      }),
    )
    const state = receive(ana.state, [...allOf(ben).filter(({ hash }) => hash !== honest.hash), lie]).state
    const at = { party: ben.handle, seq: lie.statement.seq }
    t.equal(completed(traceDivergence(state, at, theirs))?.firstDiffering, wrong)
    t.equal(
      completed(traceDivergence(state, at, leaves))?.firstDiffering,
      undefined,
      'leaves that do not lead to the signed root',
    )
    t.ok(liar)
    ben.state = stateAt(
      ben.state,
      ben.state.feeds.map((feed, handle) => feed.size - (handle === ben.handle ? 2 : 1)),
    )
  }
})

t.test('a view of a part of what is held makes what it made then', async (t) => {
  const [ana, ben, cleo] = three()
  ana.proposes('0.0', 'Mexico')
  talk([ana, ben, cleo], owes)
  for (const [, feed] of ana.state.feeds) {
    for (const held of feed) {
      t.same(
        headOf(stateAt(ana.state, held.past).ledger),
        held.statement.head,
        `${held.statement.party} ${held.statement.seq}`,
      )
    }
  }
})
