import { appendFile, mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Guarded } from '../../src/contracts/guard.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Uid } from '../../src/events/ids.ts'
import { openGuardFiles } from '../../src/node/guard-files.ts'

const UID = '0bfp6e7bfq270g4sq0y7sxt0xs0bfp6e7bfq270g4sq0y7sxt0xs' as Uid
const place = (seq: number): Guarded => ({ seq, hash: seq.toString(16).padStart(64, '0') as Hash, line: `line ${seq}` })

async function folder(t: { teardown(after: () => unknown): void }) {
  const dir = await mkdtemp(join(tmpdir(), 'concordata-guard-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return dir
}

t.test('the newest place is there again after a restart', async (t) => {
  const dir = await folder(t)
  const guard = openGuardFiles(dir)
  t.equal(await guard.read(UID), undefined)
  await guard.advance(UID, undefined, place(0))
  for (let seq = 1; seq < 5; seq++) await guard.advance(UID, place(seq - 1), place(seq))
  t.same(await openGuardFiles(dir).read(UID), place(4))
})

t.test('it compares before it sets', async (t) => {
  const guard = openGuardFiles(await folder(t))
  await guard.advance(UID, undefined, place(0))
  await t.rejects(guard.advance(UID, undefined, place(1)), { code: 'guard_refused' })
  await t.rejects(guard.advance(UID, place(7), place(8)), { code: 'guard_refused' })
  t.same(await guard.read(UID), place(0))
})

t.test('a torn write costs the newest place only', async (t) => {
  const dir = await folder(t)
  const guard = openGuardFiles(dir)
  await guard.advance(UID, undefined, place(0))
  await guard.advance(UID, place(0), place(1))
  for (const damage of [(path: string) => truncate(path, 40), (path: string) => appendFile(path, 'x')]) {
    await damage(join(dir, `${UID}.b`))
    t.same(await openGuardFiles(dir).read(UID), place(0))
  }
})

t.test('a place may be lower than the one before: who revokes takes the feed back', async (t) => {
  const dir = await folder(t)
  const guard = openGuardFiles(dir)
  await guard.advance(UID, undefined, place(8))
  await guard.advance(UID, place(8), place(9))
  await guard.advance(UID, place(9), place(5))
  t.same(await guard.read(UID), place(5))
  t.same(await openGuardFiles(dir).read(UID), place(5), 'also after a restart')
})

t.test('nobody else may read it', async (t) => {
  const dir = await folder(t)
  await openGuardFiles(dir).advance(UID, undefined, place(0))
  for (const name of await readdir(dir)) t.equal((await stat(join(dir, name))).mode & 0o077, 0)
})
