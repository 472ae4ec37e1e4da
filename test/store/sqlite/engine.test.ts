import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { StoreCorrupt, StoreUnavailable } from '../../../src/store/errors.ts'
import type { PayloadGroup } from '../../../src/store/payload-group.ts'
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts'
import { all, contract, facts, group, numbered, sealNamed } from '../../support/store-conformance/harness.ts'
import { startProcess } from '../../support/store-process.ts'
import { putIn, takeOut } from '../../support/stored-events.ts'

/** A store, and a connection of somebody else to its file. */
async function storeAndStranger(t: Test) {
  const path = join(t.testdir(), 'store.db')
  const store = await openSqliteStore(path, { lockedMs: 0 })
  const stranger = new Database(path, { timeout: 0 })
  t.teardown(async () => {
    stranger.close()
    await store.close()
  })
  return { store, stranger, path }
}

/** Frames of the write-ahead log that end a transaction (sqlite.org/fileformat2.html §4.1). */
function commitsIn(walPath: string): number {
  const wal = readFileSync(walPath)
  const frameSize = 24 + wal.readUInt32BE(8)
  const salts = wal.subarray(16, 24)
  let commits = 0
  for (let at = 32; at + frameSize <= wal.length && wal.subarray(at + 8, at + 16).equals(salts); at += frameSize) {
    if (wal.readUInt32BE(at + 4) !== 0) commits++
  }
  return commits
}

const framesIn = (walPath: string) => {
  const wal = readFileSync(walPath)
  return Math.floor((wal.length - 32) / (24 + wal.readUInt32BE(8)))
}

/** What a statement brings, and whether all but the last of it is erased later. */
const change = fc.record({
  values: fc.array(fc.constantFrom(20, 40, 150, 600, 3_000, 9_000), { minLength: 1, maxLength: 4 }),
  isErased: fc.boolean(),
})
const entryOf = (text: string) => ({ seal: sealNamed(text), text })
const filesBeside = (path: string) => () =>
  readdirSync(join(path, '..')).map((name) => readFileSync(join(path, '..', name)))

/** Pieces of it, as they would stand within a page. */
function tracesOf(bytes: Buffer): Buffer[] {
  const traces: Buffer[] = []
  for (let at = 40; at + 16 <= bytes.length; at += 500) traces.push(bytes.subarray(at, at + 16))
  return traces
}

t.test('what arrives in one turn of the event loop is one transaction', async (t) => {
  const { store, path } = await storeAndStranger(t)
  await store.events.append('first', -1, facts('makes the log'))
  const before = commitsIn(`${path}-wal`)
  await Promise.all(Array.from({ length: 100 }, (_, index) => store.events.append(`s${index}`, -1, facts(index))))
  t.equal(commitsIn(`${path}-wal`) - before, 1)
  await store.events.append('a', -1, facts('a0'))
  await store.events.append('a', 0, facts('a1'))
  t.equal(commitsIn(`${path}-wal`) - before, 3)
})

t.test('nobody is answered before the commit', async (t) => {
  const { store, stranger } = await storeAndStranger(t)
  const count = stranger.prepare('SELECT sum(count) FROM appends').pluck()
  const appended = [0, 1, 2].map((n) => store.events.append(`s${n}`, -1, facts(n)).then(() => count.get()))
  t.same(await Promise.all(appended), [3, 3, 3])
})

t.test('whoever waits for an append goes on before subscribers read what it appended', async (t) => {
  const { store } = await storeAndStranger(t)
  const order: string[] = []
  const told = Promise.withResolvers<void>()
  store.events.subscribe({}, ({ data }) => {
    order.push(`told of ${data}`)
    if (data === '{"n":1}') told.resolve()
  })
  for (const n of [0, 1]) {
    await store.events.append('a', n - 1, facts(n))
    // What follows from it, as far as it waits for nothing.
    for (let step = 0; step < 20; step++) await null
    order.push(`goes on after ${n}`)
  }
  await told.promise
  t.same(order, ['goes on after 0', 'told of {"n":0}', 'goes on after 1', 'told of {"n":1}'])
})

