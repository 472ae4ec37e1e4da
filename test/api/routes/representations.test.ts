import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import t from 'tap'
import type { ElementEvidence, ValueEvidence } from '../../../src/documents/elements/element-evidence.ts'
import type { ShownPastValue } from '../../../src/documents/elements/element-history.ts'
import type { LedgerEntry } from '../../../src/events/ledger-entry.ts'
import { sealOf } from '../../../src/events/seal.ts'
import type { Payload } from '../../../src/events/statement.ts'
import { coreHash, encodeCore } from '../../../src/events/statement-codec.ts'
import { leafHash } from '../../../src/merkle/hashing.ts'
import { verifyInclusion } from '../../../src/merkle/inclusion.ts'
import { exactNode, JSON_TYPE } from '../../support/exact-node.ts'
import { until } from '../../support/node-party.ts'
import { playTextSample } from '../../support/sample.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'
t.setTimeout(300_000)

const XML_TYPE = 'application/xml'
const SHOWN_JSON = 'application/json; charset=utf-8'
const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
const XSI = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'

const field = (type: string, more: object = {}) => ({ $field: { type, ...more } })
const types = {
  Text: field('text'),
  Count: field('integer'),
  Rate: field('decimal'),
  Premium: field('money'),
  Begins: field('date'),
  At: field('date-time'),
  Lasts: field('duration'),
  Signed: field('boolean'),
  Colour: field('choice', { options: ['red & <green>', 'blue'] }),
  Broker: field('party'),
  Other: field('contract'),
}

