import { readFile } from 'node:fs/promises'
import t from 'tap'
import { tableOfXlsx, xlsxOfTable } from '../../../src/documents/tables/xlsx.ts'
import { exactNode } from '../../support/exact-node.ts'

const field = (type: string) => ({ $field: { type } })
const line = { Insurer: field('text'), Share: field('decimal'), Seat: { City: field('text'), Since: field('date') } }
const node = await exactNode(t, {
  Title: 'slip',
  Sum: { $field: { type: 'money' }, $value: { amount: '1.50', currency: 'USD' } },
  Lines: {
    $list: {
      entry: { ...line, Notes: { $list: { entry: field('text'), entriesMax: 3 } } },
      entriesMax: 20,
      key: 'Insurer',
    },
  },
  Remarks: { $list: { entry: field('text'), entriesMax: 1000 } },
})
const { json, root, send, size } = node
const CSV = 'text/csv'
const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
const get = async (path: string) => JSON.parse((await send(`GET ${root}${path}`, { accept: 'application/json' })).text)
const put = (path: string, type: string, body: Uint8Array | string, method = 'PUT') =>
  send(`${method} ${root}${path}`, { 'content-type': type }, body)

const HEAD = 'Insurer,Share,Seat/City,Seat/Since,Notes\r\n'

t.test('a list is written as CSV, and read as that', async (t) => {
  const lines = `${HEAD}"Acme, Inc.",12.50,Lima,2026-01-31,"[""one"",""two""]"\r\n'=1+1,-3,,,\r\n`
  t.equal((await put('/Lines', CSV, lines)).status, 200)
  t.same(await get('/Lines'), [
    { Insurer: 'Acme, Inc.', Share: '12.50', Seat: { City: 'Lima', Since: '2026-01-31' }, Notes: ['one', 'two'] },
    { Insurer: '=1+1', Share: '-3', Seat: { City: null, Since: null }, Notes: [] },
  ])
  const read = await send(`GET ${root}/Lines`, { accept: CSV })
  t.match(read.headers, { 'content-type': 'text/csv; charset=utf-8; header=present' })
  t.equal(read.text, `${HEAD}"Acme, Inc.",12.50,Lima,2026-01-31,"[""one"",""two""]"\r\n'=1+1,-3,,,[]\r\n`)
  const before = await size()
  t.match(JSON.parse((await put('/Lines', CSV, read.text)).text), { unchanged: true })
  t.equal(await size(), before)
  t.equal((await put('/Lines', CSV, 'Insurer;Share\nBeta;1,5\n', 'POST')).status, 422, 'a decimal has a point')
  t.equal(
    (await put('/Lines', CSV, '\ufeffShare;Insurer\n1.5;Beta\n', 'POST')).status,
    201,
    'as a spreadsheet saves it',
  )
  t.match((await get('/Lines'))[2], { Insurer: 'Beta', Share: '1.5' })
})

t.test('a list of fields, and texts that are empty', async (t) => {
  t.equal((await put('/Remarks', CSV, "value\r\nfirst\r\n'\r\n''\r\n")).status, 200)
  t.same(await get('/Remarks'), ['first', '', "'"])
  t.equal((await send(`GET ${root}/Remarks?format=csv`)).text, "value\r\nfirst\r\n'\r\n''\r\n")
})

