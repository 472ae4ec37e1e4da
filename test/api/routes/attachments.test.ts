import '../../support/checked-answers.ts'
import { request } from 'node:http'
import t from 'tap'
import { CONTENT_PIECE_BYTES } from '../../../src/events/attachments/content.ts'
import { openNode } from '../../../src/index.ts'
import { storePath } from '../../../src/node/files/open-store.ts'
import type { PayloadGroup } from '../../../src/store/payload-group.ts'
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts'
import { bytesWith, pieceGroups } from '../../support/attachments.ts'
import { soleNode } from '../../support/sole-node.ts'

const { node, data, api, authorization, call, contract } = await soleNode(t)
const at = `/api/Contract/${contract}/Attachments`
await (await call('POST', `/new-api/${contract}`, { Wording: { $field: { type: 'attachment' } }, Title: 'x' })).json()

const put = (bytes: Uint8Array, query: string, type = 'application/pdf', more: Record<string, string> = {}) =>
  fetch(new URL(`${at}?${query}`, api), {
    method: 'PUT',
    headers: { authorization, 'content-type': type, ...more },
    body: bytes,
  })
const get = (more: Record<string, string> = {}, query = 'at=Wording') =>
  fetch(new URL(`${at}?${query}`, api), { headers: { authorization, ...more } })
const statusOf = async (more: Record<string, string>) => {
  const response = await get(more)
  await response.arrayBuffer()
  return response.status
}
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())
const piecesKept = async () => {
  const store = await openSqliteStore(storePath(data), { readonly: true })
  try {
    return (await pieceGroups(store.payloads, contract)).length
  } finally {
    await store.close()
  }
}

const valueNow = async () => {
  const headers = { accept: 'application/json', authorization }
  return (await fetch(new URL(`/new-api/${contract}/Wording`, api), { headers })).json()
}
const file = Buffer.from(bytesWith(3))

t.test('a file is put at a field, and is its value; the same once more changes nothing', async (t) => {
  t.match(await (await get()).json(), { code: 'no_agreed_value', status: 404 })
  const name = 'Wording – “final”.pdf'
  const response = await put(file, `at=Wording&name=${encodeURIComponent(name)}`)
  t.match([response.status, await response.json()], [200, { request: /^sole/ }])
  t.equal(await (await call('GET', `/new-api/${contract}/Wording`)).text(), name)
  t.match(await valueNow(), { bytes: file.length, hash: /^[0-9a-f]{64}$/, name, type: 'application/pdf' })
  t.equal(await piecesKept(), 4, 'its pieces, and their hashes')
  t.match(await (await put(file, `at=Wording&name=${encodeURIComponent(name)}`)).json(), { unchanged: true })
})

t.test('the files at and below an element are listed', async (t) => {
  const listed = (await (await call('GET', `/new-api/${contract}/~attachments`)).json()) as object[]
  t.same(listed, [{ at: 'Wording', ...((await valueNow()) as object) }])
  t.same(await (await call('GET', `/new-api/${contract}/Title/~attachments`)).json(), [])
  t.match(await (await call('GET', `/new-api/${contract}/Nobody/~attachments`)).json(), { code: 'no_such_path' })
})

t.test('it is given as a file and nothing else, whole or in part', async (t) => {
  const whole = await get()
  t.equal(Buffer.compare(await bytesOf(whole), file), 0)
  t.match(Object.fromEntries(whole.headers), {
    'content-type': 'application/pdf',
    'content-length': String(file.length),
    'content-disposition': `attachment; filename="Wording _ _final_.pdf"; filename*=UTF-8''Wording%20%E2%80%93%20%E2%80%9Cfinal%E2%80%9D.pdf`,
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
  })
  const etag = whole.headers.get('etag') as string
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*'])
    t.equal(await statusOf({ 'if-none-match': known }), 304, known)
  t.equal(await statusOf({ 'if-none-match': '"other"' }), 200)
  const from = CONTENT_PIECE_BYTES - 10
  for (const [range, begin, end] of [
    [`bytes=${from}-${from + 19}`, from, from + 20],
    ['bytes=-7', file.length - 7, file.length],
    [`bytes=${file.length - 1}-${file.length + 100}`, file.length - 1, file.length],
    ['bytes=0-', 0, file.length],
  ] as const) {
    const part = await get({ range })
    t.equal(part.status, 206)
    t.equal(part.headers.get('content-range'), `bytes ${begin}-${end - 1}/${file.length}`)
    t.equal(Buffer.compare(await bytesOf(part), file.subarray(begin, end)), 0, range)
  }
  for (const range of [`bytes=${file.length}-`, 'bytes=-0']) {
    const none = await get({ range })
    await none.arrayBuffer()
    t.match([none.status, none.headers.get('content-range')], [416, `bytes */${file.length}`])
  }
  for (const range of ['bytes=5-3', 'bytes=0-1,5-6', 'pages=1', 'bytes=-']) t.equal(await statusOf({ range }), 200)
  t.equal(await statusOf({ range: 'bytes=0-1', 'if-range': '"another"' }), 200)
})

