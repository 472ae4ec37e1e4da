import { constants } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readdir, readFile, readlink, rm, rmdir, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Guarded } from '../../../src/contracts/signing/signing-guard.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import type { Uid } from '../../../src/events/ids.ts'
import { type GuardFiles, openGuardFiles } from '../../../src/node/files/guard-files.ts'
import { nobodysUid } from '../../support/uid.ts'

const UID = '0bfp6e7bfq270g4sq0y7sxt0xs0bfp6e7bfq270g4sq0y7sxt0xs' as Uid
const place = (seq: number): Guarded => ({ seq, hash: seq.toString(16).padStart(64, '0') as Hash, line: `line ${seq}` })

async function folder(t: { teardown(after: () => unknown): void }) {
  const dir = await mkdtemp(join(tmpdir(), 'concordata-guard-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** What a process that starts now finds there. */
async function found(dir: string): Promise<Guarded | undefined> {
  const guard = openGuardFiles(dir)
  try {
    return await guard.read(UID)
  } finally {
    await guard.close()
  }
}

function guardIn(t: { teardown(after: () => unknown): void }, dir: string): GuardFiles {
  const guard = openGuardFiles(dir)
  t.teardown(() => guard.close())
  return guard
}

t.test('the newest place is there again after a restart', async (t) => {
  const dir = await folder(t)
  const guard = guardIn(t, dir)
  t.equal(await guard.read(UID), undefined)
  await guard.advance(UID, undefined, place(0))
  for (let seq = 1; seq < 5; seq++) await guard.advance(UID, place(seq - 1), place(seq))
  t.same(await found(dir), place(4))
})

t.test('it compares before it sets', async (t) => {
  const guard = guardIn(t, await folder(t))
  await guard.advance(UID, undefined, place(0))
  await t.rejects(guard.advance(UID, undefined, place(1)), { code: 'guard_refused' })
  await t.rejects(guard.advance(UID, place(7), place(8)), { code: 'guard_refused' })
  t.same(await guard.read(UID), place(0))
})

t.test('a torn write costs the newest place only', async (t) => {
  const dir = await folder(t)
  const guard = guardIn(t, dir)
  await guard.advance(UID, undefined, place(0))
  await guard.advance(UID, place(0), place(1))
  for (const damage of [(path: string) => truncate(path, 40), (path: string) => appendFile(path, 'x')]) {
    await damage(join(dir, `${UID}.b`))
    t.same(await found(dir), place(0))
  }
})

t.test('a place may be lower than the one before: who revokes takes the feed back', async (t) => {
  const dir = await folder(t)
  const guard = guardIn(t, dir)
  await guard.advance(UID, undefined, place(8))
  await guard.advance(UID, place(8), place(9))
  await guard.advance(UID, place(9), place(5))
  t.same(await guard.read(UID), place(5))
  t.same(await found(dir), place(5), 'also after a restart')
})

t.test('a write changes what is in a file, not how long it is, until far too much of it is empty', async (t) => {
  const dir = await folder(t)
  const guard = guardIn(t, dir)
  const sizes = async () => Promise.all(['a', 'b'].map(async (slot) => (await stat(join(dir, `${UID}.${slot}`))).size))
  let last: Guarded | undefined
  const write = async (line: string) => {
    const next = { ...place((last?.seq ?? -1) + 1), line }
    await guard.advance(UID, last, next)
    last = next
  }
  for (let n = 0; n < 6; n++) {
    await write(`line ${'x'.repeat(n * 300)}`)
    if (n > 0) t.same(await sizes(), [4096, 4096])
  }
  await write('y'.repeat(1_000_000))
  await write('z'.repeat(5_000))
  t.same(await found(dir), last)
  t.same((await sizes()).sort(), [8192, 4096 * 245].sort())
  await write('short again')
  await write('and again')
  t.same(await sizes(), [4096, 8192])
  t.same(await found(dir), last, 'and what was longer shows nowhere')
})

t.test('of many contracts some are open at a time, and all keep their places', async (t) => {
  const dir = await folder(t)
  const guard = guardIn(t, dir)
  const uids = Array.from({ length: 200 }, (_, n) => nobodysUid(n))
  const before = await openFiles()
  for (const seq of [0, 1, 2]) {
    const from = seq === 0 ? undefined : place(seq - 1)
    await Promise.all(uids.map((uid) => guard.advance(uid, from, place(seq))))
  }
  t.ok((await openFiles()) - before <= 2 * 64 + 8, 'as many as it may have open, and a few about to close')
  for (const uid of uids) t.same(await guard.read(uid), place(2))
  await guard.close()
  await guard.close()
  t.ok((await openFiles()) <= before + 1)
  t.same(await guard.read(uids[0] as Uid), place(2), 'one that is asked again opens again')
})

async function openFiles(): Promise<number> {
  return (await readdir('/proc/self/fd')).length
}

t.test('a write waits for the disk by itself, so that it need not wait for the event loop in between', async (t) => {
  const dir = await folder(t)
  const durable = async () => {
    const names = new Set<string>()
    for (const number of await readdir('/proc/self/fd')) {
      const name = await readlink(`/proc/self/fd/${number}`).catch(() => '')
      if (!name.startsWith(dir)) continue
      const [, flags = ''] = /^flags:\s+(\d+)$/m.exec(await readFile(`/proc/self/fdinfo/${number}`, 'utf8')) ?? []
      if ((Number.parseInt(flags, 8) & constants.O_DSYNC) !== 0) names.add(name.slice(dir.length + 1))
    }
    return [...names].sort()
  }
  const both = [`${UID}.a`, `${UID}.b`]
  const guard = guardIn(t, dir)
  await guard.advance(UID, undefined, place(0))
  await guard.advance(UID, place(0), place(1))
  t.same(await durable(), both, 'files that are new')
  await guard.close()
  t.same(await durable(), [])
  const again = guardIn(t, dir)
  await again.read(UID)
  t.same(await durable(), both, 'files that were there')
})

t.test('a file that could not be opened is tried again with the next call', async (t) => {
  const dir = await folder(t)
  const guard = guardIn(t, dir)
  await mkdir(join(dir, `${UID}.a`))
  await t.rejects(guard.read(UID), { code: 'EISDIR' })
  await rmdir(join(dir, `${UID}.a`))
  await guard.advance(UID, undefined, place(0))
  t.same(await guard.read(UID), place(0))
})

t.test('nobody else may read it', async (t) => {
  const dir = await folder(t)
  await guardIn(t, dir).advance(UID, undefined, place(0))
  for (const name of await readdir(dir)) t.equal((await stat(join(dir, name))).mode & 0o077, 0)
})
