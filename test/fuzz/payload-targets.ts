import type { Hash } from '../../src/crypto/hash.ts'
import {
  decodeEntries,
  encodeEntries,
  eventsFor,
  evolved,
  nothingStands,
} from '../../src/store/eventstoredb/payload-events.ts'
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

/** Rows and events in which the payloads of a group are kept. */
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