t.test('an entry without a value is a row, in CSV and in a workbook; empty rows at the end add nothing', async (t) => {
  const lists = {
    Loose: { $list: { entry: line, entriesMax: 20 } },
    Words: { $list: { entry: field('text'), entriesMax: 20 } },
  }
  t.ok((await json('POST', root, JSON.stringify(lists))).status < 300)
  const words = [null, 'a', null, 'b', null]
  const loose = [{}, { Share: '1' }, {}]
  t.equal((await json('PUT', `${root}/Words`, JSON.stringify(words))).status, 200)
  t.equal((await json('PUT', `${root}/Loose`, JSON.stringify(loose))).status, 200)
  t.same(await get('/Words'), words)
  const stands = await get('/Loose')
  t.equal(stands.length, 3)
  for (const at of ['/Words', '/Loose']) {
    const csv = (await send(`GET ${root}${at}?format=csv`)).text
    t.match(JSON.parse((await put(at, CSV, csv)).text), { unchanged: true }, `${at} by CSV`)
    t.match(JSON.parse((await put(at, CSV, `${csv}${at === '/Words' ? '' : ',,,'}\r\n\r\n`)).text), { unchanged: true })
    const url = new URL(`${root}${at}?format=xlsx`, node.ana.api)
    const xlsx = await fetch(url, { headers: { authorization: `Bearer ${node.ana.token}` } })
    const bytes = Buffer.from(await xlsx.arrayBuffer())
    t.match(JSON.parse((await put(at, XLSX, bytes)).text), { unchanged: true }, `${at} by a workbook`)
    const more = xlsxOfTable([...tableOfXlsx(bytes), [null], [null]])
    t.match(JSON.parse((await put(at, XLSX, more)).text), { unchanged: true }, `${at} by one with empty rows`)
  }
  t.equal((await put('/Words', CSV, 'value\r\n\r\nc\r\n\r\n', 'POST')).status, 200)
  t.same(await get('/Words'), [...words, null, 'c'])
})

t.test(
  'a text that looks like a sealed value is a text in a table, and nothing keeps the rest from being put back',
  async (t) => {
    const texts = ['{"$sealed":1}', `'{"$sealed": {}}`, `''{"$sealed"`, '{"$Sealed":1}']
    t.equal((await json('POST', root, JSON.stringify({ Sealed: { 'A b': texts[0], Words: texts } }))).status, 201)
    for (const at of ['/Sealed', '/Sealed/Words'])
      for (const [type, form] of [
        [CSV, 'csv'],
        [XLSX, 'xlsx'],
      ] as const) {
        const url = new URL(`${root}${at}?format=${form}`, node.ana.api)
        const shown = await fetch(url, { headers: { authorization: `Bearer ${node.ana.token}` } })
        const written = await put(at, type, Buffer.from(await shown.arrayBuffer()))
        t.match(JSON.parse(written.text), { unchanged: true }, `${at} ${form}`)
      }
    t.match(JSON.parse((await put('/Sealed', CSV, 'path,value\nA b,other\n')).text), { index: Number })
    t.equal((await json('DELETE', `${root}/Sealed`, '')).status, 200)
  },
)

t.test('what names no column is no table: it does not empty a list', async (t) => {
  const before = [await get('/Lines'), await size()]
  for (const [type, body] of [
    [CSV, ''],
    [CSV, '\r\n\r\n'],
    [CSV, ',,\r\n'],
    [XLSX, xlsxOfTable([])],
    [XLSX, xlsxOfTable([[null], []])],
  ] as const) {
    const empty = { 'content-type': type, 'content-length': String(body.length) }
    const { status, text } = await send(`PUT ${root}/Lines`, empty, body)
    t.match({ status, ...JSON.parse(text) }, { status: 422, code: 'write_unfit' }, `${type}, ${body.length}`)
  }
  for (const [type, body] of [
    [CSV, 'Insurer\nx\0\n'],
    [XLSX, xlsxOfTable([['Insurer'], ['x\0']])],
    [XLSX, xlsxOfTable([['Insurer'], ['\ud800']])],
    [XLSX, xlsxOfTable([['Insurer'], ['x'], ['\udc00y']])],
  ] as const) {
    const { status, text } = await put('/Lines', type, body)
    t.match({ status, ...JSON.parse(text) }, { status: 400, code: 'body_malformed' }, 'no character')
  }
  for (const parameter of ['header=absent', 'header="absent"', 'Header = Absent', 'charset =iso-8859-1']) {
    const { status, text } = await put('/Lines', `${CSV}; ${parameter}`, 'Insurer\nx\n')
    t.match({ status, ...JSON.parse(text) }, { status: 415, code: 'media_type_unsupported' }, parameter)
  }
  t.same([await get('/Lines'), await size()], before)
})

