import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { binaryEvent, EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { statementDue } from '../../src/agreement/draft.ts'
import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import { AuditFailed } from '../../src/audit/audit-failed.ts'
import type { AuditReport } from '../../src/audit/report.ts'
import { verifyContract } from '../../src/audit/verify.ts'
import { auditSourceOf } from '../../src/cli/audit/audit-source.ts'
import { writesFor } from '../../src/contracts/replica/journal.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { seal } from '../../src/events/seal.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import { openEventStoreDbStore } from '../../src/store/eventstoredb/eventstoredb-store.ts'
import { encodeEntries } from '../../src/store/eventstoredb/payload-events.ts'
import type { PayloadGroup } from '../../src/store/payload-group.ts'
import type { Store, Write } from '../../src/store/port.ts'
import { decodeRow, encodeRow } from '../../src/store/sqlite/payload-row.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { startServer } from '../support/eventstoredb-server/server.ts'
import { allOf, CONTRACT, market, talk } from '../support/market.ts'

const [ana, ben] = market('ana', 'ben')
ben.proposes('0.0', 'Chile')
talk([ana, ben], ({ state, handle }) => statementDue(state, handle) !== undefined)

const before = emptyAgreement(CONTRACT)
const { taken, settled } = receive(before, allOf(ana))
const writes = writesFor({ before, held: taken, settled, equivocations: [], divergences: [] })

/** Where the value stands that the tests are about. */
const kept = writes.flatMap((write) =>
  write.kind === 'payloads' ? write.entries.map((entry) => ({ group: write.group, ...entry })) : [],
)
const { group, seal: sealed, text } = kept.find((entry) => entry.text.includes('Chile')) as (typeof kept)[0]
const place = { kind: 'payloads', group, seal: sealed }

/** The same value for whoever takes JSON apart. */
const spelt: Readonly<Record<string, string>> = {
  'with a space': text.replace('"value":', '"value": '),
  'in another order': `{${text.slice(1, -1).split(',').reverse().join(',')}}`,
  'with an escape': text.replace('Chile', '\\u0043hile'),
  'with a member more': text.replace('}', ',"x":0}'),
  'with a member twice': text.replace('{', '{"value":"Peru",'),
}
/** Of no statement. */
const stray = seal('nobody has said so', new Uint8Array(16))
const strayEntry = { seal: stray.seal, text: `{"salt":"${stray.payload.salt}","value":"nobody has said so"}` }

async function reportOf(store: Store): Promise<AuditReport> {
  try {
    return await verifyContract(auditSourceOf(store, CONTRACT, ana.handle))
  } catch (error) {
    if (error instanceof AuditFailed) return error.report
    throw error
  }
}

const found = ({ damage }: AuditReport) => damage.map(({ code, place }) => ({ code, place }))
const checked = ({ checks }: AuditReport) => checks.find(({ name }) => name === 'payloads')

/** A store whose value was spelt otherwise by whoever filled it. */
async function filled(store: Store, spelling = text): Promise<Store> {
  const change = (write: Write): Write =>
    write.kind === 'payloads'
      ? {
          ...write,
          entries: write.entries.map((entry) => (entry.seal === sealed ? { ...entry, text: spelling } : entry)),
        }
      : write
  await store.write(writes.map(change))
  return store
}

async function isMisspelt(t: Test, open: () => Promise<Store>): Promise<void> {
  for (const [how, spelling] of Object.entries(spelt)) {
    t.not(spelling, text)
    const report = await reportOf(await filled(await open(), spelling))
    t.same(found(report), [{ code: 'payload_misspelt', place }], how)
    t.match(checked(report), { findings: 1 })
    t.match(report.checks, [{ name: 'statements', findings: 0 }], 'the rest is as it was')
    t.equal(report.size, settled.length)
  }
}

t.test('memory', async (t) => {
  await t.test('what nobody has touched is without findings', async (t) => {
    t.same(found(await reportOf(await filled(openMemoryStore()))), [])
  })

  await t.test('a text that is spelt otherwise than it was sealed is found', (t) =>
    isMisspelt(t, async () => openMemoryStore()),
  )

  await t.test('a seal, and a group, that no statement names are found', async (t) => {
    const store = await filled(openMemoryStore())
    await store.payloads.put(CONTRACT, group, [strayEntry])
    await store.payloads.put(CONTRACT, 'zoe.0' as PayloadGroup, [strayEntry])
    const orphans = [group, 'zoe.0'].map((of) => ({
      code: 'payload_orphaned',
      place: { ...place, group: of, seal: stray.seal },
    }))
    t.same(found(await reportOf(store)), orphans)
  })
})

t.test('SQLite', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'concordata-payloads-'))
  t.teardown(() => rm(root, { recursive: true }))
  let count = 0
  const opened: Store[] = []
  t.teardown(() => Promise.all(opened.map((store) => store.close())))
  const open = async (path = join(root, `${count++}.sqlite`), readonly = false) => {
    const store = await openSqliteStore(path, { readonly, snapshot: readonly })
    opened.push(store)
    return store
  }
  /** The report on a file after somebody has been at it. */
  const after = async (
    work: (database: Database.Database, row: { id: number; number: number; entries: Buffer }) => void,
  ) => {
    const path = join(root, `${count++}.sqlite`)
    await (await filled(await open(path))).close()
    const database = new Database(path)
    database.unsafeMode(true)
    database.pragma('foreign_keys = OFF')
    const rows = database.prepare('SELECT id, number, entries FROM payloads').all() as {
      id: number
      number: number
      entries: Buffer
    }[]
    work(database, rows.find(({ entries }) => decodeRow(entries).has(sealed)) as (typeof rows)[0])
    database.close()
    return reportOf(await open(path, true))
  }
  const set = (database: Database.Database, id: number, entries: Buffer) =>
    database.prepare('UPDATE payloads SET entries = ? WHERE id = ?').run(entries, id)

  await t.test('a text that is spelt otherwise than it was sealed is found', (t) => isMisspelt(t, () => open()))

  await t.test(
    'a row whose text somebody spells otherwise in the file is found, and the one who changed the value too',
    async (t) => {
      for (const [code, from, to] of [
        ['payload_misspelt', '"value":', '"value" :'],
        ['payload_mismatch', 'Chile', 'China'],
      ] as const) {
        const report = await after((database, { id, entries }) => {
          set(
            database,
            id,
            encodeRow(new Map([...decodeRow(entries)].map(([seal, value]) => [seal, value.replace(from, to)]))),
          )
        })
        t.same(found(report), [{ code, place }])
      }
    },
  )

  await t.test('a seal that stands twice in its row is found: twice the same, or with another text', async (t) => {
    for (const [code, second] of [
      ['payload_doubled', text],
      ['payload_shadowed', text.replace('Chile', 'China')],
    ] as const) {
      const report = await after((database, { id, entries }) => {
        const more = encodeRow(new Map([[sealed, second]])).subarray(1)
        set(database, id, Buffer.concat([entries, more]))
      })
      t.ok(
        found(report).some((damage) => damage.code === code),
        code,
      )
    }
  })

  await t.test('a second row of a group, which the index hides, is found', async (t) => {
    const report = await after((database, { id }) => {
      const sql = database.prepare("SELECT sql FROM sqlite_schema WHERE name = 'payloads'").pluck().get() as string
      const index = database
        .prepare("SELECT * FROM sqlite_schema WHERE name = 'sqlite_autoindex_payloads_1'")
        .get() as { rootpage: number }
      const withoutIndex = sql.replace(/,\s*UNIQUE \(series_id, number\)/, '')
      t.not(withoutIndex, sql)
      const path = database.name
      database.pragma('writable_schema = ON')
      database.exec("DELETE FROM sqlite_schema WHERE name = 'sqlite_autoindex_payloads_1'")
      database.prepare("UPDATE sqlite_schema SET sql = ? WHERE name = 'payloads'").run(withoutIndex)
      const between = new Database(path)
      between.unsafeMode(true)
      between
        .prepare(
          'INSERT INTO payloads (series_id, number, entries) SELECT series_id, number, entries FROM payloads WHERE id = ?',
        )
        .run(id)
      between.pragma('writable_schema = ON')
      between.prepare("UPDATE sqlite_schema SET sql = ? WHERE name = 'payloads'").run(sql)
      between
        .prepare(
          "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('index', 'sqlite_autoindex_payloads_1', 'payloads', ?, NULL)",
        )
        .run(index.rootpage)
      between.close()
    })
    t.same(found(report), [
      { code: 'payload_shadowed', place: { kind: 'payloads', group } },
      { code: 'payload_doubled', place },
    ])
  })

  await t.test('a seal, a group and a row that no statement names are found', async (t) => {
    const strayRow = encodeRow(new Map([[stray.seal, strayEntry.text]]))
    const orphan = (of: string) => ({
      code: 'payload_orphaned',
      place: { kind: 'payloads', group: of, seal: stray.seal },
    })
    const seals = await after((database, { id, entries }) => {
      set(database, id, encodeRow(new Map([...decodeRow(entries), [stray.seal, strayEntry.text]])))
    })
    t.same(found(seals), [orphan(group)])
    const groups = await after((database) => {
      const series = database.prepare("SELECT id FROM payload_series WHERE name = 'ben.'").pluck().get()
      database.prepare('INSERT INTO payloads (series_id, number, entries) VALUES (?, 9999, ?)').run(series, strayRow)
    })
    t.same(found(groups), [orphan('ben.9999')])
    const rows = await after((database) => {
      database.prepare('INSERT INTO payloads (id, series_id, number, entries) VALUES (77, 99, 0, ?)').run(strayRow)
    })
    t.same(found(rows), [
      { code: 'payload_unreadable', place: { kind: 'payloads', group: 'row 77' } },
      orphan('row 77'),
    ])
  })

  await t.test('a row that cannot be read hides nothing but itself', async (t) => {
    const report = await after((database, { id }) => set(database, id, Buffer.of(7)))
    t.same(found(report), [
      { code: 'payload_unreadable', place: { kind: 'payloads', group } },
      { code: 'payload_missing', place },
    ])
    t.match(report.checks, [{ name: 'statements', findings: 0, notChecked: /follow from what is damaged/ }])
  })
})

