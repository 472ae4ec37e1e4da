import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { StoreCorrupt, StoreIncompatible, StoreUnavailable } from '../../../src/store/errors.ts'
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts'
import { facts } from '../../support/store-conformance/harness.ts'

const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

t.test('a new store is for its owner only', async (t) => {
  const directory = join(t.testdir(), 'new', 'data')
  const path = join(directory, 'store.db')
  const store = await openSqliteStore(path)
  await store.events.append('a', -1, facts('a0'))
  t.equal(modeOf(directory), '700')
  for (const file of [path, `${path}-wal`, `${path}-shm`]) t.equal(modeOf(file), '600', file)
  await store.close()
  t.same(readdirSync(directory), ['store.db'], 'closed, it is one file')
})

t.test('its header says whose file it is', async (t) => {
  const path = join(t.testdir(), 'store.db')
  await (await openSqliteStore(path)).close()
  const header = readFileSync(path)
  // sqlite.org/fileformat2.html §1.3: user version at 60, application id at 68.
  t.equal(header.readUInt32BE(60), 3)
  t.equal(header.toString('latin1', 68, 72), 'Cncd')
})

t.test('whoever changes the schema gives it another version', async (t) => {
  const path = join(t.testdir(), 'store.db')
  await (await openSqliteStore(path)).close()
  const database = new Database(path, { readonly: true })
  const made = database.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid').pluck().all()
  const version = database.pragma('user_version', { simple: true })
  database.close()
  const digest = createHash('sha256').update(made.join('\n').replace(/\s+/g, ' ')).digest('hex')
  t.same([version, digest.slice(0, 16)], [3, '40b27b748f2b64fc'])
})

for (const readonly of [false, true]) {
  t.test(`a file of another program is left alone${readonly ? ', for reading too' : ''}`, async (t) => {
    const path = join(t.testdir(), 'other.db')
    const other = new Database(path)
    other.exec('CREATE TABLE theirs (x)')
    other.close()
    const before = hashOf(path)
    const error = await openSqliteStore(path, { readonly }).catch((error: unknown) => error)
    t.ok(error instanceof StoreIncompatible)
    t.match(error, { code: 'store_incompatible', message: `${path} is no store of Concordata` })
    t.equal(hashOf(path), before)
    t.notOk(existsSync(`${path}-wal`))
  })

  t.test(`a store of another version is left alone${readonly ? ', for reading too' : ''}`, async (t) => {
    for (const [version, why] of [
      [4, 'but this program knows only 3: use a newer one'],
      [2, 'which only programs before this one read; this one reads 3'],
    ] as const) {
      const path = join(t.testdir(), `${version}.db`)
      await (await openSqliteStore(path)).close()
      const other = new Database(path)
      other.pragma(`user_version = ${version}`)
      other.close()
      const before = hashOf(path)
      const error = await openSqliteStore(path, { readonly }).catch((error: unknown) => error)
      t.ok(error instanceof StoreIncompatible)
      t.match(error, {
        message: `${path} has schema version ${version}, ${why}`,
        evidence: { version, known: 3 },
      })
      t.equal(hashOf(path), before)
    }
  })

  t.test(`what is no database is left alone${readonly ? ', for reading too' : ''}`, async (t) => {
    const path = join(t.testdir(), 'letter.txt')
    writeFileSync(path, 'Dear Sirs, '.repeat(1_000))
    const before = hashOf(path)
    const error = await openSqliteStore(path, { readonly }).catch((error: unknown) => error)
    t.ok(error instanceof StoreIncompatible)
    t.match(error, { message: `${path} is no SQLite file` })
    t.equal(hashOf(path), before)
  })
}

t.test('for reading only nothing is made', async (t) => {
  const directory = t.testdir({ 'empty.db': '' })
  const missing = join(directory, 'missing.db')
  await t.rejects(openSqliteStore(missing, { readonly: true }), StoreUnavailable)
  t.notOk(existsSync(missing))
  await t.rejects(openSqliteStore(join(directory, 'empty.db'), { readonly: true }), StoreIncompatible)
  t.equal(statSync(join(directory, 'empty.db')).size, 0)
})

t.test('a path that cannot be is unavailable', async (t) => {
  const directory = t.testdir({ file: '' })
  await t.rejects(openSqliteStore(join(directory, 'file', 'store.db')), StoreUnavailable)
  await t.rejects(openSqliteStore(directory), { code: 'store_unavailable', message: /cannot be opened/ })
  t.same(readdirSync(directory), ['file'])
})

t.test('a file whose pages are garbage is damaged', async (t) => {
  const path = join(t.testdir(), 'store.db')
  const store = await openSqliteStore(path)
  await store.events.append('a', -1, facts('a0', 'a1'))
  await store.close()
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0xff, 4096))
  const damaged = await openSqliteStore(path)
  t.teardown(() => damaged.close())
  const error = await damaged.events.lastRevision('a').catch((error: unknown) => error)
  t.ok(error instanceof StoreCorrupt)
  t.match(error, { code: 'store_corrupt', cause: { code: /^SQLITE_CORRUPT/ } })
})
