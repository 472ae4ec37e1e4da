import t from 'tap'
import { statementDue } from '../../../src/agreement/draft.ts'
import { Approvals } from '../../../src/contracts/approvals/approvals.ts'
import type { Policy } from '../../../src/contracts/approvals/policy.ts'
import { QUESTIONS_MAX } from '../../../src/contracts/approvals/questions.ts'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import { seal, sealOf } from '../../../src/events/seal.ts'
import type { Clock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { completed } from '../../../src/runtime/turns.ts'
import { countHashes } from '../../support/count-hashes.ts'
import { type Command, market, overTheWire, owes, type Player, talk } from '../../support/market.ts'
import { ruledMarket } from '../../support/ruled-market.ts'

const refuseWrites: Policy = [{ commands: ['ProposeValue'], answer: 'refuse', reason: 'not this week' }]
const askOnFields: Policy = [
  { commands: ['AddField'], answer: 'ask', forSeconds: 60, otherwise: 'refuse', reason: 'nobody was there' },
]
const addField = { type: 'AddField', parent: '0', name: 'New', field: { type: 'text' } }

function handClock(now = 1_000): Clock & { ring(): void } {
  const timers: (() => void)[] = []
  return {
    now: () => now,
    after(_, callback) {
      timers.push(callback)
      return () => timers.splice(timers.indexOf(callback), 1)
    },
    ring() {
      for (const callback of timers.splice(0)) callback()
    },
  }
}

function approvals(self: Player, policy: Policy, clock = handClock()) {
  let changes = 0
  const answers = new Approvals(self.handle, policy, clock, systemRandom, () => changes++)
  return { answers, clock, changes: () => changes }
}

const pair = () => market('ana', 'ben')

t.test('without a policy all is covered and nothing refused', async (t) => {
  const [ana, ben] = pair()
  ben.hears(ana.proposes('0.0', 'x'))
  const { answers } = approvals(ben, [])
  t.equal(completed(answers.covering(ben.state)).view, ben.state)
  t.same(completed(answers.covering(ben.state)).refusals, [])
})

t.test(
  'a member that asks for more and more while a person is asked makes no more questions than so many',
  async (t) => {
    const [ana, ben] = pair()
    const many = Array.from({ length: 1_020 }, () => ana.request([addField]))
    const asked = ana.says({ requests: many })
    ben.hears(asked)
    const { answers } = approvals(ben, askOnFields)
    t.equal(completed(answers.covering(ben.state)).view.feeds.get(ana.handle)?.size, asked.statement.seq)
    t.equal(answers.questions.length, QUESTIONS_MAX)
    for (const { request } of answers.questions) answers.decide(request, undefined)
    t.equal(
      completed(answers.covering(ben.state)).view.feeds.get(ana.handle)?.size,
      asked.statement.seq,
      'and then about the others',
    )
    t.equal(answers.questions.length, 20)
    for (const { request } of answers.questions) answers.decide(request, undefined)
    t.equal(completed(answers.covering(ben.state)).view, ben.state)
  },
)

t.test('a rule refuses what it fits, by a code and the seal of its reason', async (t) => {
  const [ana, ben] = pair()
  const asked = ana.proposes('0.0', 'x')
  ben.hears(asked)
  const { refusals, payloads } = completed(approvals(ben, refuseWrites).answers.covering(ben.state))
  const [[about, payload] = []] = payloads
  t.match(payload, { value: { text: 'not this week' } })
  t.equal(about, payload && sealOf(payload))
  t.same(refusals, [{ request: { handle: 'ana', seq: asked.statement.seq, index: 0 }, code: 'policy', about }])
  ana.hears(ben.says({ refusals, payloads: Object.fromEntries(payloads) }))
  ben.hears(ana.says())
  ana.hears(ben.says())
  const { answers } = approvals(ben, refuseWrites)
  t.same(completed(answers.covering(ben.state)).refusals, [], 'what is covered is answered')
})

t.test('while a person is asked the statement, and what covers it, is not covered', async (t) => {
  const [ana, ben] = pair()
  const before = ana.proposes('0.0', 'plain')
  const asked = ana.requests(addField)
  const after = ana.proposes('0.1', 'behind it')
  ben.hears(before, asked, after)
  const { answers, changes } = approvals(ben, askOnFields)
  const { view } = completed(answers.covering(ben.state))
  t.equal(view.feeds.get(ana.handle)?.size, asked.statement.seq, 'covered up to it')
  t.equal(statementDue(view, ben.handle), 'answer', 'for what came before')
  t.match(answers.questions, [{ request: { handle: 'ana', seq: asked.statement.seq, index: 0 }, otherwise: 'refuse' }])
  answers.decide({ handle: ana.handle, seq: asked.statement.seq, index: 0 }, undefined)
  t.equal(changes(), 1)
  t.equal(completed(answers.covering(ben.state)).view, ben.state)
  t.same(completed(answers.covering(ben.state)).refusals, [])
  t.same(answers.questions, [])
})

t.test('what another member has refused is refused too, and nobody is asked about it', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const asked = ana.requests(addField)
  const request = { handle: ana.handle, seq: asked.statement.seq, index: 0 }
  cleo.hears(asked)
  const refused = cleo.says({ refusals: [{ request, code: 'person' }] })
  const { answers } = approvals(ben, askOnFields)
  ben.hears(asked)
  completed(answers.covering(ben.state))
  t.equal(answers.questions.length, 1)
  ben.hears(refused)
  const { view, refusals } = completed(answers.covering(ben.state))
  t.equal(view, ben.state)
  t.same(refusals, [{ request, code: 'policy' }])
  t.same(answers.questions, [])
})

