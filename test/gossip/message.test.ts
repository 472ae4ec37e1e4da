import t from 'tap'
import { beyond, frontierOf } from '../../src/agreement/feeds.ts'
import { WANTED_COMPUTED_MAX } from '../../src/agreement/values/known-entries.ts'
import { emptyVector } from '../../src/agreement/version-vector.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { CONTENT_PIECE_BYTES } from '../../src/events/attachments/content.ts'
import type { Uid } from '../../src/events/ids.ts'
import { JSON_DEPTH_MAX } from '../../src/events/limits.ts'
import { seal, sealOf } from '../../src/events/seal.ts'
import type { Payload } from '../../src/events/statement.ts'
import { encodeSigned } from '../../src/events/statement-codec.ts'
import { forksAgainst, linesFor, newsFor, vectorOf, visibleTo } from '../../src/gossip/exchange.ts'
import {
  decodeMessage,
  encodeMessage,
  encodePayloads,
  MESSAGE_CHARACTERS_SOFT_MAX,
  REFUSALS_PER_MESSAGE_MAX,
  WANTED_OF_ONE_MAX,
  WANTED_STATEMENTS_MAX,
  WANTED_VALUES_MAX,
  WORDS_PER_MESSAGE_MAX,
} from '../../src/gossip/message.ts'
import { encodePiece, WANTED_PIECES_MAX } from '../../src/gossip/piece-line.ts'
import { busyTime } from '../support/event-loop.ts'
import { CONTRACT, contractFoundedBy, Player } from '../support/market.ts'

const ana = new Player('ana')
const ben = new Player('ben')
const first = ana.requests(ana.opening())
const second = ana.requests({ type: 'InviteParty', party: ben.card })

t.test('a message says what is held, and carries statements and words', async (t) => {
  const frontiers = new Map([[CONTRACT, frontierOf(ana.state.feeds)]])
  const lines = [first, second].map(({ text, signature, payloads }) => encodeSigned(text, signature, payloads))
  const accepted = ben.accepts(1)
  const message = decodeMessage(encodeMessage(frontiers, lines, [accepted]))
  const asides = { lacks: new Map(), pieces: new Map(), wants: new Map(), waits: new Map() }
  const none = { ...asides, entries: [], payloads: [], pieceLines: [], refused: [] }
  t.same(message, { ...none, frontiers, statements: [first, second], words: [accepted] })
})

const sealed = seal('x', new Uint8Array(16))
const place = { contract: CONTRACT, party: ana.handle, seq: 7 }
const payloadLine = (payload: Payload, of = sealed.seal) =>
  encodePayloads(place, new Map([[of, canonicalJson(payload)]]))

t.test('a message says which values are missing, why something is left uncovered, and brings values', async (t) => {
  const wanted = [{ party: ana.handle, seals: [sealed.seal], seq: 7 }]
  const asides = { wants: new Map([[CONTRACT, wanted]]), waits: new Map([[CONTRACT, 'payload' as const]]) }
  const text = encodeMessage(new Map(), [payloadLine(sealed.payload)], [], asides)
  t.equal(
    text,
    [
      `{"contracts":{},"v":1,"waits":{"${CONTRACT}":"payload"},"wants":{"${CONTRACT}":[{"party":"ana","seals":["${sealed.seal}"],"seq":7}]}}`,
      `{"contract":"${CONTRACT}","party":"ana","payloads":{"${sealed.seal}":{"salt":"AAAAAAAAAAAAAAAAAAAAAA","value":"x"}},"seq":7}`,
    ].join('\n'),
    'to the byte',
  )
  const payloads = [{ ...place, payloads: { [sealed.seal]: sealed.payload } }]
  t.match(decodeMessage(text), { ...asides, payloads, refused: [] })
})

