import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { exactNode, JSON_TYPE } from '../../support/exact-node.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.setTimeout(300_000)

const utf16 = (text: string) => Buffer.from(text, 'utf16le')

t.test('a body that is not what it says it is writes nothing', { timeout: 120_000 }, async (t) => {
  const { ana, uid, root, send, size } = await exactNode(t)
  const before = await size()
  const cases: [string, number, string, Record<string, string>, Uint8Array | string][] = [
    [
      'bytes that are no UTF-8',
      400,
      'body_malformed',
      { 'content-type': 'text/plain' },
      Buffer.from('caf\xe9', 'latin1'),
    ],
    [
      'the same in a JSON string',
      400,
      'body_malformed',
      { 'content-type': JSON_TYPE },
      Buffer.from('"caf\xe9"', 'latin1'),
    ],
    ['an overlong form', 400, 'body_malformed', { 'content-type': 'text/plain' }, Buffer.from([0xc0, 0xaf])],
    ['a surrogate in UTF-8', 400, 'body_malformed', { 'content-type': 'text/plain' }, Buffer.from([0xed, 0xa0, 0x80])],
    ['another charset', 415, 'media_type_unsupported', { 'content-type': 'text/plain; charset=iso-8859-1' }, 'x'],
    ['a charset with blanks', 415, 'media_type_unsupported', { 'content-type': 'text/plain;charset = latin1' }, 'x'],
    [
      'another charset of JSON',
      415,
      'media_type_unsupported',
      { 'content-type': `${JSON_TYPE};charset="UTF-16"` },
      '"x"',
    ],
    [
      'UTF-16 with its charset',
      415,
      'media_type_unsupported',
      { 'content-type': 'text/plain;charset=utf-16le' },
      utf16('x'),
    ],
    ['UTF-16 without', 400, 'body_malformed', { 'content-type': 'text/plain' }, utf16('abc')],
    ['UTF-16 with its mark', 400, 'body_malformed', { 'content-type': 'text/plain' }, utf16('\ufeffabc')],
    ['UTF-16 JSON', 400, 'body_malformed', { 'content-type': JSON_TYPE }, utf16('"abc"')],
    ['an escaped U+0000', 400, 'body_malformed', { 'content-type': JSON_TYPE }, '"a\\u0000b"'],
    ['half of a surrogate pair', 400, 'body_malformed', { 'content-type': JSON_TYPE }, '"a\\ud800b"'],
    ['gzip', 415, 'body_encoded', { 'content-type': 'text/plain', 'content-encoding': 'gzip' }, gzipSync('x')],
    ['gzip that does not say so', 400, 'body_malformed', { 'content-type': 'text/plain' }, gzipSync('x')],
    ['a byte order mark', 400, 'body_malformed', { 'content-type': 'text/plain' }, '\ufeffx'],
    ['a byte order mark before JSON', 400, 'body_malformed', { 'content-type': JSON_TYPE }, '\ufeff"x"'],
    [
      'two media types',
      415,
      'media_type_unsupported',
      { 'content-type': `${JSON_TYPE}\r\ncontent-type: text/plain` },
      '"x"',
    ],
    ['no media type', 415, 'media_type_unsupported', {}, 'x'],
    ['another media type', 415, 'media_type_unsupported', { 'content-type': 'application/cbor' }, '<x/>'],
    ['a malformed media type', 415, 'media_type_unsupported', { 'content-type': 'text plain' }, 'x'],
    ['a part of it', 400, 'body_malformed', { 'content-type': 'text/plain', 'content-range': 'bytes 0-1/9' }, 'x'],
    ['nothing', 400, 'body_malformed', {}, ''],
    ['no JSON', 400, 'body_malformed', { 'content-type': JSON_TYPE }, '{"a":'],
    ['no JSON at all', 400, 'body_malformed', { 'content-type': JSON_TYPE, 'content-length': '0' }, ''],
    ['NaN', 400, 'body_malformed', { 'content-type': JSON_TYPE }, 'NaN'],
    ['too much', 413, 'body_too_large', { 'content-type': 'text/plain', 'content-length': '5000000' }, 'x'],
    ['too deep', 400, 'body_malformed', { 'content-type': JSON_TYPE }, '['.repeat(33) + ']'.repeat(33)],
    ['far too deep', 400, 'body_malformed', { 'content-type': JSON_TYPE }, '{"a":'.repeat(100_000)],
    ['too many', 400, 'body_malformed', { 'content-type': JSON_TYPE }, `[${'0,'.repeat(20_000)}0]`],
  ]
  for (const [what, status, code, headers, body] of cases) {
    for (const method of ['PUT', 'POST']) {
      const answer = await send(`${method} ${root}/Text`, headers, body)
      t.same([answer.status, answer.code], [status, code], `${method} ${what}`)
    }
    if (status === 413 || body === '') continue
    // The same where the body is no value of the document.
    for (const path of ['/api/Contract', `/api/Contract/${uid}/Lock`]) {
      const answer = await send(`POST ${path}`, headers, body)
      t.same([answer.status, answer.code], [status, code], `POST ${path} ${what}`)
    }
  }
  for (const [how, head, first, rest] of [
    ['by its length', 'content-length: 5000000', 'a'.repeat(1_000_000), 'a'.repeat(4_000_000)],
    [
      'in chunks',
      'transfer-encoding: chunked',
      `4c4b40\r\n${'a'.repeat(4_500_000)}`,
      `${'a'.repeat(500_000)}\r\n0\r\n\r\n`,
    ],
  ] as const) {
    const common = `host: x\r\nauthorization: Bearer ${ana.token}\r\n`
    const { hostname, port } = new URL(ana.api)
    const socket = connect(Number(port), hostname)
    socket.write(`PUT ${root}/Text HTTP/1.1\r\n${common}content-type: text/plain\r\n${head}\r\n\r\n${first}`)
    const [answer] = await once(socket, 'data')
    t.match(String(answer), /^HTTP\/1\.1 413 /, how)
    socket.write(`${rest}GET ${root}/Text HTTP/1.1\r\n${common}connection: close\r\n\r\n`)
    t.match(await text(socket), /as it was$/, `whoever still sends has read why: ${how}`)
  }
  t.equal((await send(`GET ${root}/Text`)).text, 'as it was')
  t.equal(await size(), before, 'nothing was signed')
  for (const headers of [
    { 'x-y': `z\r\nauthorization: Bearer ${ana.token}` },
    { 'x-y': 'z\r\nAUTHORIZATION: Bearer x' },
  ]) {
    const answer = await send(`PUT ${root}/Text`, { 'content-type': 'text/plain', ...headers }, 'x')
    t.same([answer.status, answer.code], [400, 'request_malformed'], 'two keys')
  }
  const named = await send(
    `POST ${root}`,
    { 'content-type': 'application/xml' },
    '<record><Text name="Other">x</Text></record>',
  )
  t.same([named.status, named.code], [400, 'body_malformed'], 'one element by two names')
  const condition = { 'content-type': 'text/plain', 'if-unmodified-since': 'Sat, 29 Oct 1994 19:43:31 GMT' }
  for (const method of ['PUT', 'DELETE']) {
    const answer = await send(`${method} ${root}/Text`, condition, method === 'PUT' ? 'x' : '')
    t.same([answer.status, answer.code], [400, 'request_malformed'], `${method} with a condition that nobody looks at`)
  }
  t.equal(
    (await send(`PUT ${root}/Text`, { ...condition, 'if-match': '"x"' }, 'x')).status,
    412,
    'the other one counts',
  )
  t.equal(await size(), before, 'nothing was signed')
  const plain = await send(`PUT ${root}/Text`, { 'content-type': 'text/plain; Charset="UTF-8"' }, 'Größe 📜')
  t.equal(plain.status, 200)
  t.same(JSON.parse((await send(`GET ${root}/Text`, { accept: JSON_TYPE })).text), 'Größe 📜')
  t.equal(ana.handle, 'ana')
})

