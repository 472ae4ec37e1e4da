import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { openNode } from '../../../src/index.ts'
import { newParty } from '../../support/node-party.ts'
import { sendRaw } from '../../support/raw-http.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.setTimeout(300_000)

const JSON_TYPE = 'application/json'

/** One party's node with a document, asked byte by byte. */
async function given(t: Test, document: Record<string, unknown> = { Text: 'as it was' }) {
  const ana = await newParty(t.testdir(), 'ana')
  const node = await openNode({ data: ana.data })
  t.teardown(() => node.close())
  const { uid } = await node.open('exact')
  const root = `/new-api/${uid}`
  const send = (line: string, headers: Record<string, string | undefined> = {}, body: Uint8Array | string = '') =>
    sendRaw(ana.api, line, { authorization: `Bearer ${ana.token}`, ...headers }, body)
  const json = async (method: string, path: string, body: string) =>
    send(`${method} ${path}`, { 'content-type': JSON_TYPE }, body)
  const posted = await json('POST', root, JSON.stringify(document))
  t.equal(posted.status < 300, true)
  const size = async () => JSON.parse((await send(`GET /api/Contract/${uid}`)).text).size as number
  return { ana, uid, root, send, json, size }
}

const utf16 = (text: string) => Buffer.from(text, 'utf16le')

t.test('a body that is not what it says it is writes nothing', { timeout: 120_000 }, async (t) => {
  const { ana, uid, root, send, size } = await given(t)
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
    ['gzip', 415, 'body_encoded', { 'content-type': 'text/plain', 'content-encoding': 'gzip' }, gzipSync('x')],
    ['gzip that does not say so', 400, 'body_malformed', { 'content-type': 'text/plain' }, gzipSync('x')],
    ['a byte order mark', 400, 'body_malformed', { 'content-type': 'text/plain' }, '\ufeffx'],
    ['a byte order mark before JSON', 400, 'body_malformed', { 'content-type': JSON_TYPE }, '\ufeff"x"'],
    ['no media type', 415, 'media_type_unsupported', {}, 'x'],
    ['another media type', 415, 'media_type_unsupported', { 'content-type': 'application/xml' }, '<x/>'],
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
  t.equal((await send(`GET ${root}/Text`)).text, 'as it was')
  t.equal(await size(), before, 'nothing was signed')
  const plain = await send(`PUT ${root}/Text`, { 'content-type': 'text/plain; Charset="UTF-8"' }, 'Größe 📜')
  t.equal(plain.status, 200)
  t.same(JSON.parse((await send(`GET ${root}/Text`, { accept: JSON_TYPE })).text), 'Größe 📜')
  t.equal(ana.handle, 'ana')
})

