import t from 'tap'
import { refusingRule } from '../../src/documents/refusing-rule.ts'
import type { ElementId } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import { owes, TIME, talk } from '../support/market.ts'
import { ruledMarket } from '../support/ruled-market.ts'

t.test('a refusal shows the value that was refused, also where it would only wait for votes', async (t) => {
  const voted = { at: '0.0', body: { kind: 'validation', who: { fields: [], parties: ['ben'] } } }
  const { players } = ruledMarket(['ana', 'ben'], 'A != "red"', voted)
  const [ana] = players
  const value = seal('red', new Uint8Array(16))
  const payloads = { [value.seal]: value.payload }
  const command = { type: 'ProposeValue', field: '0.0' as ElementId, seal: value.seal, basis: [] }
  ana.says({ requests: [ana.request([command])], payloads })
  talk(players, owes)
  const outcome = { kind: 'void', reason: { code: 'rule_broken', command: 0, with: ['1', '0'] } } as const
  const asked = { author: ana.handle, commands: [command], isChangeSet: false, payloads, time: TIME }
  const ports = { payloads: openMemoryStore().payloads, turns: undefined }
  t.match(await refusingRule(outcome, asked, ana.state, ports), { number: 1, inputs: [{ path: 'A', value: 'red' }] })
})