t.test('what is wrong with a body says where, and what would be right', async (t) => {
  const { root, send } = await exactNode(t)
  const detail = async (line: string, type: string, body: string) =>
    JSON.parse((await send(line, { 'content-type': type }, body)).text).detail as string
  t.match(await detail(`POST ${root}`, JSON_TYPE, '{\n  "a": 1,\n}'), /line 3, column 1$/)
  t.equal(await detail(`POST ${root}`, JSON_TYPE, 'nonsense'), 'it is not valid JSON: line 1, column 2')
  t.equal(await detail(`POST ${root}`, JSON_TYPE, '[1, tru]'), 'it is not valid JSON: line 1, column 8')
  const patch = await detail(`PATCH ${root}`, 'application/json-patch+json', '[]')
  t.match(patch, /application\/json or application\/merge-patch\+json/)
  t.notMatch(await detail('POST /api/Contract', 'text/json', '{"title": "x"}'), /workbook/)
  t.match(await detail(`POST ${root}`, 'text/plain', '<record/>'), /application\/xml/)
})

t.test('what is too large says how large it may be', async (t) => {
  const { uid, root, send } = await exactNode(t)
  const limit = async (line: string, headers: Record<string, string | undefined>, body = '') =>
    JSON.parse((await send(line, headers, body)).text).limit
  const post = (type: string, body: string) => limit(`POST ${root}`, { 'content-type': type }, body)
  t.same(await limit(`PUT ${root}/Text`, { 'content-type': JSON_TYPE, 'content-length': '5000000' }, 'x'), {
    name: 'bodyBytes',
    max: 4_194_304,
  })
  const extended = `1;${'x'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`
  const chunked = { 'content-type': 'text/plain', 'transfer-encoding': 'chunked', 'content-length': undefined }
  t.same(await limit(`PUT ${root}/Text`, chunked, extended), {
    name: 'chunkExtensionBytes',
    max: 16_384,
  })
  t.same(await limit('GET /health', { 'x-much': 'x'.repeat(20_000) }), { name: 'headerBytes', max: 16_384 })
  t.same(await post(JSON_TYPE, '['.repeat(33) + ']'.repeat(33)), { name: 'depth', max: 32 })
  t.same(await post(JSON_TYPE, `[${'0,'.repeat(20_000)}0]`), { name: 'members', max: 20_000 })
  t.same(await post('application/xml', '<a>'.repeat(33) + '</a>'.repeat(33)), { name: 'depth', max: 32 })
  t.same(await post('application/xml', `<a>${'<b/>'.repeat(20_000)}</a>`), { name: 'elements', max: 20_000 })
  t.same(await post('text/csv', `path\n${'x\n'.repeat(20_000)}`), { name: 'cells', max: 20_000 })
  const seals = Array.from({ length: 1_000 }, (_, n) => n.toString(16).padStart(64, '0'))
  const erasures = `POST /api/Contract/${uid}/Erasures`
  t.same(await limit(erasures, { 'content-type': JSON_TYPE }, JSON.stringify({ paths: ['Text'], seals })), {
    name: 'values',
    max: 1_000,
  })
  const deep = `{"at":"","template":{"a":${'['.repeat(16)}${']'.repeat(16)}}}`
  const imports = `POST /api/Contract/${uid}/Templates/Imports`
  t.same(await limit(imports, { 'content-type': JSON_TYPE }, deep), { name: 'depth', max: 16 })
})

