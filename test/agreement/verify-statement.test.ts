import t from 'tap'
import { draft, noWishes, statementDue } from '../../src/agreement/draft.ts'
import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import { refusalOfOwn } from '../../src/agreement/verify-statement.ts'
import { JSON_DEPTH_MAX, JSON_MEMBERS_MAX } from '../../src/events/limits.ts'
import { seal, sealOf } from '../../src/events/seal.ts'
import type { Payloads } from '../../src/events/statement.ts'
import { decodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'
import { completed } from '../../src/runtime/turns.ts'
import { allOf, CONTRACT, contractFoundedBy, Player, TIME, talk } from '../support/market.ts'

const ana = new Player('ana')
const ben = new Player('ben')
const cleo = new Player('cleo')
const players = [ana, ben, cleo]
const owes = ({ state, handle }: Player) =>
  state.ledger.invited.has(handle) && statementDue(state, handle) !== undefined
ana.requests(ana.opening())
for (const other of [ben]) {
  ana.requests({ type: 'InviteParty', party: other.card })
  talk(players, owes)
  ana.requests({
    type: 'AdmitParty',
    accepted: other.accepts(ana.state.settling.agreed.parties.invitations[0]?.index ?? 0),
  })
  talk(players, owes)
}
ana.requests({ type: 'AddField', parent: '0', name: 'A', field: { type: 'text' } })
ana.requests({ type: 'InviteParty', party: cleo.card })
talk(players, owes)
// One request of ana's that ben has not covered yet.
const asked = ana.proposes('0.0', 'Mexico')
ben.hears(asked)
const before = ben.state
const honest = ben.says()

const cases: readonly [code: string, change: (statement: Record<string, unknown>) => void][] = [
  [
    'statement_wrong_contract',
    (s) => {
      s.contract = '1zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz'
    },
  ],
  [
    'statement_badly_linked',
    (s) => {
      s.prev = '0'.repeat(64)
    },
  ],
  [
    'statement_badly_linked',
    (s) => {
      s.prev = null
    },
  ],
  [
    'statement_wrong_clock',
    (s) => {
      s.clock = Number(s.clock) + 1
    },
  ],
  [
    'statement_wrong_clock',
    (s) => {
      s.clock = Number(s.clock) - 1
    },
  ],
  [
    'statement_covers_backwards',
    (s) => {
      s.seen = {
        ana: {
          seq: 0,
          hash: allOf(ana).find(({ statement }) => statement.party === 'ana' && statement.seq === 0)?.hash,
        },
      }
    },
  ],
  [
    'statement_covers_backwards',
    (s) => {
      const own = allOf(ana)
        .filter(({ statement }) => statement.party === 'ben')
        .at(-1)
      s.seen = { ...(s.seen as object), ben: { seq: own?.statement.seq, hash: own?.hash } }
    },
  ],
  [
    'statement_unfit_refusal',
    (s) => {
      s.refusals = [{ request: { handle: 'ana', seq: 0, index: 0 }, code: 'person' }]
    },
  ],
  [
    'statement_unfit_refusal',
    (s) => {
      s.refusals = [{ request: { handle: 'ben', seq: 0, index: 0 }, code: 'person' }]
    },
  ],
  [
    'statement_unfit_refusal',
    (s) => {
      s.refusals = [{ request: { handle: 'ana', seq: asked.statement.seq, index: 7 }, code: 'person' }]
    },
  ],
  [
    'statement_unfit_decision',
    (s) => {
      s.decided = [{ request: { handle: 'ana', seq: asked.statement.seq, index: 0 }, decision: 'confirmed' }]
    },
  ],
  [
    'statement_unfit_decision',
    (s) => {
      s.decided = [{ request: { handle: 'ben', seq: 99, index: 0 }, decision: 'withdrawn', code: 'timed_out' }]
    },
  ],
]

t.test('a statement that breaks a rule is refused with the code of the rule, and leaves no trace', async (t) => {
  for (const [code, change] of cases) {
    const decoded = decodeSigned(ben.forges(honest, change))
    const { refused, state, taken } = receive(ana.state, [decoded])
    t.match(refused, [{ error: { code } }], code)
    t.equal(taken.length, 0)
    t.equal(state, ana.state)
  }
})

t.test('the same statement as its party meant it is taken', async (t) => {
  t.equal(receive(ana.state, [honest]).taken.length, 1)
})

t.test('a signature by another key is refused', async (t) => {
  const forged = decodeSigned(ana.forges(honest, () => {}))
  t.match(receive(ana.state, [forged]).refused, [{ error: { code: 'statement_badly_signed' } }])
})

t.test('an observer makes no requests, a stranger says nothing', async (t) => {
  cleo.hears(...allOf(ana))
  const wish = cleo.requests({ type: 'AddBlock', parent: '0', name: 'mine' })
  ana.hears(...allOf(cleo).filter(({ statement }) => statement.party !== 'cleo'))
  t.match(receive(ana.state, [wish]).refused, [{ error: { code: 'statement_not_admitted' } }])
  const dov = new Player('dov')
  dov.state = ana.state
  t.match(receive(ana.state, [dov.says()]).refused, [{ error: { code: 'statement_unknown_party' } }])
})

t.test('what runs ahead waits, whatever it lacks', async (t) => {
  ben.state = before
  const first = ben.says()
  const second = ben.proposes('0.0', 'Chile')
  const ahead = receive(ana.state, [second])
  t.equal(ahead.waiting.length, 1)
  t.equal(ahead.state, ana.state)
  t.equal(receive(ana.state, [second, first]).taken.length, 2)
  t.equal(receive(emptyAgreement(CONTRACT), [second, first]).waiting.length, 2)
})

t.test('the first statement of a contract opens it, with the key that it names', async (t) => {
  const eve = new Player('eve', undefined, contractFoundedBy('eve'))
  const opening = eve.requests(eve.opening())
  const bad: ((s: Record<string, unknown>) => void)[] = [
    (s) => {
      s.requests = []
    },
    (s) => {
      ;(s.requests as { tentative?: true }[])[0] = { ...(s.requests as object[])[0], tentative: true }
    },
    (s) => {
      s.requests = [{ id: 'x', commands: [{ type: 'AddBlock', parent: '0', name: 'x' }] }]
    },
    (s) => {
      s.party = 'mallory'
    },
  ]
  for (const change of bad) {
    const { refused } = receive(emptyAgreement(eve.contract), [decodeSigned(eve.forges(opening, change))])
    t.match(refused, [{ error: { code: 'statement_bad_genesis' } }])
  }
  const stolen = decodeSigned(ana.forges(opening, () => {}))
  t.match(receive(emptyAgreement(eve.contract), [stolen]).refused, [{ error: { code: 'statement_badly_signed' } }])
})

t.test('a UID belongs to the handle and the key that founded it', async (t) => {
  const [eve, mallory] = ['eve', 'mallory'].map(
    (handle) => new Player(handle, undefined, contractFoundedBy('eve')),
  ) as [Player, Player]
  const verdictOn = (opening: SignedStatement) =>
    receive(emptyAgreement(eve.contract), [opening]).refused[0]?.error.code
  const others = [
    mallory.requests(mallory.opening()),
    new Player('eve', mallory.keys, eve.contract).requests({
      ...mallory.opening(),
      founder: { ...eve.card, keys: mallory.card.keys },
    }),
    new Player('mallory', eve.keys, eve.contract).requests({
      ...eve.opening(),
      founder: { ...mallory.card, keys: eve.card.keys },
    }),
  ]
  for (const opening of others) t.equal(verdictOn(opening), 'statement_unfit_uid')
  const recovered = { ...eve.card, name: 'Eve & Co', keys: { ...eve.card.keys, recovery: mallory.card.keys.recovery } }
  t.equal(
    verdictOn(eve.requests({ ...eve.opening(), founder: recovered })),
    undefined,
    'nothing else of the card is in it',
  )
})

t.test(
  'of an own statement everything is found that others would refuse, but for the signature it lacks',
  async (t) => {
    const eve = new Player('eve', undefined, contractFoundedBy('eve'))
    const { limits, ...rest } = eve.opening() as unknown as { limits: object; type: string }
    eve.requests({ ...rest, limits: { ...limits, commandsPerRequest: 1 } })
    const block = (name: string) => ({ type: 'AddBlock', parent: '0', name })
    const refusalOf = (commands: { type: string }[], payloads: Payloads = {}) => {
      const wishes = { ...noWishes, requests: [eve.request(commands)], payloads }
      return completed(refusalOfOwn(eve.state, draft(eve.state, eve.handle, wishes, TIME), payloads))
    }
    t.equal(refusalOf([block('a')]), undefined)
    t.match(refusalOf([block('a'), block('b')]), { code: 'statement_too_large' })
    t.match(refusalOf([]), { code: 'statement_malformed' })
    const wide = { ...block('a'), also: Array.from({ length: JSON_MEMBERS_MAX }, () => 0) }
    t.match(refusalOf([wide]), { code: 'statement_too_large' })
    const deep = { ...block('a'), also: JSON.parse(`${'['.repeat(JSON_DEPTH_MAX)}${']'.repeat(JSON_DEPTH_MAX)}`) }
    t.match(refusalOf([deep]), { code: 'statement_too_large' })
    const { seal: sealed, payload } = seal('x', new Uint8Array(16))
    t.match(refusalOf([block('a')], { [sealed]: payload }), { code: 'payload_mismatch' })
    t.match(completed(refusalOfOwn(emptyAgreement(eve.contract), draft(eve.state, eve.handle, noWishes, TIME), {})), {
      code: 'statement_badly_linked',
    })
  },
)

t.test('limits that the contract pins are kept', async (t) => {
  const eve = new Player('eve', undefined, contractFoundedBy('eve'))
  const { limits, ...rest } = eve.opening() as unknown as { limits: object; type: string }
  eve.requests({ ...rest, limits: { ...limits, requestsPerStatement: 2, commandsPerRequest: 1 } })
  const block = (name: string) => ({ type: 'AddBlock', parent: '0', name })
  const state = eve.state
  const requests = [1, 2, 3].map((n) => eve.request([block(`b${n}`)]))
  t.match(receive(state, [eve.says({ requests })]).refused, [{ error: { code: 'statement_too_large' } }])
  eve.state = state
  t.match(receive(state, [eve.requests(block('a'), block('b'))]).refused, [{ error: { code: 'statement_too_large' } }])
})

t.test('a seal that is not that of its value is refused before anything else', async (t) => {
  const eve = new Player('eve', undefined, contractFoundedBy('eve'))
  eve.requests(eve.opening())
  const made = eve.proposes('0.0', 'x')
  const [sealed, payload] = Object.entries(made.payloads)[0] as [string, { salt: string; value: unknown }]
  const line = (payloads: object) =>
    JSON.stringify({ payloads, signature: made.signature, statement: 0 }).replace(
      '"statement":0',
      `"statement":${made.text}`,
    )
  const other = { ...payload, value: 'y' }
  t.throws(() => decodeSigned(line({ [sealed]: other })), { code: 'payload_mismatch' })
  t.throws(() => decodeSigned(line({ [sealed]: payload, [sealOf(other)]: other })), {
    code: /payload_mismatch|statement_not_canonical/,
  })
})
