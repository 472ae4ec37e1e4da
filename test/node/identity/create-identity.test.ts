import { X509Certificate } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readKeyFile } from '../../../src/crypto/key-file.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import type { Handle } from '../../../src/events/ids.ts'
import { readConfiguration } from '../../../src/node/config/configuration.ts'
import { createIdentity, didOf, IdentityExists } from '../../../src/node/identity/create-identity.ts'
import { readCard } from '../../../src/node/identity/identity.ts'
import { systemClock } from '../../../src/runtime/clock.ts'

const wanted = {
  handle: 'acme-re' as Handle,
  name: 'Acme Re',
  endpoint: 'https://127.0.0.1:7443',
  api: 'http://127.0.0.1:7480',
}

t.test('everything a party needs is made, secrets for its eyes alone', async (t) => {
  const dir = join(t.testdir(), 'data')
  const created = await createIdentity(dir, { ...wanted, passphrase: 'correct horse' }, systemClock)
  const modes = new Map<string, string>()
  for (const name of await readdir(dir)) modes.set(name, ((await stat(join(dir, name))).mode & 0o777).toString(8))
  t.strictSame(Object.fromEntries(modes), {
    'api-token': '600',
    'certificate.pem': '644',
    'concordata.json': '644',
    'party.json': '644',
    'recovery-key.pem': '600',
    'signing-key.pem': '600',
    'tls-key.pem': '600',
    'uid-secret': '600',
  })
  t.equal((await stat(dir)).mode & 0o777, 0o700)
  t.match(await readConfiguration(dir, { logLevel: 'info' }), wanted)

  t.match(created.card, { handle: 'acme-re', did: 'did:web:127.0.0.1%3A7443', name: 'Acme Re' })
  for (const [file, publicKey] of [
    ['signing-key.pem', created.card.keys.signing],
    ['recovery-key.pem', created.card.keys.recovery],
  ] as const) {
    t.equal(keySigner(await readKeyFile(join(dir, file), 'correct horse')).publicKey, publicKey, file)
  }
  t.match(await readFile(join(dir, 'api-token'), 'utf8'), /^[A-Za-z0-9_-]{43}\n$/)
  const certificate = new X509Certificate(await readFile(join(dir, 'certificate.pem')))
  t.equal(certificate.subject, 'CN=acme-re')
  t.equal(certificate.subjectAltName, 'IP Address:127.0.0.1, URI:did:web:127.0.0.1%3A7443')
  t.equal(certificate.fingerprint256.replaceAll(':', '').toLowerCase(), created.certificate)
  t.strictSame(created.notices, [
    `Move ${dir}/recovery-key.pem off this machine, with a copy of its passphrase kept elsewhere: it is what takes the signing key back if somebody steals that.`,
  ])
})

t.test('without a passphrase one is made up, and that is said', async (t) => {
  const dir = t.testdir()
  const { notices } = await createIdentity(dir, wanted, systemClock)
  const path = join(dir, 'passphrase')
  const passphrase = await readFile(path, 'utf8')
  t.match(passphrase, /^[A-Za-z0-9_-]{43}\n$/)
  t.equal((await stat(path)).mode & 0o777, 0o600)
  await t.resolves(readKeyFile(join(dir, 'signing-key.pem'), passphrase.trim()))
  t.equal(notices.length, 2)
  t.equal(
    notices[0],
    `No passphrase was given (CONCORDATA_PASSPHRASE or CONCORDATA_PASSPHRASE_FILE), so one was made up and lies in ${path}: whoever can read that file can use the keys beside it.`,
  )
})

t.test('two parties share nothing', async (t) => {
  const [a, b] = [join(t.testdir(), 'a'), join(t.testdir(), 'b')]
  const cards = [await createIdentity(a, wanted, systemClock), await createIdentity(b, wanted, systemClock)]
  t.equal(new Set(cards.flatMap(({ card, certificate }) => [...Object.values(card.keys), certificate])).size, 6)
  for (const file of ['api-token', 'uid-secret', 'passphrase']) {
    t.not(await readFile(join(a, file), 'utf8'), await readFile(join(b, file), 'utf8'), file)
  }
})

t.test('nothing that exists is overwritten', async (t) => {
  for (const name of ['concordata.json', 'signing-key.pem', 'recovery-key.pem', 'party.json', 'did.json']) {
    const dir = t.testdir()
    await writeFile(join(dir, name), 'precious')
    await t.rejects(createIdentity(dir, wanted, systemClock), IdentityExists)
    await t.rejects(createIdentity(dir, wanted, systemClock), {
      code: 'identity_exists',
      message: `there is a ${dir}/${name} already: keys are never overwritten, choose another directory`,
      evidence: { path: join(dir, name) },
    })
    t.strictSame(await readdir(dir), [name], 'nothing else was written')
    t.equal(await readFile(join(dir, name), 'utf8'), 'precious')
  }
})

t.test('two at once in one place: one identity at most, and whole', async (t) => {
  const dir = t.testdir()
  const passphrases = ['first', 'second']
  const outcomes = await Promise.allSettled(
    passphrases.map((passphrase) => createIdentity(dir, { ...wanted, passphrase }, systemClock)),
  )
  const winners = passphrases.filter((_, i) => outcomes[i]?.status === 'fulfilled')
  t.equal(winners.length, 1)
  t.match(
    outcomes.find(({ status }) => status === 'rejected'),
    { reason: { code: 'identity_exists' } },
  )
  for (const file of ['signing-key.pem', 'recovery-key.pem', 'tls-key.pem']) {
    await t.resolves(readKeyFile(join(dir, file), winners[0] ?? ''), file)
  }
})

t.test('what cannot be a configuration makes nothing', async (t) => {
  const dir = t.testdir()
  const insecure = { ...wanted, endpoint: 'http://127.0.0.1:7443' }
  await t.rejects(createIdentity(dir, insecure, systemClock), { code: 'configuration_invalid' })
  t.strictSame(await readdir(dir), [])
})

t.test('the DID follows from the endpoint (did:web)', async (t) => {
  t.equal(didOf('https://127.0.0.1:7443'), 'did:web:127.0.0.1%3A7443')
  t.equal(didOf('https://node.example.com'), 'did:web:node.example.com')
  t.equal(didOf('https://[::1]:7443'), 'did:web:%5B%3A%3A1%5D%3A7443')
})

t.test('a company names its own DID, and claims its LEI', async (t) => {
  const dir = t.testdir()
  const [did, lei] = ['did:web:acme.example:parties:re', '506700GE1G29325QX363']
  const { card } = await createIdentity(dir, { ...wanted, did, lei }, systemClock)
  t.match(card, { did, lei })
  const configuration = await readConfiguration(dir, { logLevel: 'info' })
  t.strictSame(await readCard(configuration), card)
  for (const unfit of [{ did: 'did:web:127.0.0.1' }, { did: 'did:key:z6Mk' }, { lei: '506700GE1G29325QX364' }]) {
    const other = join(t.testdir(), 'other')
    await t.rejects(createIdentity(other, { ...wanted, ...unfit }, systemClock), { code: 'configuration_invalid' })
    await t.rejects(readdir(other), { code: 'ENOENT' }, 'nothing was written')
  }
})