t.test('a whole document is a table of paths and values, as CSV and as a workbook', async (t) => {
  const csv = (await send(`GET ${root}?format=csv`)).text
  t.match(csv, /^path,value\r\nTitle,slip\r\nSum,USD 1\.50\r\nLines\/1\/Insurer,"Acme, Inc\."\r\n/)
  t.match(JSON.parse((await put('', CSV, csv)).text), { unchanged: true })
  const before = await get('')
  const xlsx = await fetch(new URL(`${root}?format=xlsx`, node.ana.api), {
    headers: { authorization: `Bearer ${node.ana.token}` },
  })
  t.equal(xlsx.headers.get('content-type'), XLSX)
  const table = tableOfXlsx(Buffer.from(await xlsx.arrayBuffer()))
  t.same(table.slice(0, 3), [
    ['path', 'value'],
    ['Title', 'slip'],
    ['Sum', 'USD 1.50'],
  ])
  const tag = xlsx.headers.get('etag') as string
  t.match(JSON.parse((await put('', XLSX, xlsxOfTable(table))).text), { unchanged: true })
  const changed = table.map(([path, value]) => [
    path as string,
    path === 'Lines/1/Seat/City' ? 'Quito' : (value ?? null),
  ])
  const write = await send(`PUT ${root}`, { 'content-type': XLSX, 'if-match': tag }, xlsxOfTable(changed))
  t.equal(write.status, 200)
  t.same(await get(''), {
    ...before,
    Lines: before.Lines.map((one: object, n: number) =>
      n === 0 ? { ...one, Seat: { ...before.Lines[0].Seat, City: 'Quito' } } : one,
    ),
  })
  t.equal((await send(`PUT ${root}`, { 'content-type': XLSX, 'if-match': tag }, xlsxOfTable(table))).status, 412)
})

t.test('what a table says wrongly is refused, and nothing of it is done', async (t) => {
  const before = await size()
  for (const [path, body, code, status] of [
    ['/Lines', 'Insurer,Nothing\nx,y\n', 'write_unfit', 422],
    ['/Lines', 'Insurer,Insurer\nx,y\n', 'write_unfit', 422],
    ['/Lines', 'Insurer,Share\nx\n', 'write_unfit', 422],
    ['/Lines', 'Insurer,Share\nx,y\n', 'value_wrong_type', 422],
    ['/Lines', 'Insurer\nx\nx\n', 'write_unfit', 422],
    ['/Lines', 'Insurer,Notes\nx,[\n', 'body_malformed', 400],
    ['/Lines', 'Insurer,__proto__\nx,y\n', 'write_unfit', 422],
    ['/Lines', 'Insurer\n"x\n', 'body_malformed', 400],
    ['/Lines', `Insurer\n${'x\n'.repeat(20_000)}`, 'body_malformed', 400],
    ['', 'path,value\nNothing,x\n', 'write_unfit', 422],
    ['', 'path,value\nLines,x\n', 'write_unfit', 422],
    ['', 'path,value\nTitle,x\nTitle,y\n', 'write_unfit', 422],
    ['', 'path,value\n%,x\n', 'path_malformed', 400],
    ['', 'Title\nx\n', 'write_unfit', 422],
    ['/Title', 'value\nx\n', 'write_unfit', 422],
  ] as const) {
    const answer = await put(path, CSV, body)
    t.match({ status: answer.status, ...JSON.parse(answer.text) }, { status, code }, body.slice(0, 30))
  }
  const unread = { code: 'value_unreadable', cell: { row: 3 } }
  t.match(JSON.parse((await put('', CSV, 'path,value\nTitle,x\nSum,100\n')).text), unread, 'where it stands')
  t.match(
    JSON.parse(
      (
        await json(
          'POST',
          root,
          JSON.stringify({ Paid: { $list: { entriesMax: 4, entry: { 'Net sum': { $field: { type: 'money' } } } } } }),
        )
      ).text,
    ),
    { index: Number },
  )
  for (const head of ['Net sum', 'Net%20sum'])
    t.match(JSON.parse((await put('/Paid', CSV, `${head}\nUSD 1\n100\n`)).text), {
      code: 'value_unreadable',
      cell: { row: 3, column: 'Net%20sum' },
    })
  t.equal((await json('DELETE', `${root}/Paid`, '')).status, 200)
  const many = `value\n${'x\n'.repeat(300)}`
  t.match(JSON.parse((await put('/Remarks', CSV, many, 'POST')).text), {
    status: 413,
    code: 'request_too_large',
    limit: { name: 'commandsPerRequest', max: 512 },
  })
  // Commands name each other by places of four digits: beyond them none is taken for one that is malformed.
  t.match(JSON.parse((await put('/Remarks?split&dry-run', CSV, `value\n${'x\n'.repeat(6000)}`)).text), {
    code: 'request_too_large',
    limit: { name: 'commandsPerRequest', max: 10_000 },
  })
  const keyed = (entriesMax: number) => ({ Long: { $list: { entry: line, entriesMax, key: 'Insurer' } } })
  t.match(JSON.parse((await json('POST', root, JSON.stringify(keyed(2001)))).text), {
    code: 'limit_exceeded',
    limit: { name: 'entriesPerList', max: 2000 },
  })
  const bad = await put('/Lines', XLSX, 'PK')
  t.match(JSON.parse(bad.text), { status: 400, code: 'body_malformed' })
  t.equal((await put('/Lines', CSV, HEAD, 'PATCH')).status, 415)
  t.match(JSON.parse((await send(`GET ${root}/Title`, { accept: CSV })).text), { status: 406, code: 'not_acceptable' })
  t.equal(await size(), before + 2)
})

