import type { Hash } from '../../src/crypto/hash.ts'
import {
  decodeEntries,
  encodeEntries,
  eventsFor,
  evolved,
  nothingStands,
} from '../../src/store/eventstoredb/payload-events.ts'
import type { NewEvent } from '../../src/store/port.ts'
import { decodeEvents, rowsOf } from '../../src/store/sqlite/event-row.ts'
import { decodeRow, encodeRow } from '../../src/store/sqlite/payload-row.ts'
import type { Target } from './target.ts'

const entries = (count: number) =>
  new Map(
    Array.from({ length: count }, (_, n) => [
      n.toString(16).padStart(64, '0') as Hash,
      JSON.stringify({ salt: 'A'.repeat(22), value: `ü 😀 ${n}` }),
    ]),
  )
const groups = [0, 1, 3, 40].map(entries)

const appends = [1, 3, 100].map((count) =>
  Array.from({ length: count }, (_, n) => ({
    type: ['StatementMade', 'RequestSettled', 'DivergenceSeen'][n % 3] as string,
    data: JSON.stringify({ n, text: `ü 😀 ${n}`.repeat(n % 20) }),
  })),
)
/** A character that counts the events, and the row as it stands beside that number. */
const rowText = (events: readonly NewEvent[]) => {
  const [{ count, row }] = Array.from(rowsOf(events)) as [{ count: number; row: Buffer }]
  return String.fromCharCode(count) + row.toString('latin1')
}

/** Rows and events in which payloads and events are kept. */
export const payloadTargets: readonly Target[] = [
  {
    name: 'a row of payloads',
    valid: groups.map((group) => encodeRow(group).toString('latin1')),
    decode(text) {
      const row = Buffer.from(text, 'latin1')
      const group = decodeRow(row)
      // What has characters that are no bytes is another row than its text.
      if (row.toString('latin1') !== text) return undefined
      // What is compressed may have been compressed in another way.
      const isPlain = row[0] === 0 && encodeRow(group)[0] === 0
      const isSame = JSON.stringify([...decodeRow(encodeRow(group))]) === JSON.stringify([...group])
      return () => (isPlain ? encodeRow(group).toString('latin1') : isSame ? text : 'not the same')
    },
  },
  {
    name: 'a row of events',
    valid: appends.map(rowText),
    decode(text) {
      const row = Buffer.from(text.slice(1), 'latin1')
      const events = decodeEvents(row, text.charCodeAt(0), { path: 'store', revision: 1_000, position: 1_000 })
      if (row.toString('latin1') !== text.slice(1)) return undefined
      const again = rowText(events)
      const back = decodeEvents(Buffer.from(again.slice(1), 'latin1'), events.length, {
        path: 'store',
        revision: 1_000,
        position: 1_000,
      })
      const isPlain = row[0] === 0 && again.charCodeAt(1) === 0
      return () => (isPlain ? again : JSON.stringify(back) === JSON.stringify(events) ? text : 'not the same')
    },
  },
  {
    name: 'events of a group of payloads',
    valid: groups.map(encodeEntries),
    decode(text) {
      const types = [
        'PayloadsBegun',
        'PayloadsContinued',
        'PayloadsKept',
        'PayloadsKeptEnded',
        'PayloadsRewritten',
        'x',
      ]
      let standing = nothingStands
      for (let n = 0; n < 12; n++) {
        const type = types[(text.length * 7 + n * 5) % types.length] as string
        const data = text.slice((text.length * (n % 3)) / 3)
        standing = evolved(standing, { type, data, stream: 'x', revision: n, position: n })
        // Whatever stands there, a group can be put behind it and then stands.
        const { events } = eventsFor('kept', entries(3), standing)
        const after = events.reduce(
          (before, event, index) => evolved(before, { ...event, stream: 'x', revision: n + 1 + index, position: 0 }),
          standing,
        )
        if ([...entries(3).keys()].some((seal) => !after.entries.has(seal))) return () => 'not put'
      }
      const { entries: group } = decodeEntries(text)
      // A seal that stands there twice counts once, and what is no entry is left out with all behind it.
      return encodeEntries(group) === text ? () => text : undefined
    },
  },
]
