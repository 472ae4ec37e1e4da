import t from 'tap'
import { statementDue } from '../../src/agreement/draft.ts'
import { Answering } from '../../src/contracts/answering.ts'
import type { Policy } from '../../src/contracts/policy.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { market, type Player } from '../support/market.ts'

const refuseWrites: Policy = [{ commands: ['ProposeValue'], answer: 'refuse', reason: 'not this week' }]
const askOnFields: Policy = [
  { commands: ['AddField'], answer: 'ask', forSeconds: 60, otherwise: 'refuse', reason: 'nobody was there' },
]
const addField = { type: 'AddField', parent: '0', name: 'New', field: { type: 'text' } }

function handClock(): Clock & { ring(): void } {
  const timers: (() => void)[] = []
  return {
    now: () => 1_000,
    after(_, callback) {
      timers.push(callback)
      return () => timers.splice(timers.indexOf(callback), 1)
    },
    ring() {
      for (const callback of timers.splice(0)) callback()
    },
  }
}

function answering(self: Player, policy: Policy, clock = handClock()) {
  let changes = 0
  const answers = new Answering(self.handle, policy, clock, () => changes++)
  return { answers, clock, changes: () => changes }
}

const pair = () => market('ana', 'ben') as [Player, Player]

t.test('without a policy all is covered and nothing refused', async (t) => {
  const [ana, ben] = pair()
  ben.hears(ana.proposes('0.0', 'x'))
  const { answers } = answering(ben, [])
  t.equal(answers.coverage(ben.state).view, ben.state)
  t.same(answers.coverage(ben.state).refusals, [])
})

t.test('a rule refuses what it fits, with its reason, and the author sees it in the ledger', async (t) => {
  const [ana, ben] = pair()
  const asked = ana.proposes('0.0', 'x')
  ben.hears(asked)
  const { refusals } = answering(ben, refuseWrites).answers.coverage(ben.state)
  t.same(refusals, [{ request: { handle: 'ana', seq: asked.statement.seq, index: 0 }, reason: 'not this week' }])
  ana.hears(ben.says({ refusals }))
  ben.hears(ana.says())
  ana.hears(ben.says())
  const { answers } = answering(ben, refuseWrites)
  t.same(answers.coverage(ben.state).refusals, [], 'what is covered is answered')
})

t.test('while a person is asked the statement, and what covers it, is not covered', async (t) => {
  const [ana, ben] = pair()
  const before = ana.proposes('0.0', 'plain')
  const asked = ana.requests(addField)
  const after = ana.proposes('0.1', 'behind it')
  ben.hears(before, asked, after)
  const { answers, changes } = answering(ben, askOnFields)
  const { view } = answers.coverage(ben.state)
  t.equal(view.feeds.get(ana.handle)?.size, asked.statement.seq, 'covered up to it')
  t.equal(statementDue(view, ben.handle), 'answer', 'for what came before')
  t.match(answers.questions, [{ request: { handle: 'ana', seq: asked.statement.seq, index: 0 }, otherwise: 'refuse' }])
  answers.decide({ handle: ana.handle, seq: asked.statement.seq, index: 0 }, undefined)
  t.equal(changes(), 1)
  t.equal(answers.coverage(ben.state).view, ben.state)
  t.same(answers.coverage(ben.state).refusals, [])
  t.same(answers.questions, [])
})

t.test('when nobody answers in time the rule says what happens', async (t) => {
  const [ana, ben] = pair()
  const asked = ana.requests(addField)
  ben.hears(asked)
  const { answers, clock } = answering(ben, askOnFields)
  answers.coverage(ben.state)
  clock.ring()
  t.match(answers.coverage(ben.state).refusals, [{ reason: 'nobody was there' }])
  t.throws(() => answers.assertAsked({ handle: ana.handle, seq: asked.statement.seq, index: 0 }), {
    code: 'not_asked',
  })
})

t.test('more refusals than a statement can carry are for the next one', async (t) => {
  const [ana, ben] = pair()
  for (let n = 0; n < 5; n++) ana.says({ requests: Array.from({ length: 1000 }, () => ana.request([addField])) })
  ben.hears(...[...ana.state.feeds.values()].flatMap((feed) => [...feed]))
  const reason = 'r'.repeat(500)
  const { answers } = answering(ben, [{ answer: 'refuse', reason }])
  let refused = 0
  for (let turns = 0; turns < 10 && refused < 5000; turns++) {
    const { view, refusals } = answers.coverage(ben.state)
    t.ok(refusals.length > 0 && refusals.length <= 4096)
    refused += refusals.length
    const full = ben.state
    ben.state = view
    const said = ben.says({ refusals })
    t.ok(Buffer.byteLength(said.text) <= ben.state.ledger.document.limits.statementBytes)
    ben.state = full
    ben.hears(said)
  }
  t.equal(refused, 5000)
})
