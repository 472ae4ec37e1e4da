import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { StoreUnavailable } from '../../../src/store/errors.ts'
import { openEventStoreDbStore } from '../../../src/store/eventstoredb/eventstoredb-store.ts'
import { NO_EVENTS } from '../../../src/store/port.ts'
import { startServer } from '../../support/eventstoredb-server/server.ts'
import {
  collector,
  contract,
  facts,
  group,
  namesOf,
  refTo,
  sealNamed,
} from '../../support/store-conformance/harness.ts'
import { tlsIdentity } from '../../support/tls.ts'

/** Our own server with TLS and one user, `transmit`. */
async function secureServer(t: Test) {
  const tls = { ...tlsIdentity('server'), passwords: { transmit: 'secret@1' } }
  const directory = t.testdir({ data: {} })
  const caFile = join(directory, 'own authority.pem')
  await writeFile(caFile, tls.certificate)
  const server = await startServer(join(directory, 'data'), { tls })
  t.teardown(() => server.close())
  return { url: server.url, caFile }
}

t.test('with TLS, an authority of our own and a password, every kind of call goes through', async (t) => {
  const { url, caFile } = await secureServer(t)
  const credentials = { username: 'transmit', password: 'secret@1' }
  const store = await openEventStoreDbStore({ url, caFile, credentials })
  t.teardown(() => store.close())
  const seen = collector()
  store.events.subscribe({}, seen.handler)
  await store.events.append('a', NO_EVENTS, facts('a0'))
  t.same(namesOf(await seen.reached(1)), ['a0'])
  await store.payloads.put(contract, group, [{ seal: sealNamed('one'), text: '1' }])
  await store.payloads.erase(contract, [refTo('one')])
  t.equal((await store.payloads.get(contract, [refTo('one')])).size, 0)
})

t.test('user and password may stand in the address', async (t) => {
  const { url, caFile } = await secureServer(t)
  const store = await openEventStoreDbStore({ url: url.replace('//', '//transmit:secret%401@'), caFile })
  t.equal(await store.events.lastRevision('a'), NO_EVENTS)
  await store.close()
})

t.test('a wrong password is told, at once', async (t) => {
  const { url, caFile } = await secureServer(t)
  const credentials = { username: 'transmit', password: 'guess' }
  await t.rejects(openEventStoreDbStore({ url, caFile, credentials }), {
    code: 'store_access_denied',
    message: 'read of all streams: EventStoreDB knows no such user, or the password is wrong',
  })
})

t.test('a server with the certificate of another authority is not spoken to', async (t) => {
  const { url } = await secureServer(t)
  const { caFile } = await secureServer(t)
  const credentials = { username: 'transmit', password: 'secret@1' }
  await t.rejects(openEventStoreDbStore({ url, caFile, credentials, timeoutMs: 500 }), StoreUnavailable)
})
