import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import { packText, unpackText } from '../../../src/store/sqlite/packed-text.ts'
import { codePoint } from '../../support/code-point.ts'

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const signature = fc
  .uint8Array({ minLength: 64, maxLength: 64 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'))
const phrase = fc.constantFrom('{"signature":"ed25519:', '"},"statement":"', '","seq":', '":{"hash":"', 'Z","v":1}}')
/** Whatever may stand beside each other, in order or not. */
const text = fc
  .array(fc.oneof(hash, signature, phrase, fc.string({ unit: codePoint, maxLength: 90 }), fc.json()), { maxLength: 12 })
  .map((parts) => parts.join(''))
  .filter((text) => text.isWellFormed())

const hex = (bytes: number) => randomBytes(bytes).toString('hex')

t.test('any text comes back to the character, or is not packed', async () => {
  fc.assert(
    fc.property(text, (text) => {
      const packed = packText(text)
      if (packed === undefined) return [...text].some((character) => character < ' ')
      return packed.length <= Buffer.byteLength(text) && unpackText(packed)?.toString() === text
    }),
    { numRuns: 1_000 },
  )
})

t.test('what is nearly a hash or a signature comes back as it is', async (t) => {
  const base64url = randomBytes(64).toString('base64url')
  for (const near of [
    hex(32).toUpperCase(),
    `${hex(32)}0`,
    hex(31),
    base64url.slice(0, 85),
    `${base64url.slice(0, 85)}_`,
  ])
    t.equal(
      unpackText(packText(`{"a":"ed25519:${near}","b":"${near}"}`) as Buffer)?.toString(),
      `{"a":"ed25519:${near}","b":"${near}"}`,
    )
})

t.test('a statement takes less than half', async (t) => {
  const place = (seq: number) => ({ hash: hex(32), seq })
  const text = canonicalJson({
    signature: `ed25519:${randomBytes(64).toString('base64url')}`,
    statement: {
      clock: 2824,
      contract: 'x'.repeat(52),
      decided: [],
      head: { record: hex(32), root: hex(32), size: 2205 },
      party: 'ana',
      prev: hex(32),
      refusals: [],
      requests: [],
      seen: { ben: place(1410), cleo: place(1409) },
      seq: 1414,
      time: '2026-11-28T22:40:13.008Z',
      v: 1,
    },
  })
  const packed = packText(text) as Buffer
  t.ok(packed.length < text.length / 2, `${packed.length} of ${text.length} bytes`)
})

t.test('what packing never makes is no text', async (t) => {
  const letters = (count: number): number[] => Array(count).fill(0x41)
  const ends = [
    [1, 7],
    [1, ...letters(31)],
    [2, ...Array(63).fill(7)],
    [0x41, 2, ...letters(63)],
  ]
  for (const bytes of [[0], ...ends]) t.equal(unpackText(Buffer.from(bytes)), undefined)
})
