import '../../support/checked-answers.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { type ApiPorts, createApi } from '../../../src/api/app.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { cellText, csvRecords } from '../../../src/runtime/csv.ts'
import { entityReadModel } from '../../support/entity-read-model.ts'

// The API itself on a socket, over a read model and a store that the real code has written.
const dir = await mkdtemp(join(tmpdir(), 'entity-api-'))
const model = await entityReadModel(dir)
const app = await createApi({
  contracts: { listen: () => () => {} },
  clock: systemClock,
  behindProxy: false,
  logger: pino({ level: 'silent' }),
  whoIs: async (key: string) =>
    key === 'other' ? { name: 'other', roles: ['editor'] } : { name: 'ana', roles: ['reader'] },
  noteAsked() {},
  noteAnswered() {},
  inwardLimits: { callerCallsPerSecond: 1_000_000 },
  entityRows: model.rows,
  store: model.store,
} as unknown as ApiPorts)
const api = await app.listen({ port: 0, host: '127.0.0.1' })
t.teardown(async () => {
  await app.close()
  await model.close()
  await rm(dir, { recursive: true, force: true })
})

type Row = Record<string, unknown>

async function ask(path: string, method = 'GET', key = 'ana') {
  const answer = await fetch(new URL(path, api), { method, headers: { authorization: `Bearer ${key}` } })
  const text = await answer.text()
  const next = /^<(.*)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1]
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text), next, headers: answer.headers }
}

async function rowsAt(path: string): Promise<Row[]> {
  const rows: Row[] = []
  for (let at: string | undefined = path; at !== undefined; ) {
    const answer = await ask(at)
    t.equal(answer.status, 200, at)
    rows.push(...answer.body)
    at = answer.next
  }
  return rows
}

interface Model {
  readonly limitMax: number
  readonly entities: readonly {
    readonly name: string
    readonly plural: string
    readonly path: string
    readonly key: readonly string[]
    readonly attributes: readonly {
      readonly name: string
      readonly type: string
      readonly isNullable: boolean
      readonly references?: string
      readonly options?: readonly string[]
      readonly isFilter: boolean
      readonly isSortable: boolean
    }[]
    readonly children: readonly { readonly entity: string; readonly by: string; readonly path: string }[]
  }[]
}

const { body: said } = (await ask('/api')) as { body: Model }

t.test('from /api alone a client finds every row of every entity, and what each attribute is', async (t) => {
  t.same(
    said.entities.map(({ name }) => name).sort(),
    'Attribute Contract Dialogue Element Market Party Proposal Request Rule RuleSet Type Vote'.split(' '),
  )
  for (const { attributes, name, path } of said.entities) {
    const rows = await rowsAt(`${path}?limit=50`)
    t.ok(rows.length > 1, name)
    const names = attributes.map(({ name }) => name).sort()
    t.same(
      rows.filter((row) => Object.keys(row).sort().join() !== names.join()),
      [],
      `${name} has ${names}`,
    )
    for (const { isNullable, name: attribute, options, type } of attributes) {
      const values = rows.map((row) => row[attribute]).filter((value) => !(value === null && isNullable))
      const others = values.filter(
        (value) => type !== 'json' && typeof value !== (type === 'integer' ? 'number' : type),
      )
      t.same(others, [], `${name}.${attribute} is of its type`)
      if (options !== undefined)
        t.same(
          values.filter((value) => !options.includes(value as string)),
          [],
        )
    }
  }
})

