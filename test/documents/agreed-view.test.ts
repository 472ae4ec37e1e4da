import t from 'tap'
import type { Field } from '../../src/aggregates/contract/document/element.ts'
import type { Proposal } from '../../src/aggregates/contract/values/standing.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import { AgreedView } from '../../src/documents/agreed-view.ts'
import type { ElementId } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import { refOf } from '../../src/store/payload-group.ts'
import { type Act, given, UID } from '../support/document.ts'
import { Party } from '../support/document-party.ts'

const ana = new Party('ana')
const mexico = seal('Mexico', new Uint8Array(16))
const proposed: Act = {
  author: ana.handle,
  write: () => ({
    commands: [{ type: 'ProposeValue', field: '0.0' as ElementId, seal: mexico.seal, basis: [] }],
    values: new Map([[mexico.seal, mexico.payload]]),
  }),
}
const { state } = given(ana.opens(), ana.addsField('Country'), proposed)

t.test('a value that the store gives and nobody has sealed is shown to nobody', async (t) => {
  const shownOf = async (text: string) => {
    const store = openMemoryStore()
    t.teardown(() => store.close())
    const view = new AgreedView(state, UID, store.payloads)
    const field = view.find(['Country']) as Field
    const { group, seal } = refOf(field.agreed as Proposal)
    await store.payloads.put(UID, group, [{ seal, text }])
    return view.valueOf(field)
  }
  t.equal(await shownOf(canonicalJson(mexico.payload)), 'Mexico')
  const chile = canonicalJson(seal('Chile', new Uint8Array(16)).payload)
  const spaced = JSON.stringify(mexico.payload, null, 1)
  for (const text of [chile, spaced, '{}']) {
    await t.rejects(shownOf(text), { code: 'contract_damaged' }, text)
  }
})
