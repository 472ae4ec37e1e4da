import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateTlsKey, selfSignedCertificate } from '../../src/crypto/certificate.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { createKeyFile, readKeyFile } from '../../src/crypto/key-file.ts'
import { generateKeyPair } from '../../src/crypto/key-pair.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { type Configuration, readConfiguration, readEnvironment } from '../../src/node/config/configuration.ts'
import { openGuardFiles } from '../../src/node/files/guard-files.ts'
import { readPartyFile, readSecret } from '../../src/node/identity/identity-files.ts'
import { givenPassphrase } from '../../src/node/identity/passphrase.ts'
import { readApiKeys } from '../../src/node/inward/api-keys.ts'
import { restoreBackup } from '../../src/node/maintenance/backup.ts'
import { CertificateRenewal } from '../../src/node/outward/certificate-renewal.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { loadScenario } from '../../src/scenario/scenario.ts'
import { reinsuranceSlip } from '../../src/scenario/worked-contracts.ts'
import { openSqliteSnapshots } from '../../src/store/sqlite/snapshots.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { CONTRACT } from '../support/market.ts'
import { parse, type Target } from './target.ts'

const dir = mkdtempSync(join(tmpdir(), 'fuzz-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))

/** Writes the file that the decoder reads: bytes where it is one of bytes. */
async function given(name: string, text: string, encoding: 'utf8' | 'latin1' = 'utf8'): Promise<string> {
  await writeFile(join(dir, name), text, encoding)
  return join(dir, name)
}

await createKeyFile(join(dir, 'valid.pem'), generateKeyPair().privateKey, 'secret')
const keyFile = await readFile(join(dir, 'valid.pem'), 'latin1')
const { signing, recovery } = { signing: generateKeyPair().publicKey, recovery: generateKeyPair().publicKey }

const tlsKey = generateTlsKey()
const subject = { commonName: 'ana', host: '127.0.0.1', did: 'did:web:ana.example' }
const certificate = selfSignedCertificate(tlsKey, subject, Date.now())
const tls = { key: tlsKey.export({ type: 'pkcs8', format: 'pem' }) as string, certificate }

const passive = { snapshot: 'a', passive: 'b', parties: ['ana' as Handle], requests: new Map() }
const kept = openSqliteSnapshots(join(dir, 'valid.sqlite'))
kept.put(CONTRACT, passive, 7)
kept.close()
const store = await openSqliteStore(join(dir, 'valid-store.sqlite'))
await store.events.append('directory', 'any', [{ type: 'x', data: '{}' }])
await store.close()

const configuration = {
  handle: 'acme-re',
  name: 'Acme',
  endpoint: 'https://127.0.0.1:7443',
  api: 'http://127.0.0.1:7480',
}
/** A backup, whole but for its manifest. */
await mkdir(join(dir, 'backup'))
const files: { [name: string]: { bytes: number; sha256: string } } = {}
for (const [name, content] of [
  ['store.sqlite', await readFile(join(dir, 'valid-store.sqlite'))],
  ['concordata.json', Buffer.from(JSON.stringify(configuration))],
] as const) {
  await writeFile(join(dir, 'backup', name), content)
  files[name] = { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
}
const manifest = { v: 1, madeAt: '2026-01-01', files }

const apiKey = { name: 'ci', roles: ['reader'], hash: sha256('x'), made: '2026-01-01T00:00:00.000Z' }
const variables = {
  CONCORDATA_LOG_LEVEL: 'warn',
  CONCORDATA_PASSPHRASE: 'secret',
  CONCORDATA_STORE_USER: 'u',
  CONCORDATA_STORE_PASSWORD_FILE: 'p',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318/',
}

/** Files of a data directory, of a backup, or that a command is given, and the variables of the environment. */
export const fileTargets: readonly Target[] = [
  {
    name: 'a key file',
    valid: [keyFile],
    share: 0.2,
    async decode(text) {
      await readKeyFile(await given('mutated.pem', text, 'latin1'), 'secret')
      return undefined
    },
  },
  {
    name: 'a certificate in its file',
    valid: [certificate],
    share: 0.5,
    async decode(text) {
      await given('certificate.pem', text, 'latin1')
      const ports = { configuration: { dir } as Configuration, renews: false, clock: systemClock }
      const keeper = new CertificateRenewal(tls, { ...ports, renewed: async () => {}, failed() {} } as never)
      await keeper.look()
      return undefined
    },
  },
  {
    name: 'a slot of the guard',
    valid: [JSON.stringify({ seq: 0, hash: sha256('x'), line: 'x', write: 3 })],
    share: 0.5,
    async decode(text) {
      await mkdir(join(dir, 'guard'), { recursive: true })
      await given(`guard/${CONTRACT}.a`, `${sha256(text)}\n${text}`)
      // What is none was torn: the other slot counts, and there is none.
      const guard = openGuardFiles(join(dir, 'guard'))
      await guard.read(CONTRACT).finally(() => guard.close())
      return undefined
    },
  },
  {
    name: 'the manifest of a backup',
    valid: [JSON.stringify(manifest)],
    share: 0.5,
    async decode(text) {
      await given('backup/backup.json', text)
      rmSync(join(dir, 'restored'), { recursive: true, force: true })
      await restoreBackup(join(dir, 'backup'), join(dir, 'restored'))
      return undefined
    },
  },
  {
    name: 'concordata.json in its directory',
    valid: [JSON.stringify(configuration)],
    share: 0.5,
    async decode(text) {
      await given('concordata.json', text)
      await readConfiguration(dir, { logLevel: 'info' })
      return undefined
    },
  },
  {
    name: 'party.json',
    valid: [JSON.stringify({ did: 'did:web:ana.example', keys: { signing, recovery } })],
    share: 0.5,
    async decode(text) {
      await readPartyFile(await given('party.json', text))
      return undefined
    },
  },
  {
    name: 'api-keys.json',
    valid: [JSON.stringify({ keys: [apiKey, { ...apiKey, expires: '2027-01-01T00:00:00.000Z' }] })],
    share: 0.5,
    async decode(text) {
      await given('api-keys.json', text)
      await readApiKeys(dir)
      return undefined
    },
  },
  {
    name: 'a secret in its file',
    valid: ['A'.repeat(43)],
    share: 0.5,
    async decode(text) {
      await readSecret(await given('secret', text))
      return undefined
    },
  },
  {
    name: 'a passphrase in its file',
    valid: ['correct horse\n'],
    share: 0.5,
    async decode(text) {
      await givenPassphrase({ passphraseFile: await given('passphrase', text), logLevel: 'info' })
      return undefined
    },
  },
  {
    name: 'the environment',
    valid: [JSON.stringify(variables)],
    decode(text) {
      const said = parse(text)?.value
      if (said === null || typeof said !== 'object') return undefined
      // The system knows texts only.
      readEnvironment(Object.fromEntries(Object.entries(said).map(([name, value]) => [name, String(value)])))
      return undefined
    },
  },
  {
    name: 'a scenario',
    valid: [JSON.stringify(shortScenario())],
    decode(text) {
      const parsed = parse(text)
      if (parsed !== undefined) loadScenario(parsed.value)
      return undefined
    },
  },
  {
    name: 'the file of contracts at rest',
    valid: [await readFile(join(dir, 'valid.sqlite'), 'latin1')],
    share: 0.2,
    async decode(text) {
      const snapshots = openSqliteSnapshots(await freshFile('rest.sqlite', text))
      try {
        const { position } = snapshots
        for (const contract of snapshots.passiveWith('ana' as Handle, '', 9)) snapshots.passive(contract as Uid)
        snapshots.snapshot(CONTRACT)
        snapshots.placeOf(CONTRACT, 'x')
        snapshots.wake(CONTRACT)
        snapshots.put(CONTRACT, passive, position ?? 0)
      } finally {
        snapshots.close()
      }
      return undefined
    },
  },
  {
    name: 'the file of a store',
    valid: [await readFile(join(dir, 'valid-store.sqlite'), 'latin1')],
    share: 0.2,
    async decode(text) {
      const opened = await openSqliteStore(await freshFile('store.sqlite', text))
      try {
        for await (const _ of opened.events.readAll());
        await opened.events.append('directory', 'any', [{ type: 'x', data: '{}' }])
      } finally {
        await opened.close()
      }
      return undefined
    },
  },
]

async function freshFile(name: string, text: string): Promise<string> {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(join(dir, `${name}${end}`), { force: true })
  return given(name, text, 'latin1')
}

/** Of each kind of part a few: what is wrong with a scenario is looked for in all of it. */
function shortScenario() {
  const { document, rules, steps, ...others } = reinsuranceSlip()
  const [[name, block]] = Object.entries(document) as [[string, object]]
  const short = { [name]: Object.fromEntries(Object.entries(block).slice(0, 4)) }
  return { ...others, document: short, rules: rules.slice(0, 2), steps: steps.slice(0, 4) }
}