t.test('a file that was brought before is named by a change set, or by a write of several values', async (t) => {
  const before = await piecesKept()
  const bring = (query: string, type = 'text/plain', bytes = bytesWith(2)) =>
    fetch(new URL(`${at}?${query}`, api), {
      method: 'POST',
      headers: { authorization, 'content-type': type },
      body: bytes,
    })
  t.match(await (await bring('name=a.html', 'text/html')).json(), { code: 'write_unfit' })
  t.match(await (await bring('name=a.txt', 'text/plain', new Uint8Array())).json(), { code: 'file_unfit' })
  const response = await bring('name=Survey.txt')
  const brought = (await response.json()) as { $file: string; until: string }
  t.match([response.status, brought], [201, { name: 'Survey.txt', type: 'text/plain', $file: /^[0-9a-f]{64}$/ }])
  t.equal(await piecesKept(), before + 3)
  const { $file } = brought
  const changes = [
    { at: '', add: { Survey: { $file } } },
    { at: 'Title', set: 'with a survey' },
  ]
  const sets = `/api/Contract/${contract}/ChangeSets`
  t.match(await (await call('POST', `${sets}?dry-run`, { changes })).json(), { outcome: 'accepted' })
  const twice = [...changes, { at: '', add: { Again: { $file } } }]
  t.match(await (await call('POST', sets, { changes: twice })).json(), { code: 'write_unfit' })
  t.match(await (await call('POST', sets, { changes })).json(), { request: /^sole/ })
  const survey = await get({}, 'at=Survey')
  t.match([survey.status, survey.headers.get('content-type')], [200, 'text/plain'])
  t.equal(Buffer.compare(await bytesOf(survey), Buffer.from(bytesWith(2))), 0)
  t.match(await (await call('PUT', `/new-api/${contract}/Survey`, { $file })).json(), { code: 'write_unfit' })

  const { $file: other } = (await (await bring('name=Wording.txt')).json()) as { $file: string }
  t.match(await (await call('PUT', `/new-api/${contract}`, { Wording: { $file: other }, Title: 'x' })).json(), {
    request: /^sole/,
  })
  t.match(await valueNow(), { name: 'Wording.txt' })
  t.equal((await put(file, 'at=Wording&name=back.pdf')).status, 200)
})

t.test('a file that is brought once more under its key is kept once', async (t) => {
  const kept = await piecesKept()
  const bring = async (key: string, bytes: Uint8Array, name = 'once.txt') => {
    const headers = { authorization, 'content-type': 'text/plain', 'idempotency-key': key }
    const response = await fetch(new URL(`${at}?name=${name}`, api), { method: 'POST', headers, body: bytes })
    return [response.status, response.headers.get('idempotent-replayed'), await response.json()] as const
  }
  const [status, isAgain, brought] = await bring('file-1', bytesWith(2))
  t.same([status, isAgain], [201, null])
  t.same(await bring('file-1', bytesWith(2)), [201, 'true', brought])
  t.match(await bring('file-1', bytesWith(1)), [422, null, { code: 'idempotency_key_reused' }])
  t.match(await bring('file-1', bytesWith(2), 'other.txt'), [422, null, { code: 'idempotency_key_reused' }])
  t.equal(await piecesKept(), kept + 3, 'nothing beside the first')
  const { $file } = brought as { $file: string }
  t.match(await (await call('POST', `/new-api/${contract}`, { Once: { $file } })).json(), { request: /^sole/ })
})

t.test('what is refused leaves nothing', async (t) => {
  const kept = await piecesKept()
  const one = Buffer.from('x')
  for (const [response, expected] of [
    [await put(one, 'at=Wording&name=a.html', 'text/html'), { status: 422, code: 'write_unfit' }],
    [await put(one, 'at=Wording&name=a.svg', 'image/svg+xml'), { status: 422, code: 'write_unfit' }],
    [await put(one, 'at=Wording&name=..%2Fa'), { status: 422, code: 'text_unfit' }],
    [await put(one, 'at=Wording&name=a%E2%80%AEfdp.exe'), { status: 422, code: 'text_unfit' }],
    [await put(one, 'at=Title&name=a.pdf'), { status: 422, code: 'write_unfit' }],
    [await put(one, 'at=Nowhere&name=a.pdf'), { status: 404, code: 'no_such_path' }],
    [await put(Buffer.alloc(0), 'at=Wording&name=a.pdf'), { status: 422, code: 'file_unfit' }],
    [await put(one, 'at=Wording&name=a.pdf', undefined, { 'content-encoding': 'gzip' }), { code: 'body_encoded' }],
    [
      await put(one, 'at=Wording&name=a.pdf', undefined, { 'content-range': 'bytes 0-0/2' }),
      { code: 'body_malformed' },
    ],
    [
      await call('PUT', `/new-api/${contract}/Wording`, {
        bytes: 1,
        hash: '0'.repeat(64),
        name: 'a',
        type: 'text/csv',
      }),
      { code: 'write_unfit' },
    ],
  ] as const)
    t.match(await response.json(), expected)
  const limit = 16 * 1024 * 1024
  t.match(await (await put(Buffer.alloc(limit + 1), 'at=Wording&name=a.pdf')).json(), { code: 'file_unfit' })
  t.equal(await piecesKept(), kept)
})

