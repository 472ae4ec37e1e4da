import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import t from 'tap'
import type { Uid } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import {
  coreHash,
  decodeBare,
  decodeSigned,
  decodeStored,
  encodeCore,
  encodeStatement,
  encodeStored,
  withStoredPayloads,
} from '../../src/events/statement-codec.ts'
import { Player } from '../support/market.ts'

const ana = new Player('ana')
const made = ana.requests(ana.opening())
const line = JSON.stringify({ payloads: {}, signature: made.signature, statement: 0 }).replace(
  '"statement":0',
  `"statement":${made.text}`,
)

t.test('a statement is hashed over its domain line and its canonical JSON', async (t) => {
  t.equal(made.text, canonicalize(made.statement))
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  t.equal(made.hash, hash(`concordata/v1/statement\n${made.text}`))
  const { head: _head, note: _note, ...core } = made.statement
  t.equal(made.core, hash(`concordata/v1/core\n${canonicalize(core)}`))
  t.equal(made.core, coreHash(encodeCore(core)))
})

t.test('the whole is put together from the core, whatever texts stand before the place', async (t) => {
  const { head, note: _note, ...core } = made.statement
  const tricky = {
    ...core,
    contract: '","party":"x' as Uid,
  }
  const note = { size: 1, root: head.root, record: head.record, time: 1, signature: made.signature }
  t.equal(encodeStatement(encodeCore(tricky), { head }), canonicalize({ ...tricky, head }))
  t.equal(encodeStatement(encodeCore(tricky), { head, note }), canonicalize({ ...tricky, head, note }))
})

t.test('what is taken apart is put together again', async (t) => {
  t.same(decodeSigned(line), made)
  t.same(
    decodeStored(encodeStored(made.text, made.signature), () => ({})),
    made,
  )
})

t.test('a stored line is taken apart once, and each time compared with the values that stand beside it', async (t) => {
  const stored = encodeStored(made.text, made.signature)
  t.equal(decodeBare(stored), decodeBare(`${stored}`), 'the same line is known')
  t.equal(withStoredPayloads(decodeBare(stored), {}).statement, decodeBare(stored).statement)
  const { seal: unnamed, payload } = seal('a value', new Uint8Array(16))
  t.throws(() => withStoredPayloads(decodeBare(stored), { [unnamed]: payload }), { code: 'payload_mismatch' })
  t.throws(() => decodeBare(stored.replace('"v":1', '"v":2')), { code: 'statement_malformed' })
  t.throws(() => decodeBare(` ${stored}`), { code: 'statement_not_canonical' })
})

const deep = `${'['.repeat(40)}${']'.repeat(40)}`
const cases: readonly [code: string, line: string, what: string][] = [
  ['statement_malformed', '', 'nothing'],
  ['statement_malformed', 'null', 'no object'],
  ['statement_malformed', '{"statement":{}}', 'no statement'],
  ['statement_malformed', line.replace('"v":1', '"v":2'), 'another version'],
  ['statement_malformed', line.replace('"v":1', '"v":1,"x":1'), 'a member too many'],
  ['statement_malformed', line.replace('"seq":0', '"seq":-1'), 'a negative seq'],
  ['statement_malformed', line.replace('"seq":0', '"seq":1.5'), 'half a seq'],
  ['statement_malformed', line.replace('"seq":0', '"seq":9007199254740993'), 'an integer that is rounded'],
  ['statement_malformed', line.replace(/"time":"[^"]*"/, '"time":"yesterday"'), 'no time'],
  [
    'statement_malformed',
    line.replace(made.signature, `${made.signature.slice(0, -1)}B`),
    'spare bits in the signature',
  ],
  ['statement_not_canonical', ` ${line}`, 'white space'],
  ['statement_not_canonical', line.replace('"seq":0', '"seq":0,"seq":0'), 'a member twice'],
  ['statement_not_canonical', line.replace('"seq":0', '"seq":0.0'), 'a number spelled otherwise'],
  ['statement_not_canonical', line.replace('"title":"test"', '"title":"\\u0074est"'), 'an escape that is not needed'],
  ['statement_not_canonical', line.replace('"title":"test"', '"title":"\\ud800"'), 'a lone surrogate'],
  [
    'statement_not_canonical',
    line.replace('{"payloads":{},', '{').replace(/}$/, ',"payloads":{}}'),
    'members in another order',
  ],
  ['statement_too_large', line.replace('"title":"test"', `"title":${deep}`), 'JSON that is nested too deep'],
  [
    'statement_too_large',
    line.replace('"title":"test"', `"title":"${'x'.repeat(800_000)}"`),
    'a statement that is too long',
  ],
  ['statement_too_large', 'x'.repeat(8 * 1024 * 1024 + 1), 'a line that is too long'],
  ['statement_not_canonical', `[${'{"k":0},'.repeat(60_000)}0]`, 'a long line that begins as none'],
  ['statement_not_canonical', 'x'.repeat(100_000), 'a long line that is no JSON'],
]

t.test('bytes that are not exactly a statement are refused with a code', async (t) => {
  for (const [code, bytes, what] of cases) t.throws(() => decodeSigned(bytes), { code, name: 'StatementRefused' }, what)
})