t.test('each attribute is a filter and an order, over HTTP', async (t) => {
  for (const { attributes, key, name, path } of said.entities) {
    const [first] = (await ask(`${path}?limit=1`)).body as Row[]
    const id = key.map((column) => first?.[column]).join('.')
    for (const attribute of attributes) {
      const value = first?.[attribute.name] ?? ''
      if (attribute.isFilter) {
        const filter = encodeURIComponent(
          value !== '' && attribute.type === 'json' ? JSON.stringify(value) : String(value),
        )
        const contract = attribute.name === 'path' ? `&contract=${first?.contract}` : ''
        const found = (await ask(`${path}?${attribute.name}=${filter}${contract}&limit=1`)).body as Row[]
        t.equal(key.map((column) => found[0]?.[column]).join('.'), id, `${name} by ${attribute.name}`)
      } else {
        t.match(await ask(`${path}?${attribute.name}=1`), { status: 400, body: { code: 'request_malformed' } })
      }
      for (const sign of ['', '-']) {
        const answer = await ask(`${path}?sort=${sign}${attribute.name}&limit=1`)
        if (attribute.isSortable) t.equal(answer.status, 200)
        else t.match(answer, { status: 400, body: { code: 'request_malformed' } })
      }
    }
  }
})

t.test('a row has one address by its local id, one by its universal id, and others below it', async (t) => {
  for (const { children, key, name, path, plural } of said.entities) {
    const [row] = (await ask(`${path}?limit=1`)).body as Row[]
    const id = key.map((column) => row?.[column]).join('.')
    t.same((await ask(`${path}/${id}`)).body, row, name)
    t.same((await ask(`${path}/${encodeURIComponent(String(row?.universalId))}`)).body, row, name)
    if (!['Contract', 'Party', 'Request'].includes(name)) {
      t.same((await ask(`/api/${name}?limit=1`)).body, [row], 'in the singular')
    }
    t.same((await ask(`/api/${name}/${id}`)).body, row, 'in the singular')
    for (const { by, entity, path: below } of children) {
      const of = said.entities.find(({ name }) => name === entity)
      const expected = (await rowsAt(`${of?.path}?limit=1000`)).filter((child) => child[by] === row?.[key[0] as string])
      t.same(await rowsAt(`${below.replace('{id}', id)}?limit=1000`), expected, below)
      for (const place of [
        `${plural}/${id}`,
        `${name}/${id}`,
        `${name}/${encodeURIComponent(String(row?.universalId))}`,
      ]) {
        t.same(await rowsAt(`/api/${place}/${entity}?limit=1000`), expected, 'in the singular')
      }
    }
  }
})

t.test('as the paper spells it: a tree by parents, from a UID', async (t) => {
  const [contract] = (await ask('/api/Contracts?title=A+contract')).body as Row[]
  const uid = (contract ?? ((await ask('/api/Contracts')).body as Row[])[0])?.uid
  const [root] = (await ask(`/api/Elements?universalId=${uid}`)).body as Row[]
  t.match(root, { parent: null, path: '', kind: 'block' })
  const children = (await ask(`/api/Elements?parent=${root?.id}&removed_at=`)).body as Row[]
  t.ok(children.length > 0)
  t.same(await rowsAt(`/api/Contract/${uid}/Elements?parent=${root?.id}&removed_at=`), children, 'by UID, too')
  t.same(await rowsAt(`/api/Elements?contract=${uid}&parent=${uid}&removed_at=`), children)
})

t.test('a row is found by its path as well, however its names are spelled', async (t) => {
  const standing = (await rowsAt('/api/Elements?removed_at=&limit=1000')).filter(({ kind }) => kind !== 'field')
  const lists = new Map(standing.filter(({ kind }) => kind === 'list').map((row) => [row.id, row]))
  const entries = standing.filter(({ parent }) => lists.has(parent))
  t.ok(entries.length > 0)
  const at = async (contract: unknown, path: string) =>
    (await ask(`/api/Elements?contract=${contract}&path=${encodeURIComponent(path)}`)).body
  for (const row of [...standing, ...entries].slice(0, 50)) {
    t.same(await at(row.contract, row.path as string), [row])
    t.same(await at(row.contract, (row.path as string).normalize('NFD')), [row])
  }
  for (const entry of entries.slice(0, 10)) {
    const { path } = lists.get(entry.parent) as Row
    t.same(await at(entry.contract, `${path}[${entry.name}]`), [entry], `${path}[${entry.name}]`)
  }
  for (const path of ['/Risk', 'Risk/', 'Risk//Limit', '/']) t.match(await at(1, path), { code: 'query_unfit' }, path)
})

