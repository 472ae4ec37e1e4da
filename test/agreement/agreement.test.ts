import fc from 'fast-check'
import t from 'tap'
import { formerOf, membersOf } from '../../src/aggregates/contract/state.ts'
import { confirmable, waitingForAnswers, waitingForHeads } from '../../src/agreement/confirmable.ts'
import { statementDue } from '../../src/agreement/draft.ts'
import { newestOf } from '../../src/agreement/feeds.ts'
import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import { about, allOf, CONTRACT, market, overTheWire, owes, Player, talk } from '../support/market.ts'

const texts = (player: Player) => {
  const state = receive(emptyAgreement(CONTRACT), allOf(player))
  return state.settled.map(({ text }) => text)
}

t.test('a request settles after two rounds, and only when every member has signed', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const before = ana.settled
  const request = ana.proposes('0.0', 'Mexico')
  const ref = { handle: ana.handle, seq: request.statement.seq, index: 0 }
  t.same(waitingForAnswers(ana.state, ref), ['ben', 'cleo'])
  ben.hears(request)
  const bens = ben.says()
  ana.hears(bens)
  t.equal(ana.acknowledged, before, 'one answer is missing')
  t.same(waitingForAnswers(ana.state, ref), ['cleo'])
  cleo.hears(request)
  const cleos = cleo.says()
  ana.hears(cleos)
  t.equal(ana.acknowledged, before + 1, 'all have answered')
  t.equal(ana.settled, before, 'nobody else has signed a head beyond it')
  const head = ana.says()
  ben.hears(cleos, head)
  ana.hears(ben.says())
  t.equal(ana.settled, before, 'one head is missing')
  t.same(waitingForHeads(ana.state, before), ['cleo'])
  cleo.hears(bens, head)
  ana.hears(cleo.says())
  t.equal(ana.settled, before + 1)
})

t.test('nobody owes anything when all has settled', async (t) => {
  const players = market('ana', 'ben', 'cleo')
  players[1]?.proposes('0.1', 'x')
  talk(players, owes)
  for (const player of players) {
    t.equal(player.settled, player.acknowledged)
    t.equal(statementDue(player.state, player.handle), undefined)
  }
})

t.test('who joins verifies from the first entry, and is needed from its admission on', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const cleo = new Player('cleo')
  ana.requests({ type: 'InviteParty', party: cleo.card })
  talk([ana, ben, cleo], owes)
  t.equal(cleo.settled, ana.settled, 'an observer holds everything')
  t.throws(
    () =>
      ben.hears(cleo.requests({ type: 'Resign' })).refused.map(({ error }) => {
        throw error
      }),
    { code: 'statement_not_admitted' },
  )
})

t.test('two members that write at once are ordered alike everywhere', async (t) => {
  const players = market('ana', 'ben', 'cleo')
  const [ana, ben] = players
  ana.proposes('0.0', 'Mexico')
  ben.proposes('0.0', 'Chile')
  talk(players, owes)
  const [first, ...rest] = players.map(texts)
  for (const other of rest) t.same(other, first)
  const field = ana.state.settling.agreed.document.children.get(0)
  t.match(field, { agreed: { by: 'ana' }, candidates: [{ by: 'ben' }] }, 'a conflict that everybody sees')
})

t.test('an exclusive proposal is void for the second instead, naming the first', async (t) => {
  const players = market('ana', 'ben')
  const [ana, ben] = players
  ana.proposes('0.0', 'Mexico', { exclusive: true })
  ben.proposes('0.0', 'Chile', { exclusive: true })
  talk(players, owes)
  const outcomes = texts(ana)
    .slice(-2)
    .map((text) => JSON.parse(text).outcome)
  t.match(outcomes, [{ kind: 'accepted' }, { kind: 'void', reason: { code: 'field_conflict' } }])
})

t.test('a tentative request waits for its author, who may confirm or withdraw it', async (t) => {
  const players = market('ana', 'ben')
  const [ana, ben] = players
  for (const decision of ['confirmed', 'withdrawn'] as const) {
    const size = ana.acknowledged
    const { statement } = ana.tentatively({ type: 'AddBlock', parent: '0', name: `block ${decision}` })
    const request = { handle: ana.handle, seq: statement.seq, index: 0 }
    t.same(confirmable(ana.state, ana.handle), [], 'nobody has answered')
    talk(players, owes)
    t.equal(ana.acknowledged, size)
    t.same(confirmable(ana.state, ana.handle), [request])
    t.same(confirmable(ben.state, ben.handle), [], 'it is not for another to decide')
    const said = ana.says({
      decided: [decision === 'confirmed' ? { request, decision } : { request, decision, code: 'user' }],
    })
    talk(players, owes)
    const outcome = JSON.parse(texts(ben).at(-1) as string).outcome
    t.same(
      outcome,
      decision === 'confirmed' ? { kind: 'accepted' } : { kind: 'withdrawn', seq: said.statement.seq, code: 'user' },
    )
  }
})

