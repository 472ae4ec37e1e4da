import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fastify from 'fastify'
import { sha256 } from '../../src/crypto/hash.ts'
import { openNode } from '../../src/index.ts'
import { columnsOf } from '../../src/projections/entities/entity.ts'
import { entityOf } from '../../src/projections/entities/model.ts'
import { configure, newParty } from '../support/unchecked-party.ts'
import { cpuDuring } from './measured.ts'

export interface ApiExtent {
  /** Fields of the records that a field is read of. */
  readonly sizes: readonly number[]
  /** Of a field, in a turn; of a block a tenth of that. */
  readonly requests: number
  readonly turns: number
  /** What is read page by page. */
  readonly rows: number
}

/** Processor time of the server, not of who asks it, and not what others take on the machine. */
export interface ApiFigures {
  /** Of a bare fastify route with a constant: µs a request. */
  readonly bareMicros: number
  /** GET of a field as text, in records of so many fields. */
  readonly fieldMicros: readonly { readonly fields: number; readonly micros: number }[]
  /** GET of a block of 1,000 fields, and a bare route that stringifies the same. */
  readonly blockMicros: number
  readonly stringifyMicros: number
  /** All rows of an entity, page by page, and reading as many from SQLite and stringifying them: ms. */
  readonly rows: number
  readonly rowsMs: number
  readonly readMs: number
}

const FIELDS_AT_ONCE = 250
const BLOCK_FIELDS = 1_000
const PAGE = 1_000
/** How often all are read in a turn. */
const SCANS = 5
/** Of an element, in the order of the model: what is read, and shown, is the same on both sides. */
const COLUMNS = columnsOf(entityOf('Element'))
  .map(({ name }) => name)
  .join(', ')

interface Element {
  readonly id: number
  readonly key: string
  readonly kind: string
  readonly name: string
  readonly parent: number | null
  active: number | boolean
  universalId: string
  path: string
}

/** How much more a read takes than the least that could answer it. */
export async function measureApi(dir: string, { sizes, requests, turns, rows }: ApiExtent): Promise<ApiFigures> {
  process.env.CONCORDATA_LOG_LEVEL = 'silent'
  const ana = await newParty(dir, 'ana')
  await configure(ana, { inwardLimits: { callerCallsPerSecond: 1_000_000 } })
  const node = await openNode({ data: ana.data })
  const bare = fastify()
  // Asked and answered are the same bytes as there, URL and headers too.
  const tag = `"${sha256('value 0')}"`
  bare.get('/new-api/:uid/*', async (_, reply) =>
    reply.header('etag', tag).header('vary', 'accept').type('text/plain; charset=utf-8').send('value 0'),
  )
  let block: object = {}
  bare.get('/block', async (_, reply) => reply.type('application/json').send(JSON.stringify(block)))
  await bare.listen({ port: 0, host: '127.0.0.1' })
  const key = `authorization: Bearer ${ana.token}`
  const ours = Number(new URL(ana.api).port)
  const theirs = (bare.server.address() as AddressInfo).port
  try {
    const paths: string[] = []
    for (const fields of sizes) paths.push(await record(ana, fields))
    const ofBlock = (await record(ana, BLOCK_FIELDS, 'One')).replace('/Field%200', '')
    block = (await ana.call('GET', ofBlock)).body
    const ofRows = (paths[sizes.indexOf(rows)] ?? (await record(ana, rows))).split('/')[2]
    await settled(ana, ofRows as string, rows)
    const best = new Map<string, number>()
    const least = (of: string, micros: number) =>
      best.set(of, Math.min(best.get(of) ?? Number.POSITIVE_INFINITY, micros))
    const load = async (of: string, port: number, path: string, count: number, ...headers: string[]) =>
      least(of, (await cpuDuring('api-load.ts', [String(port), path, String(count), ...headers])) / count)
    const readModel = new Database(join(ana.data, 'read-model.sqlite'), { readonly: true })
    const list = `/api/Elements?contract=${ofRows}&limit=${PAGE}`
    const [firstPage = ''] = readAll(readModel, ofRows as string)
    const [shown, read] = [(await ana.call('GET', list)).body, JSON.parse(firstPage) as unknown[]]
    assert.equal(shown.length, read.length)
    for (const [at, row] of read.entries()) assert.deepEqual(shown[at], row, `both sides come to the same row ${at}`)
    for (let turn = 0; turn < turns; turn++) {
      await load('bare', theirs, paths[0] as string, requests, key)
      for (const path of paths) await load(path, ours, path, requests, key)
      await load(ofBlock, ours, ofBlock, requests / 10, key)
      await load('stringify', theirs, '/block', requests / 10, key)
      const ofPages = [ana.api, list, ana.token, String(rows), String(SCANS)]
      least('rows', (await cpuDuring('api-pages.ts', ofPages)) / SCANS)
      least(
        'read',
        cpuOf(() => {
          for (let scan = 0; scan < SCANS; scan++) readAll(readModel, ofRows as string)
        }) / SCANS,
      )
    }
    readModel.close()
    const micros = (of: string) => best.get(of) as number
    return {
      bareMicros: micros('bare'),
      fieldMicros: sizes.map((fields, at) => ({ fields, micros: micros(paths[at] as string) })),
      blockMicros: micros(ofBlock),
      stringifyMicros: micros('stringify'),
      rows,
      rowsMs: micros('rows') / 1000,
      readMs: micros('read') / 1000,
    }
  } finally {
    await bare.close()
    await node.close()
  }
}