t.test('a message says which entries are missing', async (t) => {
  const lacks = (computed: number[], from: number) =>
    encodeMessage(new Map(), [], [], { lacks: new Map([[CONTRACT, { computed, from }]]) })
  t.equal(lacks([3, 5], 9), `{"contracts":{},"lacks":{"${CONTRACT}":{"computed":[3,5],"from":9}},"v":1}`, 'to the byte')
  t.same(decodeMessage(lacks([3, 5], 9)).lacks, new Map([[CONTRACT, { computed: [3, 5], from: 9 }]]))
  t.same(decodeMessage(lacks([], 0)).lacks.get(CONTRACT), { computed: [], from: 0 })
  const tooMany = Array.from({ length: WANTED_COMPUTED_MAX + 1 }, (_, index) => index)
  for (const text of [lacks([5, 3], 9), lacks([3, 3], 9), lacks([9], 9), lacks(tooMany, 99), lacks([], -1)])
    t.throws(() => decodeMessage(text), { code: 'exchange_malformed' }, text)
})

t.test('a message says which pieces of contents are missing, and brings pieces', async (t) => {
  const wanted = { content: sealed.seal, count: 2, from: 3, party: ana.handle, seq: 7 }
  const piece = {
    bytes: Uint8Array.of(1, 2, 255),
    content: sealed.seal,
    contract: CONTRACT,
    index: 4,
    proof: [sealed.seal],
  }
  const text = encodeMessage(new Map(), [encodePiece(piece)], [], { pieces: new Map([[CONTRACT, [wanted]]]) })
  t.equal(
    text,
    [
      `{"contracts":{},"pieces":{"${CONTRACT}":[{"content":"${sealed.seal}","count":2,"from":3,"party":"ana","seq":7}]},"v":1}`,
      `{"bytes":"AQL_","content":"${sealed.seal}","of":"${CONTRACT}","piece":4,"proof":["${sealed.seal}"]}`,
    ].join('\n'),
    'to the byte',
  )
  t.match(decodeMessage(text), { pieces: new Map([[CONTRACT, [wanted]]]), pieceLines: [piece], refused: [] })
  const many = (count: number) => {
    const each = Array.from({ length: count }, (_, from) => ({ ...wanted, count: 4, from }))
    return encodeMessage(new Map(), [], [], { pieces: new Map([[CONTRACT, each]]) })
  }
  t.equal(decodeMessage(many(WANTED_PIECES_MAX / 4)).pieces.size, 1)
  t.throws(() => decodeMessage(many(WANTED_PIECES_MAX / 4 + 1)), { code: 'exchange_malformed' })
  const header = '{"contracts":{},"v":1}'
  for (const line of [
    encodePiece({ ...piece, bytes: new Uint8Array(CONTENT_PIECE_BYTES + 1) }),
    encodePiece({ ...piece, bytes: new Uint8Array() }),
    encodePiece(piece).replace('AQL_', 'AQL'),
    encodePiece(piece).replace('AQL_', 'AQL/'),
    encodePiece(piece).replace('"piece":4', '"piece":-1'),
    encodePiece(piece).replace('"piece":4', '"piece": 4'),
  ])
    t.throws(() => decodeMessage(`${header}\n${line}`), { code: 'exchange_malformed' })
})

t.test('a payload that does not hash to its seal is dropped, and named, and its statement is taken', async (t) => {
  const other = { ...sealed.payload, value: 'y' }
  const by = new Player('eve', undefined, contractFoundedBy('eve'))
  by.requests(by.opening())
  const { text, signature, statement } = by.proposes('0.0', 'x')
  const [own] = Object.keys(by.state.feeds.get(by.handle)?.last()?.payloads ?? {}) as Hash[]
  const lines = [
    encodeSigned(text, signature, { [own as Hash]: other }),
    encodeSigned(text, signature, { [sealOf(other)]: other }),
    payloadLine(other),
    payloadLine(sealed.payload),
  ]
  const { statements, refused, payloads } = decodeMessage(encodeMessage(new Map(), lines, []))
  t.match(
    statements.map((decoded) => [decoded.statement.seq, Object.keys(decoded.payloads).length]),
    [
      [statement.seq, 0],
      [statement.seq, 0],
    ],
  )
  const named = { contract: by.contract, party: 'eve', seq: statement.seq, count: 1 }
  t.match(refused, [
    { code: 'payload_mismatch', evidence: { ...named, seal: own } },
    { code: 'payload_mismatch', evidence: { ...named, seal: sealOf(other) } },
    { code: 'payload_mismatch', evidence: { ...place, seal: sealed.seal, count: 1 } },
  ])
  t.same(payloads.at(-1)?.payloads, { [sealed.seal]: sealed.payload })
  t.same(payloads.at(0)?.payloads, {})
})