t.test('one that breaks off is not there', async (t) => {
  const kept = await piecesKept()
  const { hostname, port } = new URL(api)
  const headers = { authorization, 'content-type': 'application/pdf', 'content-length': file.length }
  const outgoing = request({ hostname, port, method: 'PUT', path: `${at}?at=Wording&name=a.pdf`, headers })
  const failed = new Promise((resolve) => outgoing.once('error', resolve))
  outgoing.write(file.subarray(0, CONTENT_PIECE_BYTES + 1), () => outgoing.destroy(new Error('gone')))
  await failed
  t.equal(await piecesKept(), kept)
  t.match(await valueNow(), { bytes: file.length })
})

t.test('a dry run says what would happen, and keeps nothing', async (t) => {
  const kept = await piecesKept()
  const would = await put(Buffer.from('x'), 'at=Wording&name=b.txt&dry-run', 'text/plain')
  t.match(await would.json(), {
    dryRun: true,
    outcome: 'accepted',
    fields: [{ path: 'Wording', value: { name: 'b.txt', bytes: 1 } }],
  })
  t.equal(await piecesKept(), kept)
})

t.test('another file takes its place; the whole block shows it, and writes it back unchanged', async (t) => {
  await (await put(Buffer.from('a,b\n1,2\n'), 'at=Wording&name=c.csv', 'text/csv; charset=utf-8')).arrayBuffer()
  t.equal(await (await get()).text(), 'a,b\n1,2\n')
  const block = (await (await call('GET', `/new-api/${contract}`)).json()) as object
  t.match(block, { Wording: { name: 'c.csv', type: 'text/csv', bytes: 8 } })
  t.match(await (await call('PUT', `/new-api/${contract}`, block)).json(), { unchanged: true })
})

t.test('a file that is put again under a key is put once; another one of the same length is not it', async (t) => {
  const once = { 'idempotency-key': 'upload-1' }
  const [one, other] = [Buffer.from('%PDF one'), Buffer.from('%PDF two')]
  const query = 'at=Wording&name=once.pdf'
  const first = await put(one, query, 'application/pdf', once)
  const answer = await first.json()
  t.match([first.status, answer], [200, { index: Number }])
  const again = await put(one, query, 'application/pdf', once)
  t.equal(again.headers.get('idempotent-replayed'), 'true')
  t.same(await again.json(), answer)
  const reused = await put(other, query, 'application/pdf', once)
  t.match([reused.status, await reused.json()], [422, { code: 'idempotency_key_reused' }])
  const anew = await put(other, query, 'application/pdf', { 'idempotency-key': 'upload-2' })
  t.match([anew.status, (await anew.json()) as object], [200, { index: Number }])
  const late = await put(one, query, 'application/pdf', once)
  t.match([late.headers.get('idempotent-replayed'), await late.json()], ['true', answer], 'whatever stands there now')
})

t.test('only so many files wait to be named', async (t) => {
  const statuses: number[] = []
  let told: unknown
  while (statuses.length < 100 && statuses.at(-1) !== 429) {
    const body = String(statuses.length)
    const response = await fetch(new URL(`${at}?name=a.txt`, api), {
      method: 'POST',
      headers: { authorization, 'content-type': 'text/plain' },
      body,
    })
    told = await response.json()
    statuses.push(response.status)
  }
  t.ok(statuses.length > 60)
  t.match(told, { code: 'requests_too_many', max: 64 })
})

t.test('of a file whose bytes are not here it is said that they are missing', async (t) => {
  await node.close()
  const store = await openSqliteStore(storePath(data))
  for await (const { group, entries } of store.payloads.groups(contract)) {
    const refs = entries.map(([seal]) => ({ group: group as PayloadGroup, seal }))
    if (group.startsWith('content-')) await store.payloads.erase(contract, refs)
  }
  await store.close()
  const again = await openNode({ data })
  t.teardown(() => again.close())
  const response = await get()
  t.match([response.status, await response.json()], [503, { code: 'content_missing', path: 'Wording' }])
})
