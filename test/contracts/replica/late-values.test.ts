import t from 'tap'
import type { ContractView } from '../../../src/contracts/contract-view.ts'
import { LateValues } from '../../../src/contracts/replica/inbound/late-values.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { seal } from '../../../src/events/seal.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { groupOf } from '../../../src/store/payload-group.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'
import { CONTRACT, market, owes, talk } from '../../support/market.ts'

t.test('a confidential value is asked for although another statement seals the same, and that is held', async (t) => {
  const players = market('ana', 'ben')
  const [ana, ben] = players
  const audience = ['ana', 'ben']
  ana.requests(
    { type: 'AddBlock', parent: '0', name: 'Terms', owner: 'ana' },
    { type: 'SetAudience', element: '#0', parties: audience },
    { type: 'AddField', parent: '#0', name: 'Fee', field: { type: 'text' } },
    { type: 'AddField', parent: '#0', name: 'Fine', field: { type: 'text' } },
  )
  talk(players, owes)
  const { seal: sealed, payload } = seal('the same', new Uint8Array(16))
  const [held, missing] = ['0.2.0', '0.2.1'].map((field) => {
    const command = { type: 'ProposeValue', field, seal: sealed, basis: [], audience }
    const { seq } = ana.says({ requests: [ana.request([command])], payloads: { [sealed]: payload } }).statement
    talk(players, owes)
    return seq
  }) as [number, number]
  const { payloads } = openMemoryStore()
  const text = JSON.stringify(payload)
  await payloads.put(CONTRACT, groupOf({ handle: ana.handle, seq: held }), [{ seal: sealed as Hash, text }])
  const view = { contract: CONTRACT, self: ben.handle, state: ben.state, isClosed: false } as unknown as ContractView
  const found = Promise.withResolvers<void>()
  const late = new LateValues(view, payloads, new VirtualClock(), found.resolve)
  late.look()
  await found.promise
  t.same(late.wanted, [{ party: ana.handle, seals: [sealed], seq: missing }])
})