type Asked = Awaited<ReturnType<typeof newParty>>

/** A contract of so many fields; the path of the first. `block`: all in one. */
async function record(ana: Asked, fields: number, block?: string): Promise<string> {
  const { contract } = (await ana.call('POST', '/api/Contract', { title: `of ${fields}` })).body
  const root = `/new-api/${contract}`
  if (block !== undefined) await added(ana, root, { [block]: {} })
  for (let from = 0; from < fields; from += FIELDS_AT_ONCE) {
    const some = Array.from({ length: Math.min(FIELDS_AT_ONCE, fields - from) }, (_, at) => [
      `Field ${block === undefined ? at : from + at}`,
      `value ${from + at}`,
    ])
    if (block === undefined) await added(ana, root, { [`Block${from}`]: Object.fromEntries(some) })
    else await added(ana, `${root}/${block}`, Object.fromEntries(some))
  }
  return `${root}/${block ?? 'Block0'}/Field%200`
}

async function added(ana: Asked, path: string, body: object): Promise<void> {
  const { body: answer, status } = await ana.call('POST', path, body)
  if (status >= 300) throw new Error(`it is not added: ${JSON.stringify(answer)}`)
}

/** The read model is a moment behind. */
async function settled(ana: Asked, contract: string, rows: number): Promise<void> {
  for (;;) {
    const last = `/api/Elements?contract=${contract}&path=${encodeURIComponent(`Block${rows - FIELDS_AT_ONCE}/Field ${FIELDS_AT_ONCE - 1}`)}`
    if ((await ana.call('GET', last)).body.length === 1) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Microseconds of processor time of this process. */
function cpuOf(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** The least that could be done: the same rows with all that the API shows of them, in pages as long, and their JSON. */
function readAll(database: Database.Database, uid: string): string[] {
  const contract = database.prepare<[string], number>('SELECT id FROM Contract WHERE uid = ?').pluck().get(uid)
  const page = database.prepare<[number, number], Element>(
    `SELECT ${COLUMNS} FROM DocumentElement WHERE id > ? AND id < ? ORDER BY id LIMIT ${PAGE}`,
  )
  const blocks = new Map<number, string>()
  const from = (contract as number) * 2 ** 32
  const texts: string[] = []
  for (let after = from; ; ) {
    const rows = page.all(after, from + 2 ** 32)
    for (const row of rows) {
      row.active = row.active === 1
      row.universalId = row.parent === null ? uid : `${uid}.${row.key}`
      row.path = row.parent === null ? '' : `${blocks.get(row.parent)}${encodeURIComponent(row.name)}`
      if (row.kind === 'block') blocks.set(row.id, row.path === '' ? '' : `${row.path}/`)
    }
    texts.push(JSON.stringify(rows))
    if (rows.length < PAGE) return texts
    after = (rows.at(-1) as Element).id
  }
}