t.test('when nobody answers in time the rule says what happens', async (t) => {
  const [ana, ben] = pair()
  const asked = ana.requests(addField)
  ben.hears(asked)
  const { answers, clock } = approvals(ben, askOnFields)
  completed(answers.covering(ben.state))
  clock.ring()
  const { refusals, payloads } = completed(answers.covering(ben.state))
  t.match(refusals, [{ code: 'policy' }])
  t.match(payloads, [[refusals[0]?.about, { value: { text: 'nobody was there' } }]])
  t.throws(() => answers.assertAsked({ handle: ana.handle, seq: asked.statement.seq, index: 0 }), {
    code: 'not_asked',
  })
})

t.test('more refusals than a statement can carry are for the next one', async (t) => {
  const [ana, ben] = pair()
  for (let n = 0; n < 5; n++) ana.says({ requests: Array.from({ length: 1000 }, () => ana.request([addField])) })
  ben.hears(...[...ana.state.feeds.values()].flatMap((feed) => [...feed]))
  const { answers } = approvals(ben, [{ answer: 'refuse', reason: 'r'.repeat(4000) }])
  let refused = 0
  for (let turns = 0; turns < 10 && refused < 5000; turns++) {
    const { view, refusals, payloads } = completed(answers.covering(ben.state))
    t.equal(payloads.length, 1, 'one text, said often')
    t.ok(refusals.length > 0 && refusals.length <= 4096)
    refused += refusals.length
    const full = ben.state
    ben.state = view
    const said = ben.says({ refusals, payloads: Object.fromEntries(payloads) })
    t.ok(Buffer.byteLength(said.text) <= ben.state.ledger.document.limits.statementBytes)
    ben.state = full
    ben.hears(said)
  }
  t.equal(refused, 5000)
})

t.test(
  'where the seals of the texts are too much for a statement, its requests are refused by the code alone',
  async (t) => {
    const [ana, ben] = pair()
    const asked = ana.says({ requests: Array.from({ length: 300 }, () => ana.request([addField])) })
    ben.hears(asked)
    const { ledger } = ben.state
    const limits = { ...ledger.document.limits, statementBytes: 64 * 1024 }
    ben.state = { ...ben.state, ledger: { ...ledger, document: { ...ledger.document, limits } } }
    const { answers } = approvals(ben, [{ answer: 'refuse', reason: 'not now' }])
    const { refusals, payloads } = completed(answers.covering(ben.state))
    t.equal(refusals.length, 300)
    t.same(refusals[0], { code: 'policy', request: { handle: 'ana', seq: asked.statement.seq, index: 0 } })
    t.same(payloads, [], 'and no text that no refusal names')
  },
)

t.test('people say what they like, as far as a statement can carry it', async (t) => {
  const [ana, ben] = pair()
  const asked = ana.says({ requests: Array.from({ length: 400 }, () => ana.request([addField])) })
  ben.hears(asked)
  const { answers } = approvals(ben, askOnFields)
  completed(answers.covering(ben.state))
  const { handle } = ana
  const { seq } = asked.statement
  for (const [index] of asked.statement.requests.entries()) {
    answers.decide({ handle, seq, index }, { about: { text: `${index} ${'x'.repeat(3990)}` } })
  }
  const { refusals, payloads } = completed(answers.covering(ben.state))
  t.equal(refusals.length, 400)
  const characters = payloads.reduce((sum, [, payload]) => sum + canonicalJson(payload).length, 0)
  t.ok(characters > 900_000 && characters < 1_100_000, `${characters} of texts`)
  t.equal(refusals.filter(({ about }) => about !== undefined).length, payloads.length, 'the others have the code')
  const said = ben.says({ refusals, payloads: Object.fromEntries(payloads) })
  t.match(ana.hears(said), { taken: { length: 1 }, refused: [] })
})