t.test('an erasure takes what was put in the same turn', async (t) => {
  const { store } = await storeAndStranger(t)
  const seal = sealNamed('one')
  await Promise.all([
    store.payloads.put(contract, group, [{ seal, text: '1' }]),
    store.payloads.erase(contract, [{ group, seal }]),
  ])
  t.same(await store.payloads.get(contract, [{ group, seal }]), new Map())
})

t.test('an erased value is in no file any more, nor is what its row was compressed to', async (t) => {
  const { store, stranger, path } = await storeAndStranger(t)
  const files = filesBeside(path)
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 30, maxLength: 60 }), fc.nat(), async (changes, run) => {
      const groups = changes.map(({ values }, seq) => ({
        where: `${['ana', 'ben', 'cyd'][seq % 3]}${run}.${seq}` as PayloadGroup,
        // Random digits stand in a page as they are, unless they are compressed.
        entries: values.map((length, n) => entryOf(`${run} ${seq} ${n} ${randomBytes(length).toString('hex')}`)),
      }))
      for (const { where, entries } of groups) {
        for (const { seal, text } of entries) await store.payloads.put(contract, where, [{ seal, text }])
      }
      const rows = stranger.prepare<[], Buffer>('SELECT entries FROM payloads').pluck()
      const before = rows.all()
      const erased = groups.filter((_, seq) => changes[seq]?.isErased)
      const refs = erased.flatMap(({ where, entries }) =>
        entries.slice(0, Math.max(1, entries.length - 1)).map(({ seal }) => ({ group: where, seal })),
      )
      await store.payloads.erase(contract, refs)
      t.equal((await store.payloads.get(contract, refs)).size, 0)
      const texts = erased.flatMap(({ entries }) => entries.slice(0, Math.max(1, entries.length - 1)))
      const standing = Buffer.concat(rows.all())
      const traces = [...before, ...texts.map(({ text }) => Buffer.from(text))].flatMap(tracesOf)
      const gone = traces.filter((trace) => !standing.includes(trace))
      t.ok(gone.length >= refs.length / 2)
      for (const file of files()) t.notOk(gone.some((trace) => file.includes(trace)))
      const held = await store.payloads.get(
        contract,
        groups.flatMap(({ where, entries }) => entries.map(({ seal }) => ({ group: where, seal }))),
      )
      const all = groups.flatMap(({ entries }) => entries)
      t.equal(held.size, all.length - refs.length)
      t.ok(all.every(({ seal, text }) => (held.get(seal) ?? text) === text))
    }),
    { numRuns: 4 },
  )
})

t.test('a value that is kept is in the files: the search finds what is there', async (t) => {
  const { store, stranger, path } = await storeAndStranger(t)
  const entries = [50, 100, 2_000].map((length) => entryOf(randomBytes(length).toString('hex')))
  await store.payloads.put(contract, group, entries.slice(0, 1))
  await store.payloads.put(contract, 'ana.1' as PayloadGroup, entries)
  const rows = stranger.prepare<[], Buffer>('SELECT entries FROM payloads').pluck().all()
  t.same(
    rows.map((row) => row[0]),
    [0, 1],
    'one is compressed',
  )
  for (const row of rows) t.ok(tracesOf(row).some((trace) => filesBeside(path)().some((file) => file.includes(trace))))
})

t.test(
  'a value is one row with those of its statement, and that touches two pages, however many there are',
  async (t) => {
    const { store, stranger, path } = await storeAndStranger(t)
    const values = (count: number) => Array.from({ length: count }, (_, n) => entryOf(`${n} of ${count}`))
    for (let seq = 0; seq < 300; seq++) await store.payloads.put(contract, `ana.${seq}` as PayloadGroup, values(1))
    stranger.pragma('wal_checkpoint(TRUNCATE)')
    await store.payloads.put(contract, 'ana.300' as PayloadGroup, values(1))
    t.ok(framesIn(`${path}-wal`) <= 3, `${framesIn(`${path}-wal`)} pages`)
    await store.payloads.put(contract, 'ana.301' as PayloadGroup, values(100))
    t.equal(stranger.prepare('SELECT count(*) FROM payloads').pluck().get(), 302)
  },
)

