import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { generateKeyPair } from '../../../src/crypto/key-pair.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import { KeyRing } from '../../../src/node/identity/key-ring.ts'

async function emptyDirectory(t: Test): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'concordata-key-ring-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  return join(root, 'signing-keys')
}

const card = keySigner(generateKeyPair().privateKey)

t.test('keys are kept in the order in which they came, also over a restart', async (t) => {
  const dir = await emptyDirectory(t)
  const ring = await KeyRing.open(dir, card, 'secret')
  t.equal(ring.newest, card.publicKey)
  const added = await Promise.all([ring.add(), ring.add()])
  t.same(ring.publicKeys, [card.publicKey, ...added])
  const again = await KeyRing.open(dir, card, 'secret')
  t.same(again.publicKeys, ring.publicKeys)
  t.equal(again.newest, added[1])
  const bytes = Buffer.from('something')
  t.equal(await again.signerOf(again.newest)?.sign(bytes), await ring.signerOf(ring.newest)?.sign(bytes))
  t.equal(again.signerOf('unknown'), undefined)
})

t.test('keys are encrypted, and open with their passphrase only', async (t) => {
  const dir = await emptyDirectory(t)
  await (await KeyRing.open(dir, card, 'secret')).add()
  t.match(await readFile(join(dir, '000001.pem'), 'latin1'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
  await t.rejects(KeyRing.open(dir, card, 'wrong'), { code: 'key_file_unreadable' })
})

t.test('what a crash left half written is passed over, and a key is never overwritten', async (t) => {
  const dir = await emptyDirectory(t)
  const ring = await KeyRing.open(dir, card, 'secret')
  await mkdir(dir)
  await writeFile(join(dir, '000001.pem.0a1b2c.tmp'), 'half')
  const first = await ring.add()
  await copyFile(join(dir, '000001.pem'), join(dir, '000002.pem'))
  await t.rejects(ring.add(), { code: 'EEXIST' })
  t.equal(ring.newest, first)
})