t.test('what is wrong in a table is told with its row, and, where that can be said, with its column', async (t) => {
  const told = async (path: string, body: string, method = 'PUT') => {
    const { cell, code, detail } = JSON.parse((await put(path, CSV, body, method)).text)
    return { cell, code, detail }
  }
  const few = 'Insurer,Share,Seat/Since\nAcme,1,2026-01-31\n'
  t.match(await told('/Lines', `${few}Beta,2,31.1.2026\n`), { code: 'value_wrong_type', cell: { row: 3 } })
  t.match(await told('/Lines', `${few}Beta,x,\n`, 'POST'), { code: 'value_wrong_type', cell: { row: 3 } })
  t.match(await told('/Lines?split', `${few}Beta,x,\n`), { code: 'value_wrong_type', cell: { row: 3 } })
  t.match(JSON.parse((await put('/Lines?dry-run', CSV, `${few}Beta,x,\n`)).text), {
    outcome: 'void',
    cell: { row: 3 },
  })
  t.match(await told('/Lines', 'Insurer,Share\nx\n'), { cell: { row: 2 }, detail: /row 2/ })
  t.match(await told('/Lines', 'Insurer,Notes\nx,[]\ny,[\n'), { cell: { row: 3, column: 'Notes' } })
  t.match(await told('/Lines', 'Insurer\nx\ny\ny\n'), { detail: /the same Insurer: "y"/ })
  t.match(await told('', 'path,value\nTitle,x\nSum,1 Euro\n'), {
    code: 'value_unreadable',
    cell: { row: 3, column: 'value' },
  })
  t.match(await told('', 'path,value\nTitle,x\nTitle,y\n'), { cell: { row: 3 } })
  t.match(await told('', 'path,value\n\nTitle,x\nLines/9/Share,1\n'), { code: 'write_unfit', cell: { row: 3 } })
})

t.test('a procurement file goes in by one POST, and comes out equal', async (t) => {
  const text = await readFile(new URL('../../support/ocds-release.json', import.meta.url), 'utf8')
  const release = JSON.parse(text)
  const posted = await json('POST', root, JSON.stringify({ Release: release }))
  t.equal(posted.status, 201, posted.text)
  t.same(await get('/Release'), shown(release))
  t.match(JSON.parse((await json('PUT', `${root}/Release`, text)).text), { unchanged: true })
  const csv = await send(`GET ${root}/Release/tender/items`, { accept: CSV })
  t.equal(csv.text.split('\r\n').length, release.tender.items.length + 2)
  t.match(JSON.parse((await put('/Release/tender/items', CSV, csv.text)).text), { unchanged: true })
  for (const [items, why] of [
    [[1, 'a'], 'of several kinds'],
    [[{ a: 1 }, 2], 'of several kinds'],
    [[], 'nothing is said of entries'],
    [[null], 'nothing is said of entries'],
    [[[1], [2]], 'a list of lists'],
  ] as const) {
    t.match(
      JSON.parse((await json('POST', root, JSON.stringify({ Other: items }))).text),
      { status: 422, code: 'write_unfit' },
      why,
    )
  }
})