t.test('a row that is no group is damage', async (t) => {
  const { store, stranger } = await storeAndStranger(t)
  await store.payloads.put(contract, group, [entryOf('one')])
  stranger.exec("UPDATE payloads SET entries = x'0728b52f'")
  const ref = { group, seal: sealNamed('one') }
  const calls: (() => Promise<unknown>)[] = [
    () => store.payloads.get(contract, [ref]),
    () => store.payloads.put(contract, group, [entryOf('two')]),
    () => store.payloads.erase(contract, [ref]),
  ]
  for (const call of calls) t.ok((await call().catch((error: unknown) => error)) instanceof StoreCorrupt)
})

t.test('while somebody reads the old state an erasure is not complete, and says so', async (t) => {
  const { store, stranger } = await storeAndStranger(t)
  const seal = sealNamed('one')
  await store.payloads.put(contract, group, [{ seal, text: '"one"' }])
  stranger.exec('BEGIN')
  stranger.prepare('SELECT count(*) FROM payloads').get()
  await t.rejects(store.payloads.erase(contract, [{ group, seal }]), {
    code: 'store_unavailable',
    message: /repeat it$/,
  })
  stranger.exec('COMMIT')
  await store.payloads.erase(contract, [{ group, seal }])
})

t.test('while another process has the file locked it is unavailable, and serves again afterwards', async (t) => {
  const { store, stranger } = await storeAndStranger(t)
  stranger.exec('BEGIN IMMEDIATE')
  const results = await Promise.allSettled([
    store.events.append('a', -1, facts('a0')),
    store.payloads.put(contract, group, [{ seal: sealNamed('one'), text: '1' }]),
  ])
  for (const result of results) {
    t.ok(result.status === 'rejected' && result.reason instanceof StoreUnavailable)
    t.match(result, {
      reason: { code: 'store_unavailable', evidence: { sqlite: 'SQLITE_BUSY' }, cause: { code: 'SQLITE_BUSY' } },
    })
  }
  t.same(await all(store.events.readAll()), [], 'reading goes on')
  stranger.exec('COMMIT')
  t.equal((await store.events.append('a', -1, facts('a0'))).revision, 0)
})

t.test('a full disk loses nothing that was acknowledged', async (t) => {
  const directory = t.testdir()
  const opener = new URL('../../support/open-sqlite.ts', import.meta.url).href
  const filler = startProcess(t, 'store-filler.ts', [opener, directory], { fileBlocksMax: 1_500 })
  const report = JSON.parse((await filler.nextLine()) ?? '')
  t.equal(await filler.ended, 0)
  t.equal(report.code, 'store_unavailable')
  t.ok(report.acknowledged > 0)
  t.equal(report.readable, report.acknowledged, 'it reads on in the process that met the failure')
  const store = await openSqliteStore(join(directory, 'store.db'))
  t.teardown(() => store.close())
  t.equal(await store.events.lastRevision('a'), report.acknowledged - 1)
  await store.events.append('a', report.acknowledged - 1, facts('more'))
})

t.test('a hole in a stream is damage', async (t) => {
  const { store, stranger } = await storeAndStranger(t)
  await store.events.append('a', -1, numbered(5))
  takeOut(stranger, 1, 2)
  const error = await all(store.events.read('a')).catch((error: unknown) => error)
  t.ok(error instanceof StoreCorrupt)
  t.match(error, { code: 'store_corrupt', message: /event 2 of a is missing$/, evidence: { stream: 'a', revision: 2 } })
  await t.rejects(all(store.events.read('a', { from: 2 })), StoreCorrupt)
  await t.rejects(store.events.append('a', -1, numbered(5)), StoreCorrupt, 'nor can a repeat be told')
})