t.test('a member refuses: its code and the seal of what it says stand in the ledger', async (t) => {
  const players = market('ana', 'ben')
  const [ana, ben] = players
  const { statement } = ana.proposes('0.0', 'Mexico')
  ben.hears(...allOf(ana))
  const said = about('not ours to insure')
  const answer = ben.says({
    refusals: [{ request: { handle: ana.handle, seq: statement.seq, index: 0 }, code: 'person', about: said.about }],
    payloads: said.payloads,
  })
  talk(players, owes)
  t.same(JSON.parse(texts(ana).at(-1) as string).outcome, {
    kind: 'refused',
    by: [{ handle: 'ben', seq: answer.statement.seq, code: 'person', about: said.about }],
  })
})

t.test('who resigns is not needed any more, and its later requests do not exist', async (t) => {
  const players = market('ana', 'ben', 'cleo')
  const [ana, ben, cleo] = players
  cleo.says({
    requests: [
      cleo.request([{ type: 'Resign', reason: 'transferred' }]),
      cleo.request([{ type: 'AddBlock', parent: '0', name: 'late' }]),
    ],
  })
  // Its node goes on until its head covers the resignation.
  const headSize = () => newestOf(cleo.state.feeds, cleo.handle)?.statement.head.size ?? 0
  const isGone = () =>
    headSize() > (formerOf(cleo.state.ledger.document, cleo.handle)?.resignedAt ?? Number.POSITIVE_INFINITY)
  talk(players, (player) => owes(player) && !(player === cleo && isGone()))
  t.same(
    membersOf(ana.state.ledger.document).map(({ card }) => card.handle),
    ['ana', 'ben'],
  )
  const size = ana.settled
  ben.proposes('0.1', 'without cleo')
  talk([ana, ben], owes)
  t.equal(ana.settled, size + 1)
  t.notOk(texts(ana).some((text) => text.includes('late')))
})

t.test('statements may arrive in any order, doubled, and in pieces', async (t) => {
  const players = market('ana', 'ben', 'cleo')
  players[0]?.proposes('0.0', 'one')
  players[1]?.proposes('0.0', 'two')
  players[2]?.tentatively({ type: 'AddBlock', parent: '0', name: 'three' })
  talk(players, owes)
  const [ana] = players
  const all = allOf(ana)
  const expected = receive(emptyAgreement(CONTRACT), all)
  fc.assert(
    fc.property(
      fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 }),
      fc.integer({ min: 1, max: 9 }),
      (order, piece) => {
        let state = emptyAgreement(CONTRACT)
        let waiting: typeof all = []
        for (let at = 0; at < order.length; at += piece) {
          const reception = receive(state, [...waiting, ...order.slice(at, at + piece)])
          state = reception.state
          waiting = [...reception.waiting]
        }
        return (
          state.ledger.log.root() === expected.state.ledger.log.root() &&
          state.settling.settled === expected.state.settling.settled
        )
      },
    ),
    { numRuns: 60 },
  )
  t.equal(expected.waiting.length, 0)
})

t.test('two statements for one place are proof against their signer, and nothing of the second is taken', async (t) => {
  const players = market('ana', 'ben', 'cleo')
  const [ana, ben, cleo] = players
  const [one, other] = ben.forks()
  ana.hears(one)
  const held = ana.state
  const { equivocations } = ana.hears(other)
  t.match(equivocations, [{ party: 'ben', seq: one.statement.seq }])
  t.equal(ana.state, held)
  cleo.hears(other)
  const { otherBranches, taken } = ana.hears(cleo.says())
  t.match(otherBranches, [{ signer: 'cleo', party: 'ben', theirs: other.hash, ours: one.hash }])
  t.equal(taken.length, 0)
  cleo.hears(...allOf(ana).map(overTheWire))
  t.equal(ana.settled, cleo.settled)
})
