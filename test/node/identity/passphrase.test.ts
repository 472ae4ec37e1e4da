import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Handle } from '../../../src/events/ids.ts'
import { readConfiguration, readEnvironment } from '../../../src/node/config/configuration.ts'
import { createIdentity } from '../../../src/node/identity/create-identity.ts'
import { openIdentity } from '../../../src/node/identity/identity.ts'
import { identityPaths } from '../../../src/node/identity/identity-files.ts'
import { givenPassphrase } from '../../../src/node/identity/passphrase.ts'
import { systemClock } from '../../../src/runtime/clock.ts'

const dir = await mkdtemp(join(tmpdir(), 'concordata-passphrase-'))
t.teardown(() => rm(dir, { recursive: true, force: true }))
const path = join(dir, 'given')
const environment = readEnvironment({ CONCORDATA_PASSPHRASE_FILE: path })

t.test('it is the one line of the file, blanks included', async (t) => {
  for (const [text, expected] of [
    [' correct horse \n', ' correct horse '],
    ['correct horse\r\n', 'correct horse'],
    ['correct horse', 'correct horse'],
  ] as const) {
    await writeFile(path, text)
    t.equal(await givenPassphrase(environment), expected)
  }
  for (const text of ['', '\n', 'one\ntwo\n']) {
    await writeFile(path, text)
    await t.rejects(givenPassphrase(environment), {
      code: 'key_file_unreadable',
      message: `${path} must be one line, the passphrase`,
    })
  }
})

t.test('a file that is not there is named', async (t) => {
  const missing = join(dir, 'missing')
  await t.rejects(givenPassphrase(readEnvironment({ CONCORDATA_PASSPHRASE_FILE: missing })), {
    code: 'key_file_unreadable',
    message: `the keys need a passphrase, but ${missing} cannot be read: ENOENT`,
  })
})

t.test('either the passphrase or its file is given, not both', async (t) => {
  t.throws(() => readEnvironment({ CONCORDATA_PASSPHRASE: 'a', CONCORDATA_PASSPHRASE_FILE: path }), {
    code: 'configuration_invalid',
  })
  t.equal(await givenPassphrase(readEnvironment({ CONCORDATA_PASSPHRASE: 'a' })), 'a')
  t.equal(await givenPassphrase(readEnvironment({})), undefined)
})

t.test('an identity is made and opened with it, and no other is written', async (t) => {
  await writeFile(path, 'correct horse\n')
  const data = join(dir, 'data')
  const endpoint = 'https://127.0.0.1:7443'
  const settings = { handle: 'ana' as Handle, name: 'Ana', endpoint, api: 'http://127.0.0.1:7480' }
  await createIdentity(data, { ...settings, passphrase: await givenPassphrase(environment) }, systemClock)
  await t.rejects(access(identityPaths(data).passphrase), { code: 'ENOENT' })
  await t.resolves(openIdentity(await readConfiguration(data, environment), environment))
  await writeFile(path, 'wrong horse\n')
  await t.rejects(openIdentity(await readConfiguration(data, environment), environment), {
    code: 'key_file_unreadable',
  })
})