t.test('what wants too much, or brings what no statement could, is no message', async (t) => {
  const header = (wants: unknown) => canonicalJson({ contracts: {}, v: 1, wants: { [CONTRACT]: wants } })
  const seals = (count: number) => Array.from({ length: count }, () => sealed.seal)
  const of = (count: number, seq = 0) => ({ party: 'ana', seals: seals(count), seq })
  const all = Math.ceil(WANTED_VALUES_MAX / WANTED_OF_ONE_MAX)
  t.ok(decodeMessage(header([of(WANTED_OF_ONE_MAX)])))
  t.ok(decodeMessage(header(Array.from({ length: WANTED_STATEMENTS_MAX }, (_, seq) => of(1, seq)))))
  t.ok(decodeMessage(header([of(1, 2), of(1, 10), { ...of(1), party: 'ben' }])))
  const none = encodeMessage(new Map(), [], [])
  let nested: unknown = 'x'
  for (let depth = 0; depth < JSON_DEPTH_MAX; depth++) nested = [nested]
  const deep = seal(nested, new Uint8Array(16))
  for (const text of [
    header([of(WANTED_OF_ONE_MAX + 1)]),
    header(Array.from({ length: all }, (_, seq) => of(WANTED_OF_ONE_MAX, seq))),
    header(Array.from({ length: WANTED_STATEMENTS_MAX + 1 }, (_, seq) => of(1, seq))),
    header([of(1, 1), of(1, 1)]),
    header([of(1, 1), of(1, 0)]),
    header([{ ...of(1), party: 'ben' }, of(1, 1)]),
    header([of(0)]),
    header([]),
    '{"contracts":{},"v":1,"wants":{}}',
    '{"contracts":{},"v":1,"waits":{}}',
    `{"contracts":{},"v":1,"waits":{"${CONTRACT}":"weather"}}`,
    `${none}\n{"contract":1}`,
    `${none}\n${payloadLine(sealed.payload)} `,
    `${none}\n${payloadLine(deep.payload, deep.seal)}`,
  ]) {
    t.throws(() => decodeMessage(text), { code: 'exchange_malformed' }, text.slice(0, 100))
  }
})

t.test('a bad statement does not spoil the others', async (t) => {
  const good = encodeSigned(first.text, first.signature, {})
  const message = decodeMessage(encodeMessage(new Map(), ['{"statement":1}', good], []))
  t.equal(message.statements.length, 1)
  t.match(message.refused, [{ code: 'statement_malformed' }])
})

t.test('a message ends after few statements that are refused, and what came before them is taken', async (t) => {
  const good = encodeSigned(first.text, first.signature, {})
  const bad = Array<string>(REFUSALS_PER_MESSAGE_MAX).fill('')
  const message = decodeMessage(encodeMessage(new Map(), [good, ...bad, good], []))
  t.equal(message.statements.length, 1)
  t.equal(message.refused.length, REFUSALS_PER_MESSAGE_MAX)
})

t.test('millions of lines that are none take no time', async (t) => {
  const header = '{"contracts":{},"v":1}'
  for (const filling of ['\n', '0\n', '[[\n', '{"payloads":0}\n']) {
    const busyMs = busyTime()
    const { refused } = decodeMessage(`${header}\n${filling.repeat((16 * 1024 * 1024) / filling.length)}`)
    t.equal(refused.length, REFUSALS_PER_MESSAGE_MAX)
    t.ok(busyMs() < 1_000, JSON.stringify(filling))
  }
})

