import t from 'tap'
import { seal } from '../../src/events/seal.ts'
import { decodeSigned, encodeSigned } from '../../src/events/statement-codec.ts'
import { market, owes, talk } from '../support/market.ts'

const { seal: hidden, payload } = seal('kept back', new Uint8Array(16))

t.test(
  'beside a vote to break a lock nothing can be kept back from its holder: its refusal counts there',
  async (t) => {
    for (const [name, commands] of [
      ['more than the vote', [{ type: 'BreakLock' }, { type: 'ProposeValue', field: '0.0', seal: hidden, basis: [] }]],
      ['a seal in the vote', [{ type: 'BreakLock', seal: hidden }]],
    ] as const) {
      const [ana, mal] = market('ana', 'mal')
      ana.requests({ type: 'LockRecord', purpose: 'edit' })
      talk([ana, mal], owes)
      const asked = mal.says({ requests: [mal.request([...commands])], payloads: { [hidden]: payload } })
      ana.hears(decodeSigned(encodeSigned(asked.text, asked.signature, {})))
      const request = { handle: mal.handle, index: 0, seq: asked.statement.seq }
      const answer = ana.says({ refusals: [{ code: 'payload_missing', request }] })
      t.equal(ana.state.ledger.lacking, undefined, name)
      mal.hears(answer)
      t.equal(mal.acknowledged, ana.acknowledged)
      t.same(mal.state.settling.divergences, [], 'who lacks the value signs the same head as who has it')
    }
  },
)

t.test('of the vote alone it does not count', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const locked = ana.requests({ type: 'LockRecord', purpose: 'edit' })
  t.ok(locked)
  talk([ana, ben], owes)
  const { lock } = ana.state.settling.agreed
  const asked = ben.requests({ type: 'BreakLock', lock: lock?.index })
  ana.hears(asked)
  const request = { handle: ben.handle, index: 0, seq: asked.statement.seq }
  ana.says({ refusals: [{ code: 'person', request }] })
  t.equal(ana.state.ledger.document.lock, null)
})