t.test('what is under seals is shown as far as it is held', async (t) => {
  const proposals = (await ask('/api/Proposals?limit=1000')).body as Row[]
  t.ok(proposals.some(({ isHeld, value }) => isHeld === true && String(value).startsWith('value ')))
  const refused = (await ask('/api/Dialogues?answer=refused&limit=1000')).body as Row[]
  t.ok(refused.length > 0)
  t.ok(refused.every(({ about_isHeld, about_text }) => about_isHeld === true && about_text === '=not like this'))
})

t.test('a list is CSV for whoever asks for that, page by page', async (t) => {
  const asked = async (path: string, accept = '*/*') => {
    const answer = await fetch(new URL(path, api), { headers: { authorization: 'Bearer ana', accept } })
    const next = /^<(.*)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1]
    const [type, vary] = [answer.headers.get('content-type')?.split(';', 1)[0], answer.headers.get('vary')]
    return { text: await answer.text(), next, type, vary }
  }
  for (const { attributes, path } of said.entities) {
    const rows = await rowsAt(path)
    const [head = [], ...records] = csvRecords((await asked(`${path}?format=csv&limit=1000`)).text, 1_000_000)
    t.same(
      head,
      attributes.map(({ name }) => name),
      path,
    )
    t.equal(records.length, Math.min(rows.length, 1_000))
    for (const [place, record] of records.entries())
      for (const [at, name] of head.entries()) {
        const { [name]: value, isHeld = value !== null } = rows[place] ?? {}
        const isNone = name === 'value' ? !isHeld : value === null
        const isText = typeof value === 'string' && name !== 'value'
        const expected = isNone ? '' : isText ? value : JSON.stringify(value)
        if (cellText(record[at] ?? '') !== expected) t.equal(record[at], expected, `${path} ${place} ${name}`)
      }
  }
  const first = await asked('/api/Proposal?format=csv&limit=1')
  t.match(first, { type: 'text/csv', vary: 'accept' })
  t.match(first.next, /format=csv/)
  const second = await asked(first.next as string)
  t.equal(second.text.split('\r\n', 1)[0], first.text.split('\r\n', 1)[0], 'each page has the names')
  t.not(second.text, first.text)
  t.equal((await asked('/api/Proposals?limit=1', 'text/csv')).text, first.text)
  t.equal((await asked('/api/Proposals?limit=1', 'text/csv;q=0.1, application/json')).type, 'application/json')
  t.match(await ask('/api/Proposals?format=xml'), { status: 400, body: { code: 'request_malformed' } })
})

t.test('nobody writes here: 405 says why, and where instead', async (t) => {
  for (const { path } of said.entities) {
    for (const at of [path, `${path}/1`]) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const answer = await ask(at, method)
        t.match(
          answer,
          { status: 405, body: { code: 'method_not_allowed', detail: /\/|system itself/ } },
          `${method} ${at}`,
        )
        t.equal(answer.headers.get('allow'), 'GET, HEAD')
      }
    }
  }
  for (const name of ['Requests', 'Dialogues', 'Dialogue']) {
    t.match((await ask(`/api/${name}`, 'POST')).body.detail, /only the system itself writes them down/)
  }
})

