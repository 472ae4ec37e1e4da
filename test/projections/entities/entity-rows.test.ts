import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { type Attribute, type Entity, isFilter, isSortable } from '../../../src/projections/entities/entity.ts'
import { EntityRows } from '../../../src/projections/entities/entity-rows.ts'
import type { EntityRow } from '../../../src/projections/entities/held-values.ts'
import { entities, entityOf } from '../../../src/projections/entities/model.ts'
import { QueryTooWide, QueryUnfit } from '../../../src/projections/entities/query-unfit.ts'
import { entityReadModel } from '../../support/entity-read-model.ts'

const dir = await mkdtemp(join(tmpdir(), 'entities-'))
const model = await entityReadModel(dir)
t.teardown(async () => {
  await model.close()
  await rm(dir, { recursive: true, force: true })
})
const { rows } = model

type Asked = Omit<Parameters<EntityRows['find']>[1], 'cursor'>

/** All pages, one behind the other. */
function paged(entity: Entity, asked: Asked, from = rows): EntityRow[] {
  const found: EntityRow[] = []
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const page = from.find(entity, { ...asked, ...(cursor !== undefined && { cursor }) })
    found.push(...page.rows)
    cursor = page.next
  }
  return found
}

const whole = (entity: Entity) => paged(entity, { limit: 1000 })
const keyOf = ({ key }: Entity, row: EntityRow) => key.map((column) => row[column]).join('.')
/** As a query says it. */
const said = (value: unknown, { storage }: Attribute) =>
  value === null || value === '' ? '' : storage === 'json' ? JSON.stringify(value) : String(value)

t.test('the read model has rows of every entity', async (t) => {
  for (const entity of entities) t.ok(whole(entity).length > 1, entity.name)
})

t.test('each attribute is a filter: it finds what has the value, and nothing else', async (t) => {
  for (const entity of entities) {
    const all = whole(entity)
    for (const attribute of entity.attributes.filter(isFilter)) {
      const { name, storage } = attribute
      const values = [...new Set(all.map((row) => said(row[name], attribute)))]
      for (const value of [...values.slice(0, 3), ...values.slice(-1)]) {
        const isPath = name === 'path'
        const contract = all.find((row) => said(row[name], attribute) === value)?.contract
        const filters = new Map([[name, value], ...(isPath ? [['contract', String(contract)] as const] : [])])
        const expected = all.filter((row) => {
          if (isPath) return row.contract === contract && row.path === value
          return said(row[name], attribute) === value
        })
        t.same(
          paged(entity, { filters, limit: 7 }).map((row) => keyOf(entity, row)),
          expected.map((row) => keyOf(entity, row)),
          `${entity.name} ${name}=${value}`,
        )
      }
      if (storage === 'boolean' || storage === 'json') continue
      const nothing = new Map([[name, storage === 'integer' ? '999999' : 'no-such']])
      if (name === 'path') nothing.set('contract', '1')
      t.same(paged(entity, { filters: nothing, limit: 7 }), [])
    }
  }
})

t.test('each attribute is an order, both ways, whatever the pages', async (t) => {
  const rank = (value: unknown) => (value === null ? 0 : 1)
  const compare = (one: unknown, other: unknown) =>
    rank(one) - rank(other) || (one === other ? 0 : (one as string) < (other as string) ? -1 : 1)
  for (const entity of entities) {
    const all = whole(entity)
    for (const { name: by } of entity.attributes.filter(isSortable)) {
      for (const isDescending of [false, true]) {
        const expected = all.toSorted(
          (one, other) =>
            [by, ...entity.key].reduce((so, column) => so || compare(one[column], other[column]), 0) *
            (isDescending ? -1 : 1),
        )
        t.same(
          paged(entity, { sort: { by, isDescending }, limit: 7 }).map((row) => keyOf(entity, row)),
          expected.map((row) => keyOf(entity, row)),
          `${entity.name} by ${by}${isDescending ? ', descending' : ''}`,
        )
      }
    }
  }
})

t.test('however few rows are looked at for one answer, all pages together have everything once', async (t) => {
  for (const entity of entities) {
    const [first] = entity.key
    const filters = new Map([['contract', '1']])
    const narrow = { ...entity, looksAt: 3 }
    for (const isDescending of [false, true]) {
      const asked = { limit: 5, ...(entity.name !== 'Contract' && { filters }), sort: { by: first, isDescending } }
      const expected = paged(entity, { ...asked, limit: 1000 }).map((row) => keyOf(entity, row))
      t.same(
        paged(narrow, asked).map((row) => keyOf(entity, row)),
        expected,
        entity.name,
      )
    }
  }
  const lone = { ...entityOf('Element'), looksAt: 3 }
  const page = rows.find(lone, { filters: new Map([['name', 'no-such']]), limit: 5 })
  t.same(page.rows, [])
  t.ok(page.next, 'a page may be empty, and not the last')
})

t.test('more rows than one answer may cost are put in no order', async (t) => {
  const elements = { ...entityOf('Element'), looksAt: 10 }
  const sort = { by: 'name', isDescending: false }
  t.throws(() => rows.find(elements, { sort, limit: 5 }), QueryTooWide)
  const [block] = whole(elements).filter(({ path }) => path === 'Risk')
  const filters = new Map([['parent', String(block?.id)]])
  t.same(
    rows.find(elements, { filters, sort, limit: 5 }).rows.map(({ name }) => name),
    ['Line'],
    'those of a parent are few',
  )
})