t.test('nor does a line of millions of members, or of levels', async (t) => {
  const header = '{"contracts":{},"v":1}'
  const lines = [
    `[${'0,'.repeat(2 * 1024 * 1024)}0]`,
    `{"payloads":{${Array.from({ length: 200_000 }, (_, at) => `"a${at}":0`)}},"signature":"","statement":{}}`,
    '['.repeat(4 * 1024 * 1024),
    '{"a":'.repeat(1_000_000),
  ]
  for (const line of lines) {
    const busyMs = busyTime()
    t.match(decodeMessage(`${header}\n${line}`).refused, [{ code: 'statement_too_large' }], line.slice(0, 20))
    t.throws(() => decodeMessage(line), { code: 'exchange_malformed' })
    t.ok(busyMs() < 1_000, line.slice(0, 20))
  }
})

t.test('a message carries the words of as many contracts as it may speak of, and no more', async (t) => {
  const words = Array.from({ length: WORDS_PER_MESSAGE_MAX }, () => ben.accepts(1))
  t.equal(decodeMessage(encodeMessage(new Map(), [], words)).words.length, WORDS_PER_MESSAGE_MAX)
  const more = encodeMessage(new Map(), [], [...words, ben.accepts(1)])
  t.throws(() => decodeMessage(more), { code: 'exchange_malformed' })
})

t.test('what is no message is refused', async (t) => {
  const header = '{"contracts":{},"v":1}'
  for (const text of [
    '',
    'x',
    '{}',
    '{"contracts":{"short":{}},"v":1}',
    '{"contracts":{},"v":2}',
    `${header}\n{"acceptance":1}`,
    `${header}\n{"acceptance":`,
  ]) {
    t.throws(() => decodeMessage(text), { code: 'exchange_malformed' }, text)
  }
})

t.test('everybody gets what it lacks and may see, a stranger nothing', async (t) => {
  t.same(
    newsFor(ana.state, ben.handle, emptyVector).map(({ hash }) => hash),
    [first.hash, second.hash],
  )
  t.same(
    newsFor(ana.state, ben.handle, emptyVector.set(ana.handle, 0)).map(({ hash }) => hash),
    [second.hash],
  )
  t.equal(visibleTo(ana.state, 'mallory' as typeof ana.handle), undefined)
  t.same(newsFor(ana.state, 'mallory' as typeof ana.handle, emptyVector), [])
})

t.test('a message ends where it would grow too large, between two statements', async (t) => {
  const eve = new Player('eve')
  eve.requests(eve.opening())
  eve.requests({ type: 'AddField', parent: '0', name: 'A', field: { type: 'text' } })
  for (let n = 0; n < 90; n++) eve.proposes('0.0', String(n).padEnd(60_000, 'x'))
  const news = beyond(eve.state.feeds, emptyVector)
  const { lines, then } = linesFor(news, emptyVector, MESSAGE_CHARACTERS_SOFT_MAX)
  t.ok(lines.length > 50 && lines.length < news.length, `${lines.length} of ${news.length}`)
  t.equal(then.get(eve.handle), lines.length - 1)
  const rest = linesFor(beyond(eve.state.feeds, then), then, MESSAGE_CHARACTERS_SOFT_MAX)
  t.equal(rest.lines.length, news.length - lines.length)
  t.equal(linesFor(news, emptyVector, 1).lines.length, 1, 'one goes in any case')
  t.equal(linesFor(news, emptyVector, 0).lines.length, 0, 'but not where others have taken all the room')
})

t.test('who holds another branch is shown ours', async (t) => {
  const theirs = { [ana.handle]: { seq: 1, hash: first.hash } }
  t.same(
    forksAgainst(ana.state.feeds, theirs).map(({ hash }) => hash),
    [second.hash],
  )
  t.same(forksAgainst(ana.state.feeds, frontierOf(ana.state.feeds)), [])
  t.equal(vectorOf(theirs).get(ana.handle), 1)
  t.ok(CONTRACT satisfies Uid)
})
