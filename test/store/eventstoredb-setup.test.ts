import { randomUUID } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type JSONType, jsonEvent } from '@eventstore/db-client'
import t, { type Test } from 'tap'
import type { Uid } from '../../src/events/ids.ts'
import { configurationPath } from '../../src/node/configuration.ts'
import { connect } from '../../src/store/eventstoredb/connection.ts'
import { openEventStoreDbStore } from '../../src/store/eventstoredb/eventstoredb-store.ts'
import { NO_EVENTS } from '../../src/store/port.ts'
import {
  CONTRACTS_STREAM,
  contractStream,
  DIRECTORY_STREAM,
  evidenceStream,
  feedStream,
  INVITATIONS_STREAM,
  OUTBOX_DONE_STREAM,
  OUTBOX_STREAM,
} from '../../src/store/streams.ts'
import { secureServer } from '../support/eventstoredb-secure.ts'
import { newParty } from '../support/node-party.ts'
import { runCommand } from '../support/run-command.ts'
import { collector, contract, facts, group, namesOf, refTo, sealNamed } from '../support/store-conformance/harness.ts'

const UID = '0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk' as Uid

/** A server with users and ACLs, that of ESDB_URL if it can be, and a party whose store is to be there. */
async function fresh(t: Test) {
  const root = t.testdir()
  const { url, caFile, admin, httpUrl } = await secureServer(t, join(root, 'server'))
  const ana = await newParty(root, 'ana')
  await writeFile(join(root, 'admin'), `${admin.password}\n`)
  const path = configurationPath(ana.data)
  const settings = JSON.parse(await readFile(path, 'utf8'))
  const namespace = `setup-${randomUUID().slice(0, 8)}`
  const ca = caFile === undefined ? {} : { ca: caFile }
  await writeFile(path, JSON.stringify({ ...settings, store: { url, namespace, ...ca } }))
  const asAdmin = ['--admin-user', admin.username, '--admin-password-file', join(root, 'admin')]
  const http = httpUrl === undefined ? [] : ['--http-url', httpUrl]
  const setUp = (...more: string[]) => runCommand('store', 'setup', '--data', ana.data, ...asAdmin, ...http, ...more)
  const server = { url, ...(caFile === undefined ? {} : { caFile }) }
  const optionsOf = async (role: string) => ({
    ...server,
    namespace: `${namespace}-`,
    credentials: {
      username: `concordata-ana-${role}`,
      password: (await readFile(join(ana.data, `esdb-password-${role}`), 'utf8')).trim(),
    },
  })
  const openAs = async (t: Test, role: string) => {
    const store = await openEventStoreDbStore(await optionsOf(role))
    t.teardown(() => store.close())
    return store
  }
  const asAdministrator = { ...server, credentials: admin }
  return { root, data: ana.data, namespace, admin, asAdministrator, setUp, openAs, optionsOf }
}

t.test('after the set-up serve may append to outbox, directory and invitations, and nowhere else', async (t) => {
  const { namespace, setUp, openAs, optionsOf } = await fresh(t)
  t.match(await setUp(), { status: 0 })
  const serve = await openAs(t, 'serve')
  const after = await serve.events.lastPosition()
  const transmit = await openAs(t, 'transmit')
  await transmit.events.append(feedStream(UID, 'ana' as never), NO_EVENTS, facts('a0'))
  await transmit.payloads.put(contract, group, [{ seal: sealNamed('one'), text: '1' }])

  for (const stream of [OUTBOX_STREAM, DIRECTORY_STREAM, INVITATIONS_STREAM]) {
    await t.resolves(serve.events.append(stream, 'any', facts('s')), `${stream} is open to serve`)
  }
  const denied = { code: 'store_access_denied' }
  const closed = [
    feedStream(UID, 'ana' as never),
    feedStream(UID, 'ben' as never),
    contractStream(UID),
    evidenceStream(UID),
    CONTRACTS_STREAM,
    OUTBOX_DONE_STREAM,
    `${OUTBOX_STREAM}-claim`,
    'whatever',
  ]
  for (const stream of closed)
    await t.rejects(serve.events.append(stream, 'any', facts('s')), denied, `${stream} is not`)
  await t.rejects(
    serve.payloads.put(contract, group, [{ seal: sealNamed('two'), text: '2' }]),
    denied,
    'nor are values',
  )
  await t.rejects(serve.payloads.erase(contract, [refTo('one')]), denied, 'nor may it erase')
  const { client, callOptions, release } = connect(await optionsOf('serve'))
  t.teardown(release)
  const everybody = { acl: { readRoles: ['$all'], writeRoles: ['$all'] } }
  await t.rejects(client.setStreamMetadata(`${namespace}-whatever`, everybody, callOptions), 'nor give itself rights')
  await t.rejects(client.setStreamMetadata('$all', everybody, callOptions))
  await t.rejects(client.deleteStream(`${namespace}-${OUTBOX_STREAM}`, callOptions), 'nor take back what it left there')

  const seen = collector()
  serve.events.subscribe({ after }, seen.handler)
  t.same(namesOf(await seen.reached(4)).sort(), ['a0', 's', 's', 's'], 'it hears of everything')
  t.same([...(await serve.payloads.get(contract, [refTo('one')])).values()], ['1'], 'and reads values')
})