t.test('no row is looked at that need not be', async (t) => {
  const asked: string[] = []
  const watched = new Database(model.database.name, { readonly: true, verbose: (sql) => asked.push(String(sql)) })
  const found = new EntityRows(watched)
  for (const entity of entities) found.find(entity, { limit: 5 })
  const below = [
    ['Element', 'parent'],
    ['Proposal', 'element'],
    ['Proposal', 'request'],
    ['Vote', 'proposal'],
    ['Rule', 'element'],
  ] as const
  for (const entity of entities) {
    if (entity.attributes.some(({ name }) => name === 'contract'))
      found.find(entity, { filters: new Map([['contract', '1']]), limit: 5 })
  }
  const indexed: string[] = []
  for (const [name, by] of below) {
    const before = asked.length
    found.find(entityOf(name), { filters: new Map([[by, '8589934593']]), limit: 5 })
    indexed.push(...asked.slice(before))
  }
  const plansOf = (sql: string) =>
    watched
      .prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(({ detail }) => detail)
  const queries = asked.filter((sql) => sql.startsWith('SELECT') && sql.includes('LIMIT'))
  t.ok(queries.length >= 2 * entities.length + below.length)
  for (const sql of [...queries]) t.notMatch(plansOf(sql).join('\n'), /TEMP B-TREE FOR ORDER BY/, sql)
  for (const sql of indexed.filter((sql) => sql.includes('LIMIT')))
    t.match(plansOf(sql).join('\n'), /SEARCH (?:own|Element|Proposal|Vote|Rule) USING (?:COVERING )?INDEX/, sql)
  watched.close()
})

t.test('a row has the same universal id wherever it is held, and is found by it', async (t) => {
  const elsewhere = await entityReadModel(dir, 'growing')
  for (const entity of entities) {
    const here = whole(entity)
    const there = paged(entity, { limit: 1000 }, elsewhere.rows)
    const ids = here.map(({ universalId }) => universalId as string)
    t.equal(new Set(ids).size, ids.length, `${entity.name}: each its own`)
    t.same(there.map(({ universalId }) => universalId).sort(), ids.toSorted(), entity.name)
    const same = there.find(({ universalId }) => universalId === ids[0])
    t.not(keyOf(entity, same as EntityRow), keyOf(entity, here[0] as EntityRow), 'whatever it is called here')
    for (const row of [here[0], here.at(-1)] as EntityRow[]) {
      t.same(rows.get(entity, row.universalId as string), row)
      t.same(rows.get(entity, keyOf(entity, row)), row, 'and by the local one')
    }
    for (const id of ['999', '999.x', `${ids[0]}.x.y`, `${ids[0]}.99999999`, 'x', '', '0', '-1', '1.1.1']) {
      t.equal(rows.get(entity, id), undefined, `${entity.name} ${id}`)
    }
  }
  await elsewhere.close()
})

t.test('a cursor is of one query, and nothing else is one', async (t) => {
  const elements = entityOf('Element')
  const { next } = rows.find(elements, { limit: 2 })
  const forged = (...place: unknown[]) => {
    const [digest] = JSON.parse(Buffer.from(next as string, 'base64url').toString())
    return Buffer.from(JSON.stringify([digest, ...place])).toString('base64url')
  }
  const others = [
    '',
    'x',
    '[]',
    Buffer.from('[]').toString('base64url'),
    Buffer.from('{"0":1}').toString('base64url'),
    forged(),
    forged(1, 2),
    forged({}),
    forged(1.5),
    forged([1]),
  ]
  for (const cursor of others) t.throws(() => rows.find(elements, { limit: 2, cursor }), QueryUnfit, cursor)
  const cursor = next as string
  t.throws(() => rows.find(entityOf('Party'), { limit: 2, cursor }), QueryUnfit)
  t.throws(() => rows.find(elements, { limit: 2, cursor, filters: new Map([['kind', 'field']]) }), QueryUnfit)
  t.throws(() => rows.find(elements, { limit: 2, cursor, sort: { by: 'name', isDescending: true } }), QueryUnfit)
  t.same(rows.find(elements, { limit: 9, cursor }).rows, whole(elements).slice(2, 11), 'the page may be longer')
  const hostile = forged("1' OR 1=1 --")
  t.same(
    rows.find(elements, { limit: 9, cursor: hostile }).rows,
    [],
    'what is in it is compared with, and nothing else',
  )
})

t.test('while rows are added nothing comes twice, and nothing is left out that was there', async (t) => {
  const elements = entityOf('Element')
  const before = whole(elements).map(({ id }) => id)
  const found: unknown[] = []
  for (let cursor: string | undefined, n = 0; n === 0 || cursor !== undefined; n++) {
    const page = rows.find(elements, { limit: 10, ...(cursor !== undefined && { cursor }) })
    found.push(...page.rows.map(({ id }) => id))
    cursor = page.next
    if (n >= 5) continue
    await model.growing.grows(7)
    await model.catchUp()
  }
  t.equal(new Set(found).size, found.length, 'nothing twice')
  t.same(
    before.filter((id) => !found.includes(id)),
    [],
  )
})