t.test('what is asked wrongly is a problem with a stable code', async (t) => {
  const uid = '0'.repeat(52)
  for (const [path, status, code] of [
    ['/api/Nothing', 404, 'no_such_route'],
    [`/api/Elements/${uid}/Nothing`, 404, 'no_such_relation'],
    ['/api/Elements/999999', 404, 'no_such_row'],
    [`/api/Elements/${uid}.0`, 404, 'no_such_row'],
    ['/api/Elements/1.2', 404, 'no_such_row'],
    ['/api/Elements/999999/Proposals', 404, 'no_such_row'],
    ['/api/Elements/x', 400, 'request_malformed'],
    ['/api/Elements/0', 400, 'request_malformed'],
    ['/api/Elements/-1', 400, 'request_malformed'],
    ['/api/Elements/__proto__', 400, 'request_malformed'],
    ['/api/Elements?nothing=1', 400, 'request_malformed'],
    ['/api/Elements?__proto__=1', 400, 'request_malformed'],
    ['/api/Elements?parent=x', 400, 'request_malformed'],
    ['/api/Elements?added_at=x', 400, 'request_malformed'],
    ['/api/Elements?added_at=1e3', 400, 'request_malformed'],
    ['/api/Elements?active=1', 400, 'request_malformed'],
    ['/api/Elements?kind=leaf', 400, 'request_malformed'],
    ['/api/Elements?options=%5B', 400, 'query_unfit'],
    ['/api/Elements?path=Risk', 400, 'query_unfit'],
    ['/api/Elements?sort=nothing', 400, 'request_malformed'],
    ['/api/Elements?sort=id;DROP%20TABLE%20Element', 400, 'request_malformed'],
    ['/api/Elements?limit=0', 400, 'request_malformed'],
    ['/api/Elements?limit=1001', 400, 'request_malformed'],
    ['/api/Elements?limit=1.5', 400, 'request_malformed'],
    ['/api/Elements?cursor=x', 400, 'query_unfit'],
    ['/api/Elements?cursor=', 400, 'query_unfit'],
    [`/api/Elements?cursor=${'x'.repeat(8_001)}`, 400, 'request_malformed'],
    ['/api/Elements?name=a&name=b', 400, 'path_malformed'],
    ['/api/Contracts/1/Elements?contract=1', 400, 'query_unfit'],
    ['/api/Contracts/1/Elements?nothing=1', 400, 'request_malformed'],
    ['/api/Contracts/1/Elements?sort=nothing', 400, 'request_malformed'],
    ['/api?nothing=1', 400, 'request_malformed'],
  ] as const) {
    t.match(await ask(path), { status, body: { code, status } }, path)
  }
  for (const name of ["x' OR '1'='1", '%', '_', '"', '\\', 'ｆ', '𝔽', '../..', '=1+1']) {
    t.same((await ask(`/api/Elements?name=${encodeURIComponent(name)}`)).body, [], name)
  }
  t.match(await ask('/api/Elements', 'GET', 'other'), { status: 403, body: { code: 'role_missing' } })
})

t.test('ten thousand rows, page by page, while others are added: nothing twice, nothing lost', async (t) => {
  await model.growing.grows(10_000)
  await model.catchUp()
  const before = model.database.prepare<[], number>('SELECT id FROM Element ORDER BY id').pluck().all()
  t.ok(before.length > 10_000)
  const found: number[] = []
  for (let at: string | undefined = '/api/Elements?limit=1000', pages = 0; at !== undefined; pages++) {
    const answer = await ask(at)
    found.push(...(answer.body as { id: number }[]).map(({ id }) => id))
    at = answer.next
    if (pages >= 4) continue
    await model.growing.grows(20)
    await model.catchUp()
  }
  t.equal(new Set(found).size, found.length, 'nothing twice')
  t.same(found.slice(0, before.length), before, 'nothing lost')

  const [{ id } = { id: 0 }] = (await ask('/api/Elements?name=Risk')).body as { id: number; name: string }[]
  t.ok(id > 0)
  const byName = await rowsAt('/api/Elements?contract=1&sort=-name&limit=7')
  t.same(
    byName.map(({ name }) => name),
    byName
      .map(({ name }) => name as string)
      .toSorted()
      .reverse(),
    'in an order',
  )
  t.match(await ask('/api/Elements?sort=name'), {
    status: 422,
    body: { code: 'query_too_wide', limit: { name: 'rows', max: 10_000 } },
  })
  t.equal((await rowsAt('/api/Elements?name=Risk')).length, 1, 'what is rare is found all the same')
  const last = (await ask('/api/Elements?sort=-id&limit=1')).body as { id: number }[]
  t.equal(last[0]?.id, model.database.prepare('SELECT max(id) FROM Element').pluck().get())
})