t.test('a document in its forms', { timeout: 240_000 }, async (t) => {
  const { uid, root, json, send, size } = await exactNode(t, {
    Claimant: { Name: 'Ana', Address: { Country: 'Mexico', 'Post code': '03100' } },
    Typed: types,
    Empty: {},
    Lines: { $list: { entry: { Insurer: field('text'), Share: field('decimal') }, entriesMax: 9, key: 'Insurer' } },
    Notes: { $list: { entry: field('text'), entriesMax: 9 } },
  })
  await json('PUT', `${root}/Lines`, '[{"Insurer":"cornhill-re","Share":12.50},{"Insurer":"acme","Share":null}]')
  await json('PUT', `${root}/Notes`, '["one",null,"\\u0001\\r\\n"]')

  const read = (path: string, accept?: string) => send(`GET ${root}${path}`, accept === undefined ? {} : { accept })
  const put = (path: string, type: string, body: string) => send(`PUT ${root}${path}`, { 'content-type': type }, body)

  await t.test('the sample of docs/api.md', (t) => playTextSample(t, 'Forms', send, { UID: uid }))

  await t.test('each type is written and read in each form as docs/api.md has it', async (t) => {
    const page = await readFile(new URL('../../../docs/api.md', import.meta.url), 'utf8')
    const [, table = ''] = /^### Each type in each form\n([\s\S]*?)^###/m.exec(page) ?? []
    const rows = [
      ...table.replaceAll('UID', uid).matchAll(/^\| `([a-z-]+)`[^|]*\| `(.*?)` \| `(.*?)` \|(?: `(.*?)` \|)?/gm),
    ]
    t.same(new Set(rows.map(([, type]) => type)), new Set(Object.values(types).map(({ $field }) => $field.type)))
    for (const [, type = '', text = '', shown = '', taken] of rows) {
      const [name = ''] = Object.entries(types).find(([, one]) => one.$field.type === type) ?? []
      const at = `/Typed/${name}`
      t.equal((await put(at, 'text/plain', text)).status, 200, type)
      t.equal((await read(at, JSON_TYPE)).text, shown, `${type} in JSON`)
      t.equal((await read(at)).text, text, `${type} as text`)
      t.match((await read(at, XML_TYPE)).text, `>${text}</${name}>`, `${type} in XML`)
      const others = taken === undefined ? [shown] : [shown, taken]
      for (const json of others) t.same((await put(at, JSON_TYPE, json)).text, '{"unchanged":true}', json)
      t.same((await put(at, XML_TYPE, `<${name}>${text}</${name}>`)).text, '{"unchanged":true}', `${type} by XML`)
    }
  })

  await t.test('an element is shown in the form that the client likes best', async (t) => {
    for (const [path, accept, type] of [
      ['/Claimant/Name', undefined, 'text/plain; charset=utf-8'],
      ['/Claimant/Name', '*/*', 'text/plain; charset=utf-8'],
      ['/Claimant/Name', 'application/json', SHOWN_JSON],
      ['/Claimant/Name', 'application/json, text/plain, */*', SHOWN_JSON],
      ['/Claimant/Name', 'application/json;q=0.2, text/*', 'text/plain; charset=utf-8'],
      ['/Claimant/Name', 'application/*;q=0.5, application/json;q=0', XML_TYPE],
      ['/Claimant/Name', 'text/xml', XML_TYPE],
      ['/Claimant', undefined, SHOWN_JSON],
      ['/Claimant', 'text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8', XML_TYPE],
      ['/Claimant', '*/*;q=0.1, text/html', SHOWN_JSON],
      ['/Claimant/Name?format=json', 'text/plain', SHOWN_JSON],
      ['/Claimant?format=xml', undefined, XML_TYPE],
    ] as const) {
      const answer = await read(path, accept)
      t.same([answer.status, answer.headers['content-type']], [200, type], `${path} ${accept}`)
    }
    for (const [path, accept] of [
      ['/Claimant/Name', 'image/png'],
      ['/Claimant/Name', 'text/plain;q=0, application/pdf'],
      ['/Claimant', 'text/plain'],
      ['/Claimant?format=text', undefined],
      ['/Claimant?view=live', 'text/plain'],
    ] as const) {
      const answer = await read(path, accept)
      t.same([answer.status, answer.code], [406, 'not_acceptable'], `${path} ${accept}`)
    }
  })

  await t.test('each form has a tag of its own, also of the past and of the live view', async (t) => {
    const paths = [
      '/Claimant?format=json',
      '/Claimant?format=xml',
      '/Claimant?view=live',
      '/Claimant/Name',
      '/Claimant/Name?format=json',
    ]
    const tags = await Promise.all(paths.map(async (path) => (await read(path)).headers.etag))
    t.equal(new Set(tags).size, paths.length)
    for (const [place, path] of paths.entries()) {
      const again = await send(`GET ${root}${path}`, { 'if-none-match': tags[place] })
      t.equal(again.status, 304, path)
    }
    for (const path of ['/Claimant/Name', '/Claimant/Name?format=json', '/Claimant/Name?format=xml']) {
      const tag = (await read(path)).headers.etag
      const written = { 'content-type': 'text/plain', 'if-match': tag }
      t.same((await send(`PUT ${root}/Claimant/Name`, written, 'Ana')).text, '{"unchanged":true}', path)
    }
    const stale = { 'content-type': XML_TYPE, 'if-match': tags[0] }
    t.equal((await send(`PUT ${root}/Claimant/Name`, stale, '<Name>Eve</Name>')).code, 'precondition_failed')
  })

  await t.test('XML is the document by its names, and says what it cannot have as text', async (t) => {
    const xml = async (path: string) => (await read(path, XML_TYPE)).text
    t.equal(
      await xml('/Claimant'),
      `${HEAD}<Claimant${XSI}><Name>Ana</Name><Address><Country>Mexico</Country><element name="Post code">03100</element></Address><Born>1990-01-31</Born></Claimant>`,
    )
    t.equal(await xml('/Claimant/Name'), `${HEAD}<Name${XSI}>Ana</Name>`)
    t.equal(
      await xml('/Lines'),
      `${HEAD}<Lines${XSI}><item><Insurer>cornhill-re</Insurer><Share>12.50</Share></item><item><Insurer>acme</Insurer><Share xsi:nil="true"></Share></item></Lines>`,
    )
    t.equal(
      await xml('/Notes'),
      `${HEAD}<Notes${XSI}><item>one</item><item xsi:nil="true"></item><item encoding="json">&quot;\\u0001\\r\\n&quot;</item></Notes>`,
    )
    t.match(await xml(''), /^<\?xml .*\n<record .*<\/record>$/s)
    t.equal((await read('/Lines[Insurer%20=%20%22cornhill-re%22]/Share')).text, '12.50')
    t.equal((await read('/Lines/1/Share')).text, '12.50')
    t.equal((await read('/Lines%5B9%5D')).code, 'no_such_path')
  })

  const digits = fc.tuple(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), fc.nat(6)).map(([whole, scale]) => {
    const text = String(whole < 0n ? -whole : whole).padStart(scale + 1, '0')
    const sign = whole < 0n ? '-' : ''
    return scale === 0 ? sign + text : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`
  })
  const values = fc.record(
    {
      Text: fc
        .oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', ' ', '\r\n\t<&>"\']]>', '\u0001\ufffe'))
        .filter((text) => text.isWellFormed() && !text.includes('\0')),
      Count: fc.integer(),
      Rate: digits,
      Premium: digits.map((amount) => ({ amount: amount.replace(/(\.\d\d)\d+$/, '$1'), currency: 'GBP' })),
      Begins: fc
        .date({ min: new Date('1000-01-01'), max: new Date('2999-12-31'), noInvalidDate: true })
        .map((date) => date.toISOString().slice(0, 10)),
      At: fc
        .date({ min: new Date('1000-01-01'), max: new Date('2999-12-31'), noInvalidDate: true })
        .map((date) => date.toISOString()),
      Lasts: fc.constantFrom('P1Y', 'PT36H', 'P3DT4H5M6.7S'),
      Signed: fc.boolean(),
      Colour: fc.constantFrom('red & <green>', 'blue'),
      Broker: fc.constant('ana'),
      Other: fc.constant(uid),
    },
    { requiredKeys: [] },
  )

  await t.test('what was read, written back, changes nothing, whatever the values are', async (t) => {
    await fc.assert(
      fc.asyncProperty(values, async (some) => {
        const wanted = Object.fromEntries(
          Object.keys(types).map((name) => [name, some[name as keyof typeof some] ?? null]),
        )
        const written = await put('/Typed', JSON_TYPE, JSON.stringify(wanted))
        t.equal(written.status, 200, written.text)
        const before = await size()
        for (const path of ['', '/Typed', ...Object.keys(types).map((name) => `/Typed/${name}`)]) {
          for (const type of [JSON_TYPE, XML_TYPE]) {
            const { text } = await read(path, type)
            t.same((await put(path, type, text)).text, '{"unchanged":true}', `${type} ${path}: ${text}`)
          }
        }
        for (const name of Object.keys(types)) {
          const { status, text } = await read(`/Typed/${name}`)
          if (status === 200) t.same((await put(`/Typed/${name}`, 'text/plain', text)).text, '{"unchanged":true}', text)
        }
        t.equal(await size(), before, 'no entry')
        // And back by XML alone, after all was emptied.
        const { text: xml } = await read('/Typed', XML_TYPE)
        const { text: shown } = await read('/Typed', JSON_TYPE)
        const nothing = Object.fromEntries(Object.keys(types).map((name) => [name, null]))
        await put('/Typed', JSON_TYPE, JSON.stringify(nothing))
        t.same(JSON.parse((await read('/Typed')).text), nothing, 'null empties')
        t.equal((await put('/Typed', XML_TYPE, xml)).status, 200)
        t.equal((await read('/Typed', JSON_TYPE)).text, shown)
      }),
      { numRuns: 4, examples: [[{}]] },
    )
  })

  await t.test('XML adds and fills as JSON does, in lists as well', async (t) => {
    const post = (path: string, body: string) => send(`POST ${root}${path}`, { 'content-type': XML_TYPE }, body)
    const added =
      '<Claimant><Phone>1</Phone><Since type="date">1990-01-31</Since><Bank><element name="Sort code">20-00</element></Bank></Claimant>'
    t.equal((await post('/Claimant', added)).status, 200)
    t.match(JSON.parse((await read('/Claimant')).text), {
      Phone: '1',
      Since: '1990-01-31',
      Bank: { 'Sort code': '20-00' },
    })
    t.match(JSON.parse((await read('/Claimant/Since/~schema')).text), { type: { type: 'date' } })
    t.equal((await post('/Lines', '<item><Insurer>beta</Insurer><Share>1.5</Share></item>')).status, 201)
    t.equal(
      (await put('/Lines', XML_TYPE, '<Lines><item><Insurer>beta</Insurer><Share>2.5</Share></item></Lines>')).status,
      200,
    )
    t.same(JSON.parse((await read('/Lines')).text), [{ Insurer: 'beta', Share: '2.5' }])
  })

  const merge = (path: string, body: string) =>
    send(`PATCH ${root}${path}`, { 'content-type': 'application/merge-patch+json' }, body)

  await t.test('what is merged adds what is not there, and takes away what is null', async (t) => {
    const shown = async () => JSON.parse((await read('/Claimant')).text) as Record<string, unknown>
    const before = await size()
    t.equal((await merge('/Claimant', '{"Nobody":null}')).text, '{"unchanged":true}')
    t.equal((await merge('/Claimant?dry-run', '{"Name":"Bea"}')).status, 200)
    t.equal(await size(), before)
    t.equal((await merge('/Claimant', '{"Name":"Bea","Bank":null,"Phone":null,"Address":{"City":"Lima"}}')).status, 201)
    t.equal(await size(), before + 1, 'one request')
    const address = { Country: 'Mexico', 'Post code': '03100', City: 'Lima' }
    t.match(await shown(), { Name: 'Bea', Phone: null, Address: address })
    t.notOk('Bank' in (await shown()), 'a block goes')
    t.equal((await merge('', '{"Notes":["x"],"Lines":[{"Insurer":"beta","Share":"2.5"}]}')).status, 200)
    t.same(JSON.parse((await read('/Notes')).text), ['x'], 'an array takes the place of all entries')
    t.equal((await merge('/Claimant/Name', '"Ana"')).status, 200)
    t.equal((await send(`PATCH ${root}/Claimant/Name`, { 'content-type': 'text/plain' }, 'x')).status, 415)
    t.equal((await put('/Claimant', 'application/merge-patch+json', '{}')).status, 415)
    t.equal((await merge('/Claimant', '{"$Name":"x"}')).code, 'write_unfit')
    await json('PUT', `${root}/Notes`, '["one",null]')
  })

  await t.test('an element gets another name, owner, order and audience by its attributes', async (t) => {
    const attributes = async (path: string) => JSON.parse((await read(`${path}/~attributes`)).text)
    const order = ['Name', 'Address', 'Born', 'Phone', 'Since']
    t.match(await attributes('/Claimant'), { name: 'Claimant', kind: 'block', owner: null, isActive: true, order })
    t.match(await attributes('/Typed/Colour'), { type: { type: 'choice', options: ['red & <green>', 'blue'] } })
    t.equal((await merge('/Claimant/~attributes', `{"name":"Claimant","owner":null}`)).text, '{"unchanged":true}')
    await json('POST', root, '{"Own":{"$block":{"owner":"ana"},"A":"1","B":"2"}}')
    const before = await size()
    const wanted = '{"name":"Mine","order":["B"],"audience":{"parties":["ana"]},"owner":null}'
    t.equal((await merge('/Own/~attributes?dry-run', wanted)).status, 200)
    t.equal(await size(), before)
    const { status, text } = await merge('/Own/~attributes', wanted)
    t.equal(status, 200, text)
    t.equal(await size(), before + 1, 'one request')
    const now = { name: 'Mine', owner: null, audience: { parties: ['ana'] }, order: ['B', 'A'] }
    t.match(await attributes('/Mine'), now)
    t.equal((await merge('/Mine/~attributes', '{"owner":"ana"}')).code, 'not_owner', 'what is shared nobody can take')
    for (const [body, status, code] of [
      ['{}', 400, 'request_malformed'],
      ['{"nam":"x"}', 400, 'request_malformed'],
      ['{"owner":"no such handle"}', 400, 'request_malformed'],
      ['{"name":"a/b"}', 422, 'text_unfit'],
      ['{"order":["Nobody"]}', 422, 'write_unfit'],
    ] as const) {
      const answer = await merge('/Claimant/~attributes', body)
      t.same([answer.status, answer.code], [status, code], body)
    }
    t.equal((await merge('/Nobody/~attributes', '{"name":"x"}')).code, 'no_such_path')
  })

  await t.test('an element says how far it has come, and by what it is proven', async (t) => {
    const { tiers } = JSON.parse((await read('/Claimant/~tiers')).text) as { tiers: { at: string; tier: number }[] }
    t.match(tiers[0], { at: 'Claimant' })
    t.ok(tiers.some(({ at }) => at === 'Claimant/Address/Country'))
    t.ok(tiers.every(({ tier }) => tier >= 3))
    const paged = JSON.parse((await read('/Claimant/~tiers?limit=1&after=1')).text)
    t.match(paged, { tiers: [{ at: tiers[1]?.at }], after: 2 })
    t.equal(paged.tiers.length, 1)
    const evidence = async () => JSON.parse((await read('/Claimant/Name/~evidence')).text) as ElementEvidence
    await until('the read model', async () => (await evidence()).values[0]?.opened?.value === 'Ana')
    const { head, values } = await evidence()
    const [value] = values as [ValueEvidence]
    t.equal(values.length, 1, 'what was replaced is proven no more')
    t.equal(sealOf(value.opened as Payload), value.seal)
    const leaf = leafHash(value.entry)
    verifyInclusion({ leaf, index: value.index, size: head.size, proof: value.inclusion, root: head.root })
    const { statement } = JSON.parse(value.entry) as LedgerEntry
    const { head: _head, note: _note, ...core } = JSON.parse(value.statement?.text ?? '{}')
    t.equal(coreHash(encodeCore(core)), statement, 'the entry is of that statement')
    t.match(value.statement?.text, value.seal)
    t.equal((await read('/Nobody/~evidence')).code, 'no_such_path')
  })

  await t.test('XML that says something else, or could be made to, is refused, and changes nothing', async (t) => {
    const before = await size()
    const lines = Array.from({ length: 20_001 }, () => '<item>x</item>').join('')
    for (const [body, what] of [
      ['<!DOCTYPE Claimant [<!ENTITY a "b">]><Claimant><Name>&a;</Name></Claimant>', 'a document type'],
      ['<!DOCTYPE Claimant SYSTEM "file:///etc/passwd"><Claimant/>', 'a document type'],
      [`${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}`, 'nested'],
      [`<Notes>${lines}</Notes>`, 'elements'],
      ['<Claimant><Name>&nbsp;</Name></Claimant>', 'well-formed'],
      ['<Claimant><Name>x</Claimant>', 'well-formed'],
      ['<Claimant/><Claimant/>', 'well-formed'],
      ['', 'well-formed'],
      ['<Claimant><Name>\u0001</Name></Claimant>', 'well-formed'],
      ['<?xml version="1.0" encoding="ISO-8859-1"?><Claimant><Name>x</Name></Claimant>', 'UTF-8'],
      ['<?xml version="1.1"?><Claimant><Name>x</Name></Claimant>', 'XML 1.0'],
      ['<Claimant kind="x"><Name>x</Name></Claimant>', 'attribute'],
      ['<a:Claimant xmlns:a="urn:a"><Name>x</Name></a:Claimant>', 'namespace'],
      ['<Claimant>x<Name>x</Name></Claimant>', 'text beside'],
      [`<Claimant${XSI}><Name xsi:nil="true">x</Name></Claimant>`, 'no value'],
      ['<Claimant><Name encoding="json">x</Name></Claimant>', 'JSON'],
    ] as const) {
      const answer = await put('/Claimant', XML_TYPE, body)
      t.same([answer.status, answer.code], [400, 'body_malformed'], body.slice(0, 80))
      t.match(answer.text, what, body.slice(0, 80))
    }
    for (const body of [
      '<Claimants><Name>x</Name></Claimants>',
      '<Claimant><Name>x</Name><Name>y</Name></Claimant>',
      '<Claimant><Name><b>x</b></Name></Claimant>',
      '<Claimant><Address>Mexico</Address></Claimant>',
      '<Claimant><Name type="text">x</Name></Claimant>',
    ]) {
      const answer = await put('/Claimant', XML_TYPE, body)
      t.same([answer.status, answer.code], [422, 'write_unfit'], body)
    }
    t.equal((await put('/Notes', XML_TYPE, '<Notes><note>x</note></Notes>')).code, 'write_unfit')
    t.equal((await send(`POST /api/Contract`, { 'content-type': XML_TYPE }, '<title>x</title>')).status, 415)
    t.equal(await size(), before)
  })

  await t.test('a member with a dollar sign means what it says, or nothing is written', async (t) => {
    const before = await size()
    for (const body of [
      '{"Due":{"$field":{"type":"date"},"$vlaue":"2027-01-01"}}',
      '{"Due":{"$field":{"type":"date"},"value":"2027-01-01"}}',
      '{"Due":{"$feild":{"type":"date"}}}',
      '{"Due":{"$value":"2027-01-01"}}',
      '{"$Due":"2027-01-01"}',
      '{"Due":{"$block":{"owner":"ana"},"$audience":["ana"]}}',
      '{"Due":{"$list":{"entry":{"$key":{"$field":{"type":"text"}}},"entriesMax":2}}}',
    ]) {
      const answer = await json('POST', root, body)
      t.same([answer.status, answer.code], [422, 'write_unfit'], body)
    }
    t.equal(await size(), before)
    t.equal(
      (await json('POST', root, '{"Sum":{"amount":11000000,"currency":"GBP"},"Sums":{"amount":0.10,"currency":"GBP"}}'))
        .status,
      200,
    )
    t.same(JSON.parse((await read('/Sum', JSON_TYPE)).text), { amount: '11000000', currency: 'GBP' })
    t.equal((await read('/Sums')).text, 'GBP 0.10')
  })

  await t.test('the past is read by the time that was claimed', async (t) => {
    await put('/Claimant/Name', 'text/plain', 'Eve')
    const values = async () => {
      const { values: all } = JSON.parse((await read('/Claimant/Name/~history')).text) as { values: ShownPastValue[] }
      return all
    }
    // The read model follows.
    await until('all are in the read model', async () => (await values())[0]?.value === 'Eve')
    const [last, first] = [(await values())[0]?.time as string, (await values()).at(-1)?.time as string]
    t.equal((await read(`/Claimant/Name?at=${first}`)).text, 'Ana')
    t.equal((await read(`/Claimant/Name?at=${last}`)).text, 'Eve')
    t.equal((await read('/Claimant/Name?at=2999-12-31')).text, 'Eve')
    t.equal((await read(`/Claimant/Name?at=${encodeURIComponent(first.replace('Z', '+00:00'))}`)).text, 'Ana')
    t.same((await read('/Claimant/Name?at=2001-01-01')).code, 'no_such_entry')
    for (const at of ['2026-02-30', '2026-13-01T00:00:00Z', 'yesterday', '2026-01-01T00:00']) {
      t.same(
        [(await read(`/Claimant?at=${at}`)).status, (await read(`/Claimant?at=${at}`)).code],
        [400, 'request_malformed'],
        at,
      )
    }
  })

  await t.test('the live view of what has settled has nothing tentative', async (t) => {
    t.same(JSON.parse((await read('/Claimant/Name?view=live')).text), { value: 'Eve', tentative: [], isWhole: true })
    t.equal((await read('/Nobody?view=live')).code, 'no_such_path')
    t.equal((await read('/Claimant?view=live&at=3')).code, 'request_malformed')
    t.equal((await read('/Claimant?view=past')).code, 'request_malformed')
  })
})
