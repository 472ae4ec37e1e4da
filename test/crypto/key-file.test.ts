import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { generateTlsKey } from '../../src/crypto/certificate.ts'
import { createKeyFile, KeyFileUnreadable, readKeyFile } from '../../src/crypto/key-file.ts'

const newKey = () => generateKeyPairSync('ed25519').privateKey
const publicHalf = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'pem' })

t.test('a key comes back with its passphrase', async (t) => {
  const dir = t.testdir()
  const cases = { signing: [newKey(), 'correct horse'], tls: [generateTlsKey(), 'Zürich 日本 🔑'] } as const
  for (const [name, [key, passphrase]] of Object.entries(cases)) {
    const path = join(dir, name)
    await createKeyFile(path, key, passphrase)
    t.equal(publicHalf(await readKeyFile(path, passphrase)), publicHalf(key))
    t.equal((await stat(path)).mode & 0o777, 0o600)
  }
})

t.test('the file is PKCS#8, and holds the key neither in the clear nor under a weak derivation', async (t) => {
  const path = join(t.testdir(), 'key.pem')
  const key = newKey()
  await createKeyFile(path, key, 'correct horse')
  const pem = await readFile(path, 'utf8')
  t.match(
    pem,
    /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n([A-Za-z0-9+/]{64}\n)+[A-Za-z0-9+/]+=*\n-----END ENCRYPTED PRIVATE KEY-----\n$/,
  )
  const der = Buffer.from(pem.replace(/-.*-|\n/g, ''), 'base64')
  t.notOk(der.includes(key.export({ type: 'pkcs8', format: 'der' }).subarray(-32)))
  const scryptWithItsWork = Buffer.from('06092b06010401da47040b301c0410', 'hex')
  t.ok(der.includes(scryptWithItsWork), 'scrypt (RFC 7914)')
  t.ok(der.includes(Buffer.from('02024000020108020101', 'hex')), 'N 16384, r 8, p 1')
})

t.test('a key is never overwritten', async (t) => {
  const path = join(t.testdir(), 'key.pem')
  await createKeyFile(path, newKey(), 'first')
  await t.rejects(createKeyFile(path, newKey(), 'second'), { code: 'EEXIST' })
  await t.resolves(readKeyFile(path, 'first'))
})

t.test('a key that cannot be had', async (t) => {
  const dir = t.testdir()
  const path = join(dir, 'key.pem')
  await createKeyFile(path, newKey(), 'right')
  const pem = await readFile(path, 'utf8')
  const other = async (name: string, text: string) => {
    await writeFile(join(dir, name), text)
    return join(dir, name)
  }
  const plain = newKey().export({ type: 'pkcs8', format: 'pem' }) as string
  const cases = [
    { path, passphrase: 'wrong', message: `the passphrase for ${path} is wrong, or the file is damaged` },
    {
      path: await other('cut', pem.slice(0, -100)),
      message: `the passphrase for ${dir}/cut is wrong, or the file is damaged`,
    },
    { path: await other('empty', ''), message: `${dir}/empty is not an encrypted PKCS#8 key` },
    { path: await other('plain', plain), message: `${dir}/plain is not an encrypted PKCS#8 key` },
    { path: join(dir, 'missing'), message: `cannot read the key file ${dir}/missing` },
    { path: dir, message: `cannot read the key file ${dir}` },
  ]
  for (const { path, passphrase = 'right', message } of cases) {
    await t.rejects(readKeyFile(path, passphrase), KeyFileUnreadable)
    await t.rejects(readKeyFile(path, passphrase), { code: 'key_file_unreadable', message, evidence: { path } })
  }
})
