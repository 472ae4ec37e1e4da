import t from 'tap'
import { bytesOf } from '../../src/aggregates/contract/entry-room.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { ContractEvent } from '../../src/events/contract-events.ts'
import type { ElementId, ProposalId } from '../../src/events/ids.ts'
import { COMPUTED_CHARACTERS_MAX, ENTRY_EVENTS_BYTES_MAX, ENTRY_EVENTS_MAX } from '../../src/events/limits.ts'
import { seal } from '../../src/events/seal.ts'
import { encodeKnownEntry } from '../../src/gossip/known-entry-line.ts'
import { decodeMessage, encodeMessage } from '../../src/gossip/message.ts'
import { APPEND_BYTES_MAX } from '../../src/store/eventstoredb/event-log.ts'
import { bytesInGroup, GROUP_BYTES_MAX } from '../../src/store/payload-group.ts'
import { CONTRACT, Player } from '../support/market.ts'

/** What an entry has room for beside what it is judged to make: switches, flags, and change sets that end (decision 0150). */
const BESIDE_BYTES = (64 + 64 + 128) * 1024

const ana = new Player('ana')
const opening = ana.requests(ana.opening())

/** As many as fit into so many bytes, and into an entry. */
function upTo(bytesMax: number, made: (at: number) => ContractEvent): ContractEvent[] {
  const events: ContractEvent[] = []
  for (let bytes = 0; events.length < ENTRY_EVENTS_MAX; ) {
    const event = made(events.length)
    bytes += bytesOf([event])
    if (bytes > bytesMax) break
    events.push(event)
  }
  return events
}

const index = 7
const flag = (at: number): ContractEvent => ({ at: `0.${at}` as ElementId, rule: 1, type: 'RuleFlagged' })
const texts = new Map<Hash, string>()
const computed = (at: number): ContractEvent => {
  const amount = { amount: String(at).padEnd(980, '0'), currency: 'GBP' }
  const { payload, seal: sealed } = seal(amount, new Uint8Array(16))
  texts.set(sealed, canonicalJson(payload))
  const [field, proposal] = [`0.1.${at}` as ElementId, `rule:1.${index}.0.1.${at}` as ProposalId]
  return { field, proposal, rule: 1, seal: sealed, type: 'ValueComputed' }
}

const cases = {
  'of flags alone': (): ContractEvent[] => upTo(ENTRY_EVENTS_BYTES_MAX, flag),
  'of computed values': (): ContractEvent[] => upTo(ENTRY_EVENTS_BYTES_MAX, computed),
}

for (const [name, made] of Object.entries(cases)) {
  t.test(
    `the largest entry, ${name}, is one append of every store, one group of payloads, and one line of a message`,
    async (t) => {
      const events = [...made(), ...upTo(BESIDE_BYTES, flag)]
      const entry = {
        answers: opening.hash,
        author: ana.handle,
        events,
        index,
        outcome: { kind: 'accepted' as const },
        record: opening.hash,
        request: { handle: ana.handle, index: 0, seq: 0 },
        statement: opening.hash,
        time: '2026-01-01T00:00:00.000Z',
      }
      const bytes = Buffer.byteLength(canonicalJson(entry))
      t.ok(bytes < APPEND_BYTES_MAX - 64 * 1024, `${bytes} bytes`)
      const characters = [...texts.values()].reduce((sum, text) => sum + text.length, 0)
      t.ok(
        name === 'of flags alone' || characters > COMPUTED_CHARACTERS_MAX * 0.9,
        `${characters} characters are computed`,
      )
      t.ok(bytesInGroup(texts) < GROUP_BYTES_MAX, 'one group')
      const line = encodeKnownEntry(CONTRACT, entry, texts)
      t.same(decodeMessage(encodeMessage(new Map(), [line], [])).entries[0]?.known.entry, entry)
    },
  )
}
