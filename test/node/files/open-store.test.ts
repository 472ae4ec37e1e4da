import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ConfigurationInvalid, checkConfiguration } from '../../../src/node/config/configuration.ts'
import { openStore, openStoreToRead } from '../../../src/node/files/open-store.ts'
import { StoreAccessDenied } from '../../../src/store/errors.ts'
import { NO_EVENTS } from '../../../src/store/port.ts'
import { startServer } from '../../support/eventstoredb-server/server.ts'
import { all, facts, namesOf } from '../../support/store-conformance/harness.ts'

t.test('left out, the store is a file of the data directory', async (t) => {
  const dir = t.testdir()
  const store = await openStore({ dir })
  await store.events.append('a', NO_EVENTS, facts('a0'))
  await store.close()
  const looking = await openStoreToRead({ dir })
  t.same(namesOf(await all(looking.events.readAll())), ['a0'])
  await looking.close()
})

t.test('nodes that share a server keep apart by their namespaces', async (t) => {
  const server = await startServer(t.testdir())
  t.teardown(() => server.close())
  const dir = t.testdir({ server: {} })
  const open = (namespace: string) => openStore({ dir, store: { url: server.url, namespace } })
  const [one, other] = [await open('one'), await open('other')]
  t.teardown(() => Promise.all([one.close(), other.close()]))
  await one.events.append('a', NO_EVENTS, facts('of one'))
  await other.events.append('a', NO_EVENTS, facts('of the other'))
  t.same(namesOf(await all(one.events.readAll())), ['of one'])
  const looking = await openStoreToRead({ dir, store: { url: server.url, namespace: 'other' } })
  t.same(namesOf(await all(looking.events.read('a'))), ['of the other'])
  await looking.close()
})

t.test('the password stands in a file', async (t) => {
  const dir = t.testdir()
  const store = { url: 'esdb://127.0.0.1:1?tls=false', user: 'transmit', passwordFile: 'password' }
  await t.rejects(openStore({ dir, store }), {
    code: 'configuration_invalid',
    message: `${join(dir, 'concordata.json')}: store.passwordFile cannot be read (ENOENT: ${join(dir, 'password')})`,
  })
  await writeFile(join(dir, 'password'), 'secret\n')
  const { user: _, passwordFile: __, ...without } = store
  await t.rejects(openStore({ dir, store: { ...without, url: 'esdb://127.0.0.1:1' } }), StoreAccessDenied)
})

t.test('the settings of the store have one form', (t) => {
  const settings = { handle: 'acme-re', name: 'Acme Re', endpoint: 'https://127.0.0.1:1', api: 'http://127.0.0.1:2' }
  const url = 'esdb://127.0.0.1:2113'
  const full = { url, ca: 'ca.pem', user: 'u', passwordFile: 'p', namespace: 'acme' }
  t.same(checkConfiguration('test', { ...settings, store: full }).store, full)
  for (const store of [{}, { url: '' }, { url, password: 'x' }, { url, user: 'u' }, { url, namespace: '$x' }]) {
    t.throws(() => checkConfiguration('test', { ...settings, store }), ConfigurationInvalid, JSON.stringify(store))
  }
  t.end()
})