t.test('transmit and receive write everything that a node writes', async (t) => {
  const { setUp, openAs } = await fresh(t)
  await setUp()
  for (const role of ['transmit', 'receive']) {
    const store = await openAs(t, role)
    for (const stream of [feedStream(UID, 'ana' as never), contractStream(UID), OUTBOX_STREAM, OUTBOX_DONE_STREAM]) {
      await t.resolves(store.events.append(stream, 'any', facts(role)))
    }
    await store.payloads.put(contract, group, [{ seal: sealNamed(role), text: role }])
    await t.resolves(store.payloads.erase(contract, [refTo(role)]))
  }
})

t.test('run again it changes nothing, keeps the passwords, and says so', async (t) => {
  const { setUp, openAs, optionsOf } = await fresh(t)
  await setUp()
  const { credentials } = await optionsOf('serve')
  const again = await setUp()
  t.match(again.output, /user concordata-ana-serve +stood there/)
  t.match(again.output, /default ACL +stood there/)
  t.same((await optionsOf('serve')).credentials, credentials)
  await t.resolves((await openAs(t, 'serve')).events.append(OUTBOX_STREAM, 'any', facts('s')))
})

t.test('who is no administrator is told, and so is whoever gives a wrong address', async (t) => {
  const { root, admin, setUp } = await fresh(t)
  await writeFile(join(root, 'admin'), 'guess')
  t.match(await setUp(), { status: 1, output: /\[store_access_denied\]/ })
  await writeFile(join(root, 'admin'), admin.password)
  t.match(await setUp('--http-url', 'http://127.0.0.1:1'), {
    status: 1,
    output: /cannot be reached/,
  })
})

t.test('a user of an earlier data directory gets the password of this one', async (t) => {
  const { data, setUp, openAs } = await fresh(t)
  await setUp()
  await rm(join(data, 'esdb-password-serve'))
  t.match(await setUp(), { status: 0, output: /user concordata-ana-serve +given a new password/ })
  await t.resolves((await openAs(t, 'serve')).events.append(OUTBOX_STREAM, 'any', facts('s')))
})

t.test('a default ACL of somebody else stays, and nothing is set up beside it', async (t) => {
  const { asAdministrator, setUp, openAs } = await fresh(t)
  const { client, callOptions, release } = connect(asAdministrator)
  t.teardown(release)
  const settings = (data: JSONType) =>
    client.appendToStream('$settings', jsonEvent({ type: 'update-default-acl', data }), callOptions)
  await settings({ $userStreamAcl: { $r: ['somebody'], $w: ['somebody'] } })
  t.match(await setUp(), { status: 1, output: /another default ACL/ })
  await settings({})
  t.match(await setUp(), { status: 0 }, 'one that says nothing is nobody’s')
  await t.rejects((await openAs(t, 'serve')).events.append('whatever', 'any', facts('s')), {
    code: 'store_access_denied',
  })
})

t.test('where the server asks nobody who he is, rights would be for show', async (t) => {
  const { data, setUp } = await fresh(t)
  const settings = JSON.parse(await readFile(configurationPath(data), 'utf8'))
  const { url } = settings.store
  const store = { ...settings.store, url: `${url}${url.includes('?') ? '&' : '?'}tls=false` }
  await writeFile(configurationPath(data), JSON.stringify({ ...settings, store }))
  t.match(await setUp(), { status: 1, output: /without TLS/ })
})