t.test('an empty write fails alone, whatever is written beside it', async (t) => {
  const names = Array.from({ length: 8 }, (_, place) => `Field${place}`)
  const { root, send, size } = await exactNode(t, Object.fromEntries(names.map((name) => [name, 'as it was'])))
  const before = await size()
  const text = { 'content-type': 'text/plain' }
  for (let round = 0; round < 5; round++) {
    const writes = names.map((name) => send(`PUT ${root}/${name}`, text, `round ${round}`))
    const empty = [send(`PUT ${root}/Field0`), send(`PUT ${root}/Field1`, { 'content-length': '0' })]
    for (const { status } of await Promise.all(writes)) t.equal(status, 200)
    for (const { status, code } of await Promise.all(empty)) t.same([status, code], [400, 'body_malformed'])
  }
  t.equal(await size(), before + 40)
  t.match((await send('GET /metrics')).text, /^concordata_store_failures_total 0$/m)
})

t.test('a member that stands twice is refused wherever it stands', async (t) => {
  const { root, json, size } = await exactNode(t)
  const before = await size()
  for (const body of [
    '{"Dup":"first","Dup":"second"}',
    '{"Dup":"first","D\\u0075p":"second"}',
    '{"Block":{"Dup":1,"Dup":1}}',
    '{"Fee":{"amount":"1","amount":"2","currency":"EUR"}}',
    '{"X":{"$field":{"type":"text","type":"date"}}}',
    '{"__proto__":1,"__proto__":2}',
  ]) {
    const answer = await json('POST', root, body)
    t.same([answer.status, answer.code], [400, 'body_malformed'], body)
  }
  for (const body of ['{"title":"a","title":"b"}', '{"title":"a","charter":{"x":{"y":1,"y":1}}}'])
    t.equal((await json('POST', '/api/Contract', body)).code, 'body_malformed')
  t.equal(await size(), before)
})