t.test('a stream that lost its end is damaged', async (t) => {
  const { store, stranger } = await storeAndStranger(t)
  await store.events.append('a', -1, numbered(5))
  takeOut(stranger, 1, 4)
  await t.rejects(all(store.events.read('a')), { code: 'store_corrupt', message: /event 4 of a is missing$/ })
})

t.test('events that nobody appended are damage', async (t) => {
  const { store, stranger } = await storeAndStranger(t)
  await store.events.append('a', -1, facts('a0'))
  putIn(stranger, 1, 1, { type: 'Fact', data: '1' })
  await t.rejects(store.events.append('a', 0, facts('a1')), {
    code: 'store_corrupt',
    cause: { code: /^SQLITE_CONSTRAINT/ },
  })
  t.equal((await store.events.append('b', -1, facts('b0'))).revision, 0, 'other streams are served')
})

t.test('each event of an append is found by its own revision and position', async (t) => {
  const { store, stranger } = await storeAndStranger(t)
  const { events } = store
  const last = { a: -1, b: -1 }
  const told: string[] = []
  for (const [stream, count] of [
    ['a', 3],
    ['b', 1],
    ['a', 1],
    ['b', 600],
    ['a', 2],
    ['b', 5],
  ] as const) {
    const data = Array.from({ length: count }, (_, n) => `${stream}${last[stream] + 1 + n}`)
    const appended = await events.append(stream, last[stream], facts(...data))
    last[stream] += count
    told.push(...facts(...data).map((fact) => fact.data))
    t.same(appended, { revision: last[stream], position: told.length })
  }
  t.equal(stranger.prepare('SELECT count(*) FROM appends').pluck().get(), 8, 'a row an append, of the long one three')
  const whole = await all(events.readAll())
  t.same(
    whole.map(({ data }) => data),
    told,
  )
  t.same(
    whole.map(({ position }) => position),
    told.map((_, index) => index + 1),
  )
  for (const stream of ['a', 'b'] as const) {
    const own = whole.filter((event) => event.stream === stream)
    t.same(
      own.map(({ revision }) => revision),
      own.map((_, index) => index),
    )
    for (let from = 0; from <= own.length; from += from < 8 ? 1 : 37) {
      t.same(await all(events.read(stream, { from })), own.slice(from), `${stream} from ${from}`)
      t.same(
        await all(events.read(stream, { from, limit: 2 })),
        own.slice(from, from + 2),
        `two of ${stream} from ${from}`,
      )
    }
  }
  for (let after = 1; after <= told.length; after += after < 8 ? 1 : 37) {
    t.same(await all(events.readAll({ after })), whole.slice(after), `after ${after}`)
    const own = whole.slice(after).filter(({ stream }) => stream === 'b')
    t.same(await all(events.readAll({ after, streamPrefix: 'b' })), own, `b after ${after}`)
  }
  t.same(
    await events.append('b', 0, facts(...Array.from({ length: 600 }, (_, n) => `b${n + 1}`))),
    { revision: 600, position: 605 },
    'a repeat',
  )
})

t.test('an append that lies across the end of what is looked through at once is read whole', async (t) => {
  const { store } = await storeAndStranger(t)
  const { events } = store
  const few = numbered(7)
  await events.append('other', -1, numbered(4_090))
  for (const stream of ['own-1', 'own-2', 'own-3', 'own-4']) await events.append(stream, -1, few)
  await events.append('other', 4_089, numbered(4_092))
  for (const stream of ['own-5', 'own-6']) await events.append(stream, -1, few)
  for (const after of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
    const read = await all(events.readAll({ after, streamPrefix: 'own-' }))
    t.same(
      read.map(({ data }) => data),
      Array(6)
        .fill(few.map(({ data }) => data))
        .flat(),
      `after ${after}`,
    )
  }
})