/** As a contract shows it: decimals and amounts are digits, in text, and an entry has all that entries of its list have. */
function shown(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(shown)
    const names = new Set(items.flatMap((item) => (isRecord(item) ? Object.keys(item) : [])))
    if (names.size === 0) return items
    return items.map((item) =>
      Object.fromEntries([...names].map((name) => [name, (item as Record<string, unknown>)[name] ?? null])),
    )
  }
  if (!isRecord(value)) return typeof value === 'number' && !Number.isInteger(value) ? String(value) : value
  if ('amount' in value && 'currency' in value) return { ...value, amount: String(value.amount) }
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shown(member)]))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

t.test('what is more than one statement can carry is refused with the limits, or split for who says so', async (t) => {
  const rows = (count: number, from = 0) =>
    `value\r\n${Array.from({ length: count }, (_, n) => `row ${from + n}\r\n`).join('')}`
  // However much it is more, and whether it is only tried.
  const options = Array.from({ length: 400 }, (_, n) => `${n}${'x'.repeat(80)}`)
  const choices = Array.from({ length: 15 }, (_, n) => [`Choice ${n}`, { $field: { type: 'choice', options } }])
  const long = JSON.stringify(Object.fromEntries(choices))
  for (const query of ['', '?dry-run'])
    for (const [answer, limit] of [
      [await put(`/Remarks${query}`, CSV, rows(300)), { name: 'commandsPerRequest', max: 512 }],
      [await put(`/Remarks${query}`, CSV, rows(900)), { name: 'commandsPerRequest', max: 512 }],
      [await json('POST', `${root}${query}`, long), { name: 'requestBytes', max: Number }],
    ] as const)
      t.match(JSON.parse(answer.text), {
        status: 413,
        code: 'request_too_large',
        detail: /; \?split, or --split, asks for it in several requests$/,
        limit,
      })
  const set = JSON.stringify({ changes: [{ at: '', add: JSON.parse(long) }] })
  t.match(
    JSON.parse((await json('POST', `${root.replace('new-api', 'api/Contract')}/ChangeSets`, set)).text),
    { status: 413, code: 'request_too_large', limit: { name: 'requestBytes' }, detail: /fit$/ },
    'what cannot be split',
  )
  const before = await size()
  t.match(JSON.parse((await put('/Remarks?split&dry-run', CSV, rows(600))).text), { outcome: 'accepted' })
  const split = await put('/Remarks?split', CSV, rows(600), 'PUT')
  const { index, parts, request } = JSON.parse(split.text)
  t.equal(split.status, 200)
  t.equal(parts.length, 3)
  t.equal(parts.at(-1), request)
  t.equal(await size(), before + 3)
  t.equal(index, before + 2)
  t.equal((await send(`GET ${root}/Remarks?format=csv`)).text, rows(600))
  t.match(JSON.parse((await put('/Remarks?split', CSV, rows(600))).text), { unchanged: true })
  t.notOk('parts' in JSON.parse((await put('/Remarks?split', CSV, 'value\r\nlast\r\n', 'POST')).text), 'it is one')

  const many = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`Block ${n}`, { A: '1', B: { C: n } }]))
  t.match(JSON.parse((await json('POST', root, JSON.stringify(many))).text), {
    code: 'request_too_large',
    limit: { name: 'commandsPerRequest' },
  })
  t.equal((await json('POST', `${root}?split`, JSON.stringify(many))).status, 200)
  t.match(await get(''), { 'Block 0': { A: '1', B: { C: 0 } }, 'Block 299': { A: '1', B: { C: 299 } } })

  // The last of them does not fit any more: what came before it stays, and is named.
  const half = await put('/Remarks?split', CSV, rows(500, 600), 'POST')
  const told = JSON.parse(half.text)
  t.match(told, { status: 422, code: 'limit_exceeded', path: /^Remarks/ })
  t.equal(told.parts.length, 1)
  t.equal((await get('/Remarks')).length, 601 + 256)

  const keyed = await send(`PUT ${root}/Remarks?split`, { 'content-type': CSV, 'idempotency-key': 'k' }, rows(1))
  t.match(JSON.parse(keyed.text), { status: 400, code: 'request_malformed' })
})