t.test('the digits that are sent are the digits that are agreed', { timeout: 120_000 }, async (t) => {
  const { root, json, send } = await exactNode(t, {
    Share: { $field: { type: 'decimal' } },
    Count: { $field: { type: 'integer' } },
    Fee: { $field: { type: 'money' } },
  })
  const exact: [string, string, string][] = [
    ['Share', '12345678901234567890.12', '"12345678901234567890.12"'],
    ['Share', '333333333.33333329', '"333333333.33333329"'],
    ['Share', '1.10', '"1.10"'],
    ['Share', '-0.50', '"-0.50"'],
    ['Share', '0.0000001', '"0.0000001"'],
    ['Share', '1e21', '"1000000000000000000000"'],
    ['Share', '1.20e1', '"12.0"'],
    ['Share', '125E-2', '"1.25"'],
    ['Share', '7', '"7"'],
    ['Count', '9007199254740993', '"9007199254740993"'],
    ['Count', '-9007199254740991', '-9007199254740991'],
    ['Count', '1234567890123456789012345678901234', '"1234567890123456789012345678901234"'],
    ['Count', '-0', '0'],
  ]
  for (const [field, digits, stands] of exact) {
    for (const type of [JSON_TYPE, 'text/plain']) {
      const cleared = await send(`PUT ${root}/${field}`, { 'content-type': 'text/plain' }, '3')
      t.equal(cleared.status, 200)
      t.equal(
        (await send(`PUT ${root}/${field}`, { 'content-type': type }, digits)).status,
        200,
        `${digits} as ${type}`,
      )
      t.equal((await send(`GET ${root}/${field}`, { accept: JSON_TYPE })).text, stands, `${digits} as ${type}`)
    }
  }
  for (const amount of ['12345678901234567890.12', '1.10', '11000000']) {
    t.equal((await json('PUT', `${root}/Fee`, `{"amount":${amount},"currency":"EUR"}`)).status, 200)
    t.equal((await send(`GET ${root}/Fee`)).text, `EUR ${amount}`)
  }
  const unfit: [string, string][] = [
    ['Share', '1e400'],
    ['Share', '12345678901234567890123456789012345'],
    ['Share', `1${'0'.repeat(5_000)}`],
    ['Count', '1.5'],
    ['Count', '1.0'],
    ['Count', '1e3'],
    ['Fee', '5'],
    ['Fee', '{"amount":1e400,"currency":"EUR"}'],
    ['Fee', '{"amount":{"x":1.10},"currency":"EUR"}'],
  ]
  for (const [field, body] of unfit)
    t.equal((await json('PUT', `${root}/${field}`, body)).status, 422, `${field} ${body}`)
  const inNew = '{"New":{"Price":{"amount":11000000.10,"currency":"GBP"},"Big":9007199254740993,"Scale":1.10}}'
  t.equal((await json('POST', root, inNew)).status, 201)
  t.same(JSON.parse((await send(`GET ${root}/New`)).text), {
    Price: { amount: '11000000.10', currency: 'GBP' },
    Big: '9007199254740993',
    Scale: '1.10',
  })
})