t.test('what is no text, or too much of it, is said before it is signed', async (t) => {
  const [ana, ben] = pair()
  const { answers } = approvals(ben, askOnFields)
  const request = { handle: ana.handle, seq: 0, index: 0 }
  t.throws(() => answers.decide(request, { about: { text: 'x'.repeat(4001) } }), { code: 'request_unfit' })
  t.throws(() => answers.decide(request, { about: { text: 'broken \ud800' } }), { code: 'json_not_canonicalizable' })
})

t.test('where a value is withheld for good, a statement costs what is new, however much is held', async (t) => {
  const sealed = (nth: number) => seal(`withheld ${nth}`, new Uint8Array(16)).seal
  const proposes = (nth: number) => ({ type: 'ProposeValue', field: '0.0', seal: sealed(nth), basis: [] })
  const hashes = [4, 24].map((history) => {
    const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
    for (let nth = 0; nth < history; nth++) {
      ana.proposes('0.0', `value ${nth}`)
      talk([ana, ben, cleo], owes)
    }
    const withheld = cleo.tentatively(proposes(0))
    ben.hears(overTheWire(withheld))
    const request = { handle: cleo.handle, seq: withheld.statement.seq, index: 0 }
    ben.says({ refusals: [{ code: 'payload_missing', request }] })
    ben.hears(cleo.requests(proposes(1)))
    const { answers } = approvals(ben, [])
    t.not(completed(answers.covering(ben.state)).view, ben.state, 'it waits for the second one')
    ben.hears(ana.proposes('0.1', 'new'))
    return countHashes(() => completed(answers.covering(ben.state))).hashes
  })
  for (const count of hashes) t.ok(count < 8, `${hashes} hashes`)
})

t.test(
  'where rules read when a request was made, a time that is off is refused, by the clock at the first look',
  async (t) => {
    const until = 'request time() < date and time("2026-06-30T12:00:00Z")'
    const claimed = Date.parse('2026-06-01T12:00:00.000Z')
    const off = (minutes: number, condition: string, ...commands: Command[]) => {
      const { players } = ruledMarket(['ana', 'ben'], { at: '0.1', says: condition })
      const [ana, ben] = players
      ana.time = new Date(claimed).toISOString()
      ben.hears(commands.length > 0 ? ana.requests(...commands) : ana.proposes('0.0', 'x'))
      const { answers } = approvals(ben, [], handClock(claimed + minutes * 60_000))
      return completed(answers.covering(ben.state)).refusals
    }
    t.same(off(5, until), [])
    t.same(off(-5, until), [])
    t.match(off(5.1, until), [{ code: 'time_off' }])
    t.match(off(-5.1, until), [{ code: 'time_off' }])
    t.same(off(60, 'A != "b"'), [], 'no rule reads it')
    t.same(off(60, until, { type: 'ReopenEdit' }), [], 'members that agree always have a way on')
  },
)

t.test('a request whose time was right when it came stays right while a person is asked', async (t) => {
  const { players } = ruledMarket(['ana', 'ben'], 'request time() < date and time("2026-06-30T12:00:00Z")')
  const [ana, ben] = players
  ana.time = '2026-06-01T12:00:00.000Z'
  let now = Date.parse(ana.time)
  const ask: Policy = [
    { commands: ['ProposeValue'], answer: 'ask', forSeconds: 6000, otherwise: 'refuse', reason: 'nobody was there' },
  ]
  ben.hears(ana.proposes('0.0', 'x'))
  const { answers } = approvals(ben, ask, { ...handClock(), now: () => now })
  t.not(completed(answers.covering(ben.state)).view, ben.state, 'given: a person is asked')
  now += 60 * 60_000
  answers.decide({ handle: ana.handle, seq: ana.seq - 1, index: 0 }, undefined)
  const { view, refusals } = completed(answers.covering(ben.state))
  t.equal(view, ben.state)
  t.same(refusals, [])
})
