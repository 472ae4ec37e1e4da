import t from 'tap'
import { exactNode, JSON_TYPE } from '../../support/exact-node.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.setTimeout(300_000)

t.test('names that objects have of themselves are names as any other', async (t) => {
  const { root, json, send, size } = await exactNode(t)
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
  const { ana, uid, root, json, send } = await exactNode(t, { Text: 'as it was', 'two words': 'x' })
  const encoded = `/new-api/%${(uid.codePointAt(0) as number).toString(16)}${uid.slice(1)}`
  const text = { 'content-type': 'text/plain' }
  t.equal((await send(`PUT ${encoded}/Text`, text, 'by an escaped UID')).status, 200)
  t.equal((await send(`GET ${root}/Text`)).text, 'by an escaped UID')
  t.equal((await send(`PUT ${ana.api}${root}/Text`, text, 'by an absolute URL')).status, 200)
  t.equal((await send(`GET ${root}/Text`)).text, 'by an absolute URL')
  t.equal((await send(`GET ${root}/T%65xt?token=a%20b`)).text, 'by an absolute URL')
  t.equal((await send(`GET ${root}/two%20words/`)).text, 'x')
  t.equal((await send(`GET ${root}/two+words`)).code, 'no_such_path', 'a plus is no space in a path')
  const escaped = JSON.parse((await send(`GET ${root}/Text%2Fx`)).text)
  t.match(escaped, { code: 'no_such_path', path: 'Text%2Fx', detail: /has no Text%2Fx: .* as it is/ })
  const plain = JSON.parse((await send(`GET ${root}/Text/x`)).text)
  t.match(plain, { path: 'Text/x', detail: /has no Text\/x$/ })
  t.equal((await send(`GET /api/FullContract?%43ontractId=${uid}`)).status, 200)
  t.equal((await json('POST', '/%61pi/Contract', '{"title":"by escapes"}')).status, 201)
  const unreadable = [
    `${root}/x%ff`,
    `${root}/x%00`,
    '/api/Elements?name=%00',
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
  for (const path of [
    `${root}/Text?at=three`,
    `${root}/Text?at=-1`,
    `${root}?view=past`,
    `/api/Attention?limit=ten`,
    `/api/Attention?limt=1`,
  ]) {
    const answer = await send(`GET ${path}`)
    t.same([answer.status, answer.code], [400, 'request_malformed'], path)
  }
  t.equal((await send(`PUT ${root}/Text?dryrun`, text, 'not dry')).status, 400)
  t.equal((await send(`PUT ${root}/Text?dry-run=1`, text, 'not dry')).status, 400)
  t.equal((await send(`PUT ${root}/Text?dry-run`, text, 'dry')).status, 200)
  t.equal((await send(`GET ${root}/Text`)).text, 'by an absolute URL')
})

t.test('a name is one element, however it is written', async (t) => {
  const { root, json, send } = await exactNode(t)
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
  const { uid, json } = await exactNode(t)
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
    const { uid, root, send, size } = await exactNode(t)
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
    t.match(await send(`POST ${contract}/GoOn`, { ...type, 'content-length': '0' }), { code: 'signing_not_blocked' })
    t.match(await send('GET /api/Party', { 'content-type': 'text/plain' }), { status: 200 })
    t.match(await send(`DELETE ${root}/Text`, type), { status: 200 })
    t.match(await send('PATCH /api/Party', { 'content-type': 'application/xml' }, '<x/>'), {
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
    const { root, json, send, size } = await exactNode(t, {
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
  const { root, send } = await exactNode(t)
  const stranger = { authorization: 'Bearer nobody' }
  const cases: [number, string, string, Record<string, string | undefined>?][] = [
    [404, 'no_such_route', 'GET /elsewhere'],
    [401, 'not_authorized', 'GET /elsewhere', stranger],
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
  t.equal((await send(`PROPFIND ${root}/Text`)).headers.allow, 'get, head, put, post, patch, delete')
})

t.test('a message on /live is read as a body is', async (t) => {
  const { ana, root } = await exactNode(t)
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
  t.match(await ask('{"subscribe":"/api/Obstacle","from":0}'), {
    problem: { code: 'request_malformed', path: '/from' },
  })
  const escaped = root.replace('new-api', '%6eew-api')
  t.match(await ask(`{"subscribe":"${escaped}","from":0}`), { subscribed: escaped })
  socket.close()
})
