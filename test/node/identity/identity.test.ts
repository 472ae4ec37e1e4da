import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { generateTlsKey } from '../../../src/crypto/certificate.ts'
import { isValidSignature } from '../../../src/crypto/ed25519.ts'
import { createKeyFile } from '../../../src/crypto/key-file.ts'
import { generateKeyPair } from '../../../src/crypto/key-pair.ts'
import type { Handle } from '../../../src/events/ids.ts'
import { readConfiguration } from '../../../src/node/config/configuration.ts'
import { createIdentity } from '../../../src/node/identity/create-identity.ts'
import { openIdentity, readApiToken } from '../../../src/node/identity/identity.ts'
import { IdentityDamaged } from '../../../src/node/identity/identity-files.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { environment, newIdentity } from '../../support/identity.ts'
import { tlsIdentity } from '../../support/tls.ts'

t.test('an identity is the same whenever it is opened', async (t) => {
  const dir = t.testdir()
  const { configuration, identity } = await newIdentity(dir, 'acme-re')
  const again = await openIdentity(configuration, environment)
  t.strictSame(again.card, identity.card)
  t.equal(again.certificate, identity.certificate)
  t.equal(again.uids.decode(identity.uids.encode(7)), 7)
  const bytes = Buffer.from('bytes')
  t.ok(isValidSignature(identity.card.keys.signing, bytes, await again.signer.sign(bytes)))
  t.equal(await readApiToken(dir), await readApiToken(dir))
})

t.test('the recovery key is not needed here', async (t) => {
  const dir = t.testdir()
  const { configuration, identity } = await newIdentity(dir, 'acme-re')
  await rm(join(dir, 'recovery-key.pem'))
  t.strictSame((await openIdentity(configuration, environment)).card, identity.card)
})

t.test('the passphrase comes from the environment, else from its file', async (t) => {
  const dir = t.testdir()
  const settings = {
    handle: 'acme-re' as Handle,
    name: 'Acme',
    endpoint: 'https://127.0.0.1:7443',
    api: 'http://127.0.0.1:7480',
  }
  await createIdentity(dir, settings, systemClock)
  const configuration = await readConfiguration(dir, environment)
  await t.resolves(openIdentity(configuration, { logLevel: 'silent' }))
  await t.rejects(openIdentity(configuration, environment), {
    code: 'key_file_unreadable',
    message: `the passphrase for ${dir}/signing-key.pem is wrong, or the file is damaged`,
  })
  await rm(join(dir, 'passphrase'))
  await t.rejects(openIdentity(configuration, { logLevel: 'silent' }), {
    code: 'key_file_unreadable',
    message: `the keys need a passphrase: neither CONCORDATA_PASSPHRASE nor ${dir}/passphrase has one`,
  })
})

t.test('parts that are missing, damaged, or do not belong together', async (t) => {
  const cases: [string, string, (path: string) => Promise<void>][] = [
    ['party.json', 'cannot be read: ENOENT', (path) => rm(path)],
    ['party.json', 'is not JSON', (path) => writeFile(path, '{')],
    ['party.json', 'is not what `concordata init` writes', (path) => writeFile(path, '{"did":"did:web:x"}')],
    ['uid-secret', 'does not hold 32 bytes in base64url', (path) => writeFile(path, 'c2hvcnQ')],
    ['certificate.pem', 'cannot be read: ENOENT', (path) => rm(path)],
    [
      'certificate.pem',
      'is no certificate of the key DIR/tls-key.pem',
      (path) => writeFile(path, tlsIdentity('other').certificate),
    ],
    ['certificate.pem', 'is no certificate of the key DIR/tls-key.pem', (path) => writeFile(path, 'no certificate')],
    [
      'signing-key.pem',
      'is not the key that DIR/party.json names',
      (path) => replaceKey(path, generateKeyPair().privateKey),
    ],
    ['signing-key.pem', 'is no Ed25519 key', (path) => replaceKey(path, generateTlsKey())],
  ]
  const whole = t.testdir({ whole: {} })
  const { configuration: original } = await newIdentity(join(whole, 'whole'), 'acme-re')
  for (const [i, [file, what, damage]] of cases.entries()) {
    const dir = join(whole, `damaged-${i}`)
    await cp(original.dir, dir, { recursive: true })
    const configuration = { ...original, dir }
    const path = join(dir, file)
    await damage(path)
    await t.rejects(openIdentity(configuration, environment), IdentityDamaged, what)
    await t.rejects(openIdentity(configuration, environment), {
      code: 'identity_damaged',
      message: `${path} ${what.replace('DIR', dir)}`,
      evidence: { path },
    })
  }
})

async function replaceKey(path: string, key: Parameters<typeof createKeyFile>[1]): Promise<void> {
  await rm(path)
  await createKeyFile(path, key, environment.passphrase ?? '')
}
