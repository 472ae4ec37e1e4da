import { rejects, throws } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import type { Uid } from '../../../src/events/ids.ts'
import { forgetPassive, openPassive } from '../../../src/node/files/snapshot-files.ts'
import { memorySnapshots } from '../../../src/store/snapshot-port.ts'
import { openSqliteSnapshots, SnapshotsInUse } from '../../../src/store/sqlite/snapshots.ts'
import { kept, snapshotsConformance } from '../../support/snapshots-conformance.ts'

const uid = '0000000000000000000000000000000000000000000000000001' as Uid

t.test('memory', async (t) => snapshotsConformance(t, memorySnapshots))

t.test('sqlite', async (t) =>
  snapshotsConformance(t, (t) => {
    const snapshots = openSqliteSnapshots(join(t.testdir({}), 'passive.sqlite'))
    t.teardown(() => snapshots.close())
    return snapshots
  }),
)

t.test('a file keeps it over a restart, for its owner alone', async (t) => {
  const path = join(t.testdir({}), 'passive.sqlite')
  const first = openSqliteSnapshots(path)
  first.put(uid, kept(), 3)
  t.equal(statSync(path).mode & 0o777, 0o600)
  first.close()
  const second = openSqliteSnapshots(path)
  t.equal(second.position, 3)
  t.equal(second.passive(uid), '{"b":2}')
  second.close()
})

t.test('a file that is damaged, or of another version, is begun anew: nothing in it is needed', async (t) => {
  const dir = t.testdir({ 'damaged.sqlite': 'this is no database, and never was one' })
  const damaged = openSqliteSnapshots(join(dir, 'damaged.sqlite'))
  t.equal(damaged.position, undefined)
  damaged.put(uid, kept(), 1)
  damaged.close()
  const path = join(dir, 'other.sqlite')
  const other = new Database(path)
  other.exec('CREATE TABLE contracts (x); PRAGMA user_version = 99')
  other.close()
  const begun = openSqliteSnapshots(path)
  begun.put(uid, kept(), 1)
  t.equal(begun.position, 1)
  begun.close()
})

t.test('a file belongs to one process; two of one role have two files', async (t) => {
  const dir = t.testdir({})
  const first = openPassive(dir, 'transmit')
  throws(() => openSqliteSnapshots(join(dir, 'passive-transmit.sqlite')), SnapshotsInUse)
  const second = openPassive(dir, 'transmit')
  t.ok(existsSync(join(dir, 'passive-transmit-2.sqlite')))
  first.put(uid, kept(), 1)
  t.equal(second.position, undefined)
  first.close()
  second.close()
  writeFileSync(join(dir, 'passive-place.txt'), 'not ours')
  await forgetPassive(dir)
  t.equal(existsSync(join(dir, 'passive-transmit.sqlite')), false)
  t.equal(existsSync(join(dir, 'passive-transmit-2.sqlite')), false)
  t.equal(readFileSync(join(dir, 'passive-place.txt'), 'utf8'), 'not ours')
  await rejects(forgetPassive(join(dir, 'none')), { code: 'ENOENT' })
})

t.test('what was kept before a process was killed is there', async (t) => {
  const path = join(t.testdir({}), 'passive.sqlite')
  const script = `
    const { openSqliteSnapshots } = await import(${JSON.stringify(new URL('../../../src/store/sqlite/snapshots.ts', import.meta.url).href)})
    openSqliteSnapshots(${JSON.stringify(path)}).put('${uid}', { snapshot: 's', passive: 'r', parties: [], requests: new Map() }, 5)
    process.kill(process.pid, 'SIGKILL')
  `
  throws(() => execFileSync(process.execPath, ['--input-type=module', '-e', script]), { signal: 'SIGKILL' })
  const snapshots = openSqliteSnapshots(path)
  t.equal(snapshots.snapshot(uid), 's')
  t.equal(snapshots.position, 5)
  snapshots.close()
})
