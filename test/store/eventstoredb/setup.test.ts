import { randomUUID } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type JSONType, jsonEvent } from '@eventstore/db-client'
import t, { type Test } from 'tap'
import type { Uid } from '../../../src/events/ids.ts'
import { configurationPath, readConfiguration, readEnvironment } from '../../../src/node/config/configuration.ts'
import { examine } from '../../../src/node/maintenance/doctor.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { type Credentials, connect } from '../../../src/store/eventstoredb/connection.ts'
import { openEventStoreDbStore } from '../../../src/store/eventstoredb/eventstoredb-store.ts'
import { NO_EVENTS } from '../../../src/store/port.ts'
import {
  CONTRACTS_STREAM,
  contractStream,
  DIRECTORY_STREAM,
  evidenceStream,
  feedStream,
  INVITATIONS_STREAM,
  OUTBOX_DONE_STREAM,
  OUTBOX_STREAM,
} from '../../../src/store/streams.ts'
import { secureServer } from '../../support/eventstoredb-secure.ts'
import { newParty } from '../../support/node-party.ts'
import { runCommand } from '../../support/run-command.ts'
import {
  collector,
  contract,
  facts,
  group,
  namesOf,
  refTo,
  sealNamed,
} from '../../support/store-conformance/harness.ts'

const UID = '0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk' as Uid

/** A server with users and ACLs, that of ESDB_URL if it can be, and a party whose store is to be there. */
async function fresh(t: Test, passwords: { readonly ops?: string } = {}) {
  const root = t.testdir()
  const { url, caFile, admin, httpUrl } = await secureServer(t, join(root, 'server'), passwords)
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
  /** What doctor says of the server's users, to a process that is this one. */
  const look = async ({ username, password }: Credentials) => {
    await writeFile(join(ana.data, 'own-password'), password)
    const environment = readEnvironment({
      CONCORDATA_STORE_USER: username,
      CONCORDATA_STORE_PASSWORD_FILE: 'own-password',
      CONCORDATA_LOG_LEVEL: 'silent',
    })
    const findings = await examine(await readConfiguration(ana.data, environment), environment, systemClock, 'serve')
    return findings.filter(({ check }) => check === 'store users')
  }
  return { root, data: ana.data, namespace, admin, asAdministrator, setUp, openAs, optionsOf, look }
}

t.test('after the set-up serve may append to command queue, directory and invitations, and nowhere else', async (t) => {
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

t.test(
  'whoever may read $all is shown the hashes of the passwords there, though the streams are refused to him',
  async (t) => {
    const { setUp, optionsOf } = await fresh(t)
    await setUp()
    const { client, callOptions, release } = connect(await optionsOf('serve'))
    t.teardown(release)
    const readOf = async (stream: string) => {
      for await (const _ of client.readStream(stream, callOptions));
    }
    t.match(await readOf('$user-admin').catch((error: unknown) => error), { type: 'access-denied' })
    const shown: unknown[] = []
    for await (const { event } of client.readAll({ maxCount: 2_000, ...callOptions })) {
      if (event?.streamId === '$user-admin') shown.push(event.data)
    }
    t.match(shown[0], { loginName: 'admin', salt: String, hash: String })
  },
)

t.test('a password that was not drawn is refused before anything is set up', async (t) => {
  const { root, data, admin, setUp, asAdministrator } = await fresh(t)
  const adminIs = (password: string) => writeFile(join(root, 'admin'), password)
  await adminIs('changeit')
  const short = { status: 1, output: /password of \S+ has 8 characters, and a drawn one 32 or more: `openssl rand/ }
  t.match(await setUp(), short)
  await adminIs('never '.repeat(8).trim())
  t.match(await setUp(), { status: 1, output: /has 5 different characters: it was not drawn/ })
  await adminIs(admin.password)
  await writeFile(join(data, 'esdb-password-serve'), 'remember')
  t.match(await setUp(), { status: 1, output: /password of concordata-ana-serve has 8 characters/ })
  const { client, callOptions, release } = connect(asAdministrator)
  t.teardown(release)
  t.notOk((await client.getStreamMetadata('$all', callOptions)).metadata?.acl, 'nothing was set up')
})

t.test('as long as the server takes a password that it came with nothing is set up', async (t) => {
  const { data, setUp, look } = await fresh(t, { ops: 'changeit' })
  t.match(await setUp(), { status: 1, output: /ops: the server takes the password that it came with/ })
  await writeFile(join(data, 'esdb-password-serve'), 'whatever')
  t.match(await look({ username: 'ops', password: 'changeit' }), [
    { level: 'error', finding: /^ops: the server takes the password that it came with/, advice: /openssl rand/ },
    { level: 'warning', finding: /^the password of ops has 8 characters/, advice: /hash/ },
  ])
})

t.test('doctor says of whom a process is shown the hash, and who runs as an administrator', async (t) => {
  const { setUp, look, optionsOf, admin } = await fresh(t)
  await setUp()
  const { credentials } = await optionsOf('serve')
  t.match(await look(credentials), [
    {
      level: 'ok',
      finding: /^concordata-ana-serve is shown the password hashes of admin, ops, .*concordata-ana-serve/,
    },
  ])
  t.match(await look(admin), [{ level: 'warning', finding: 'admin is an administrator', advice: /store setup/ }])
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
  await writeFile(join(root, 'admin'), 'guessed at random, and long enough to have been drawn')
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
