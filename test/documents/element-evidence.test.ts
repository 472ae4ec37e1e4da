import t from 'tap'
import { childrenOf, type Field } from '../../src/aggregates/contract/document/element.ts'
import { elementEvidence } from '../../src/documents/elements/element-evidence.ts'
import { ROOT } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import type { PastValue } from '../../src/projections/queries/value-history.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import { contractStream, feedStream } from '../../src/store/streams.ts'
import { Recorder } from '../support/busy-contract.ts'
import { CONTRACT, Player } from '../support/market.ts'
import { reading } from '../support/reading-store.ts'

const FIELDS = 100

t.test('of values that one request has agreed each is proven, and what proves them is read once', async (t) => {
  const ana = new Player('ana')
  const stored = openMemoryStore()
  t.teardown(() => stored.close())
  const recorder = await Recorder.open(stored, CONTRACT, ana.card)
  const fields = Array.from({ length: FIELDS }, (_, n) => ({
    type: 'AddField',
    parent: ROOT,
    name: `${n}`,
    field: { type: 'text' },
  }))
  await recorder.hears(ana.requests(ana.opening(), ...fields))
  const sealed = fields.map(({ name }) => seal(name, new Uint8Array(16)))
  const commands = sealed.map(({ seal }, n) => ({ type: 'ProposeValue', field: `0.${n}`, seal, basis: [] }))
  const payloads = Object.fromEntries(sealed.map(({ seal, payload }) => [seal, payload]))
  await recorder.hears(ana.says({ requests: [ana.request(commands)], payloads }))
  const { state } = recorder
  const document = state.settling.agreed.document
  const index = state.settling.settled - 1
  const past = [...childrenOf(document)].map((element, place): PastValue => {
    const { agreed, id } = element as Field
    return {
      agreedAt: index,
      endedAt: null,
      field: id,
      place,
      proposal: agreed?.id,
      revealedIn: null,
      seal: agreed?.seal,
    } as PastValue
  })
  const read: string[] = []
  const store = reading(stored, (stream, events) => {
    read.push(stream)
    return events
  })
  let turns = 0
  const everyStep = { isOver: true, next: async () => void turns++ }
  const ports = { store, valueHistory: { of: () => past }, turns: everyStep }
  const { values } = await elementEvidence(document, CONTRACT, state, ports, { limit: FIELDS })
  t.same(
    values.map(({ opened }) => opened?.value),
    fields.map(({ name }) => name),
  )
  t.ok(values.every(({ entry, statement }) => entry.includes('ProposalAgreed') && statement !== undefined))
  t.same(read.sort(), [contractStream(CONTRACT), feedStream(CONTRACT, ana.handle)])
  t.equal(turns, FIELDS)
})
