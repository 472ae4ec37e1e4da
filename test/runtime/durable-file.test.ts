import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createFile, replaceFile } from '../../src/runtime/durable-file.ts'

t.test('a file is created with its permissions, and nothing else is left', async (t) => {
  const dir = t.testdir()
  const path = join(dir, 'secret')
  await createFile(path, 'text', 0o600)
  t.equal(await readFile(path, 'utf8'), 'text')
  t.equal((await stat(path)).mode & 0o777, 0o600)
  t.strictSame(await readdir(dir), ['secret'])
})

t.test('a file that exists is not created again, whoever is first', async (t) => {
  const dir = t.testdir({ old: 'old' })
  await t.rejects(createFile(join(dir, 'old'), 'new', 0o600), { code: 'EEXIST', dest: join(dir, 'old') })
  t.equal(await readFile(join(dir, 'old'), 'utf8'), 'old')

  const texts = ['a', 'b', 'c', 'd']
  const outcomes = await Promise.allSettled(texts.map((text) => createFile(join(dir, 'new'), text, 0o600)))
  const winners = texts.filter((_, i) => outcomes[i]?.status === 'fulfilled')
  t.strictSame([await readFile(join(dir, 'new'), 'utf8')], winners)
  t.strictSame(await readdir(dir), ['new', 'old'])
})

t.test('a file is replaced', async (t) => {
  const dir = t.testdir({ file: 'old' })
  await replaceFile(join(dir, 'file'), 'new', 0o644)
  t.equal(await readFile(join(dir, 'file'), 'utf8'), 'new')
  t.equal((await stat(join(dir, 'file'))).mode & 0o777, 0o644)
  t.strictSame(await readdir(dir), ['file'])
})

t.test('where there is no directory, nothing is written', async (t) => {
  const path = join(t.testdir(), 'nowhere', 'file')
  await t.rejects(createFile(path, 'text', 0o600), { code: 'ENOENT' })
  await t.rejects(replaceFile(path, 'text', 0o600), { code: 'ENOENT' })
})

t.test('what cannot be put in its place leaves nothing behind', async (t) => {
  const dir = t.testdir({ directory: { inside: '' } })
  await t.rejects(replaceFile(join(dir, 'directory'), 'text', 0o600))
  t.strictSame(await readdir(dir), ['directory'])
})