t.test('an empty write fails alone, whatever is written beside it', async (t) => {
  const names = Array.from({ length: 8 }, (_, place) => `Field${place}`)
  const { root, send, size } = await given(t, Object.fromEntries(names.map((name) => [name, 'as it was'])))
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
  const { root, json, size } = await given(t)
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
  const { root, json, send } = await given(t, {
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
  for (const amount of ['12.3456789012345678901', '1.10', '11000000']) {
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

t.test('names that objects have of themselves are names as any other', async (t) => {
  const { root, json, send, size } = await given(t)
  const body = '{"constructor":{"prototype":"y"},"__proto__":{"toString":"z"},"toString":"t","hasOwnProperty":"h"}'
  t.equal((await json('POST', root, body)).status, 200)
  t.equal((await send(`GET ${root}/constructor/prototype`)).text, 'y')
  t.equal((await send(`GET ${root}/__proto__/toString`)).text, 'z')
  const { constructor: _, ...read } = JSON.parse((await send(`GET ${root}`)).text)
  t.match(read, { toString: 't', hasOwnProperty: 'h' })
  t.equal((await json('PUT', root, '{"__proto__":{"toString":"zz"},"constructor":{"prototype":"yy"}}')).status, 200)
  t.equal((await send(`GET ${root}/__proto__/toString`)).text, 'zz')
  const before = await size()
  t.equal((await send(`GET ${root}/valueOf`)).code, 'no_such_path')
  t.equal((await json('POST', '/api/Contract', '{"title":"x","__proto__":{"a":1}}')).code, 'request_malformed')
  t.equal(({} as { a?: unknown }).a, undefined)
  t.equal(await size(), before)
})

t.test('a URL is read in one way', { timeout: 120_000 }, async (t) => {
  const { ana, uid, root, json, send } = await given(t, { Text: 'as it was', 'two words': 'x' })
  const encoded = `/new-api/%${(uid.codePointAt(0) as number).toString(16)}${uid.slice(1)}`
  const text = { 'content-type': 'text/plain' }
  t.equal((await send(`PUT ${encoded}/Text`, text, 'by an escaped UID')).status, 200)
  t.equal((await send(`GET ${root}/Text`)).text, 'by an escaped UID')
  t.equal((await send(`PUT ${ana.api}${root}/Text`, text, 'by an absolute URL')).status, 200)
  t.equal((await send(`GET ${root}/Text`)).text, 'by an absolute URL')
  t.equal((await send(`GET ${root}/T%65xt?token=a%20b`)).text, 'by an absolute URL')
  t.equal((await send(`GET ${root}/two%20words/`)).text, 'x')
  t.equal((await send(`GET ${root}/two+words`)).code, 'no_such_path', 'a plus is no space in a path')
  t.equal((await send(`GET /api/FullContract?%43ontractId=${uid}`)).status, 200)
  t.equal((await json('POST', '/%61pi/Contract', '{"title":"by escapes"}')).status, 201)
  const unreadable = [
    `${root}/x%ff`,
    `${root}/50%`,
    `${root}/%c3%28`,
    `${root}/Text#part`,
    `${root}//Text`,
    `${root}/Text//`,
    '/%ff',
    `/api/Attention?limit=1&limit=2`,
    `/api/Attention?limit=%zz`,
  ]
  for (const path of unreadable) {
    const answer = await send(`GET ${path}`)
    t.same([answer.status, answer.code], [400, 'path_malformed'], path)
    const stranger = await send(`GET ${path}`, { authorization: 'Bearer nobody' })
    t.same([stranger.status, stranger.code], [401, 'not_authorized'], `${path}, for a stranger`)
  }
  for (const path of [`${root}/Text?at=3`, `${root}?view=live`, `/api/Attention?limit=ten`, `/api/Attention?limt=1`]) {
    const answer = await send(`GET ${path}`)
    t.same([answer.status, answer.code], [400, 'request_malformed'], path)
  }
  t.equal((await send(`PUT ${root}/Text?dry-run`, text, 'not dry')).status, 400)
  t.equal((await send(`GET ${root}/Text`)).text, 'by an absolute URL')
})

t.test('a name is one element, however it is written', async (t) => {
  const { root, json, send } = await given(t)
  const nfd = 'Ma\u0308rkte'
  t.equal((await json('POST', root, `{"${nfd}":"1"}`)).status, 201)
  t.equal((await send(`GET ${root}/${encodeURIComponent(nfd)}`)).text, '1')
  t.equal((await send(`GET ${root}/M%C3%A4rkte`)).text, '1')
  t.equal((await json('PUT', root, `{"${nfd}":"2"}`)).status, 200)
  t.same(Object.keys(JSON.parse((await send(`GET ${root}`)).text)), ['Text', 'M\u00e4rkte'])
  t.equal((await json('PUT', root, `{"${nfd}":"3","M\u00e4rkte":"4"}`)).code, 'write_unfit')
  t.equal((await send(`GET ${root}/M%C3%A4rkte`)).text, '2')
})

t.test('forms are not mended: nothing is converted, dropped or filled in', async (t) => {
  const { uid, json } = await given(t)
  for (const [path, body] of [
    ['/api/Contract', '{"title":5}'],
    ['/api/Contract', '{"title":"x","chartr":{}}'],
    ['/api/Contract', '"x"'],
    [`/api/Contract/${uid}/Lock`, '{"purpose":"x","retry":"true"}'],
    [`/api/Contract/${uid}/Lock/Breaks`, '{"lock":"1"}'],
    [`/api/Contract/${uid}/Lock/Breaks`, '{"lock":9007199254740993}'],
    [`/api/Contract/${uid}/Lock/Breaks`, '{"lock":1.0}'],
    [`/api/Contract/${uid}/Invitations`, '{"party":["ben"]}'],
  ] as const) {
    const answer = await json('POST', path, body)
    t.same([answer.status, answer.code], [400, 'request_malformed'], `${path} ${body}`)
  }
})

t.test(
  'where no body is taken an empty one is none, whatever it is said to be, and any other is refused',
  async (t) => {
    const { uid, root, send, size } = await given(t)
    const contract = `/api/Contract/${uid}`
    const lines = [
      'POST /api/Keys',
      'POST /api/Keys/Revocation',
      `POST ${contract}/GoOn`,
      `POST ${contract}/Acceptance`,
      `POST ${contract}/Decline`,
      `DELETE ${contract}/Lock`,
      `DELETE ${contract}/Invitations/ben`,
      `DELETE ${contract}/Requests/ana.0.0`,
      `DELETE ${root}/Text`,
      `GET ${root}/Text`,
      'GET /api/Party',
      'GET /health',
    ]
    const before = await size()
    for (const line of lines) {
      for (const [type, body] of [
        [JSON_TYPE, '{}'],
        [JSON_TYPE, ' '],
        ['text/plain', 'x'],
        ['application/xml', '<x/>'],
      ] as const) {
        const answer = await send(line, { 'content-type': type }, body)
        t.same([answer.status, answer.code], [400, 'body_unexpected'], `${line} ${body}`)
      }
      const chunked = { 'content-type': JSON_TYPE, 'transfer-encoding': 'chunked', 'content-length': undefined }
      const answer = await send(line, chunked, '2\r\n{}\r\n0\r\n\r\n')
      t.same([answer.status, answer.code], [400, 'body_unexpected'], `${line} chunked`)
    }
    t.equal(await size(), before, 'and nothing is done')
    const type = { 'content-type': JSON_TYPE }
    t.match(await send('POST /api/Keys', type), { status: 202 })
    const empty = { ...type, 'transfer-encoding': 'chunked', 'content-length': undefined }
    t.match(await send('POST /api/Keys', empty, '0\r\n\r\n'), { status: 202 })
    t.match(await send(`POST ${contract}/GoOn`, { ...type, 'content-length': '0' }), { code: 'not_silenced' })
    t.match(await send('GET /api/Party', { 'content-type': 'text/plain' }), { status: 200 })
    t.match(await send(`DELETE ${root}/Text`, type), { status: 200 })
    t.match(await send(`PATCH ${root}/Text`, { 'content-type': 'application/xml' }, '<x/>'), {
      code: 'method_not_allowed',
    })
    t.match(await send('POST /elsewhere', { 'content-type': 'application/xml' }, '<x/>'), { code: 'no_such_route' })
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    t.match(await send('POST /api/Contract', form, '{"title":"x"}'), { status: 415, code: 'media_type_unsupported' })
  },
)

t.test(
  'what JSON says is taken as its type is written in JSON, never through a text',
  { timeout: 120_000 },
  async (t) => {
    const of = (type: object) => ({ $field: type })
    const { root, json, send, size } = await given(t, {
      Text: of({ type: 'text' }),
      Integer: of({ type: 'integer' }),
      Decimal: of({ type: 'decimal' }),
      Money: of({ type: 'money' }),
      Boolean: of({ type: 'boolean' }),
      Date: of({ type: 'date' }),
      Choice: of({ type: 'choice', options: ['1', 'two'] }),
      Party: of({ type: 'party' }),
    })
    const before = await size()
    const refused = {
      Integer: ['"12"', '" 12 "', 'true', '[12]', '{}'],
      Decimal: ['" 1.5 "', '"1e3"', 'false', '"1,5"'],
      Money: ['"USD 100.00"', '100', '{"amount":"1.00"}', '{"amount":" 1.00","currency":"USD"}'],
      Boolean: ['"true"', '" false"', '1', '0'],
      Date: ['" 2026-01-31 "', '20260131'],
      Choice: ['" two "', '1'],
      Party: ['" ana "', '{"handle":"ana"}'],
      Text: ['1', 'true', '{"text":"x"}', '["x"]'],
    }
    for (const [name, bodies] of Object.entries(refused)) {
      for (const body of bodies) {
        for (const [method, path, sent] of [
          ['PUT', `${root}/${name}`, body],
          ['POST', `${root}/${name}`, body],
          ['PUT', root, `{"${name}":${body}}`],
        ] as const) {
          const answer = await json(method, path, sent)
          t.equal(answer.status, 422, `${method} ${sent} to ${name}: ${answer.text}`)
          t.match(answer.code, /^(?:write_unfit|value_wrong_type)$/, sent)
        }
      }
    }
    const taken: [string, string, string][] = [
      ['Integer', '12', '12'],
      ['Decimal', '"1.50"', '"1.50"'],
      ['Decimal', '1.50', '"1.50"'],
      ['Money', '{"amount":1.50,"currency":"USD"}', '{"amount":"1.50","currency":"USD"}'],
      ['Boolean', 'true', 'true'],
      ['Date', '"2026-01-31"', '"2026-01-31"'],
      ['Choice', '"1"', '"1"'],
      ['Party', '"ana"', '"ana"'],
      ['Text', '" as is "', '" as is "'],
    ]
    for (const [name, body, read] of taken) {
      t.equal((await json('PUT', `${root}/${name}`, body)).status, 200, `${name} ${body}`)
      t.equal((await send(`GET ${root}/${name}`, { accept: JSON_TYPE })).text, read)
    }
    t.ok((await size()) > before)
    const asText = await send(`PUT ${root}/Integer`, { 'content-type': 'text/plain' }, ' 13 ')
    t.equal(asText.status, 200, 'a text still is read as people write it')
  },
)

t.test('whatever is refused is refused by a problem document', async (t) => {
  const { root, send } = await given(t)
  const stranger = { authorization: 'Bearer nobody' }
  const cases: [number, string, string, Record<string, string | undefined>?][] = [
    [404, 'no_such_route', 'GET /elsewhere'],
    [401, 'not_authorized', 'GET /elsewhere', stranger],
    [405, 'method_not_allowed', `PATCH ${root}/Text`],
    [405, 'method_not_allowed', `OPTIONS ${root}/Text`],
    [405, 'method_not_allowed', 'DELETE /api/Party?x=1'],
    [405, 'method_not_allowed', `PROPFIND ${root}/Text`],
    [405, 'method_not_allowed', `TRACE ${root}`],
    [405, 'method_not_allowed', 'UNLOCK /live'],
    [401, 'not_authorized', `QUERY ${root}`, stranger],
    [401, 'not_authorized', `PATCH ${root}/Text`, stranger],
    [404, 'no_such_route', 'PROPFIND /new-api'],
    [426, 'upgrade_required', 'GET /live'],
    [417, 'expectation_failed', `GET ${root}`, { expect: 'a miracle' }],
    [431, 'headers_too_large', 'GET /health', { 'x-much': 'x'.repeat(20_000) }],
    [431, 'headers_too_large', `GET ${root}/${'x'.repeat(20_000)}`],
    [400, 'request_malformed', 'GET /health', { 'content-length': 'x' }],
    [400, 'request_malformed', 'GET', {}],
    [400, 'request_malformed', 'GET /health', { host: undefined }],
    [400, 'request_malformed', `PUT ${root}/Text`, { 'content-length': '3', 'transfer-encoding': 'chunked' }],
    [404, 'no_such_contract', 'GET /new-api/00000000000000000000000000'],
    [400, 'request_malformed', 'GET /api/Contract/nonsense'],
  ]
  for (const [status, code, line, headers = {}] of cases) {
    const answer = await send(line, headers)
    t.same([answer.status, answer.code], [status, code], `${line.slice(0, 60)} ${JSON.stringify(headers).slice(0, 60)}`)
  }
  t.equal((await send(`PATCH ${root}/Text`)).headers.allow, 'get, head, put, post, delete')
})

t.test('a message on /live is read as a body is', async (t) => {
  const { ana, root } = await given(t)
  const socket = new WebSocket(`${ana.api.replace('http', 'ws')}/live?token=${ana.token}`)
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))
  const ask = async (message: string | Uint8Array<ArrayBuffer>) => {
    const answer = new Promise<string>((resolve) =>
      socket.addEventListener('message', ({ data }) => resolve(String(data)), { once: true }),
    )
    socket.send(message)
    return JSON.parse(await answer)
  }
  const malformed = { problem: { code: 'live_message_malformed', status: 400 } }
  t.match(await ask(new TextEncoder().encode(`{"subscribe":"${root}"}`)), malformed, 'a binary frame')
  t.match(await ask(`{"subscribe":"${root}/Text","subscribe":"${root}"}`), malformed, 'a member twice')
  t.match(await ask(`{"subscribe":"${root}","from":1e300}`), malformed)
  t.match(await ask(`{"subscribe":"${root}","from":9007199254740993}`), malformed)
  t.match(await ask('['.repeat(60_000)), malformed)
  t.match(await ask(`{"subscribe":"${root}/%ff"}`), { problem: { code: 'path_malformed' } })
  const escaped = root.replace('new-api', '%6eew-api')
  t.match(await ask(`{"subscribe":"${escaped}","from":0}`), { subscribed: escaped })
  socket.close()
})