t.test('EventStoreDB', async (t) => {
  const credentials = { username: 'nobody', password: '' }
  const opening = async (t: Test) => {
    const server = await startServer(t.testdir())
    const client = EventStoreDBClient.connectionString(server.url)
    let count = 0
    const opened: Store[] = []
    t.teardown(async () => {
      await Promise.all(opened.map((store) => store.close()))
      await client.dispose()
      server.close()
    })
    const open = async () => {
      const store = await openEventStoreDbStore({ url: server.url, namespace: `party${count++}-` })
      opened.push(store)
      return store
    }
    /** Somebody appends to the stream of the group. */
    const append = (type: string, data: string) =>
      client.appendToStream(`party0-payload-${CONTRACT}-${group}`, binaryEvent({ type, data: Buffer.from(data) }), {
        credentials,
      })
    return { server, client, open, append }
  }
  const entries = (value: string) => encodeEntries(new Map<Hash, string>([[sealed, value]]))

  await t.test('what nobody has touched is without findings', async (t) => {
    const { open } = await opening(t)
    t.same(found(await reportOf(await filled(await open()))), [])
  })

  await t.test('a text that is spelt otherwise than it was sealed is found', async (t) =>
    isMisspelt(t, (await opening(t)).open),
  )

  await t.test('a text behind the one that counts is found: twice the same, or another', async (t) => {
    for (const [code, second] of [
      ['payload_doubled', text],
      ['payload_shadowed', text.replace('Chile', 'China')],
    ] as const) {
      const { open, append } = await opening(t)
      const store = await filled(await open())
      await append('PayloadsKept', entries(second))
      t.ok(
        found(await reportOf(store)).some((damage) => damage.code === code),
        code,
      )
    }
  })

  await t.test(
    'what was erased and stands there until a scavenge is no finding; what was erased of a statement is missing',
    async (t) => {
      const { open } = await opening(t)
      const store = await filled(await open())
      const rest = kept.filter((entry) => entry.group === group && entry.seal !== sealed)
      t.same(rest, [])
      await store.payloads.erase(CONTRACT, [{ group, seal: sealed }])
      t.same(found(await reportOf(store)), [{ code: 'payload_missing', place }])
    },
  )

  await t.test('what is no payload of ours is found in the stream of a group', async (t) => {
    const { open, append, client } = await opening(t)
    const store = await filled(await open())
    await client.appendToStream(`party0-payload-${CONTRACT}-${group}`, jsonEvent({ type: 'PayloadsKept', data: {} }), {
      credentials,
    })
    await append('Other', '')
    await append('PayloadsKept', 'nonsense')
    const group_ = { kind: 'payloads', group }
    t.same(
      found(await reportOf(store)),
      Array.from({ length: 3 }, () => ({ code: 'payload_unreadable', place: group_ })),
    )
  })

  await t.test(
    'an honest text that nobody names is left over, since a write can be cut off here; any other is found',
    async (t) => {
      const { open } = await opening(t)
      const store = await filled(await open())
      await store.payloads.put(CONTRACT, 'ana.9999' as PayloadGroup, [strayEntry])
      const honest = await reportOf(store)
      t.same(found(honest), [])
      t.match(checked(honest), { findings: 0, remark: /^1 left over/ })
      await store.payloads.put(CONTRACT, 'ana.9998' as PayloadGroup, [{ ...strayEntry, text: '{}' }])
      const other = { kind: 'payloads', group: 'ana.9998', seal: stray.seal }
      t.same(found(await reportOf(store)), [
        { code: 'payload_mismatch', place: other },
        { code: 'payload_orphaned', place: other },
      ])
    },
  )
})
