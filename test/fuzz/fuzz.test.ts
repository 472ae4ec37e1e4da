import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici'
import { NODE_HEADER } from '../../src/api/http/node-header.ts'
import { apiClient } from '../../src/cli/api-client.ts'
import { decodeOutbox, queued } from '../../src/contracts/commands/queued-command.ts'
import { findSettled } from '../../src/contracts/replica/find-settled.ts'
import { loadEvidence } from '../../src/contracts/replica/journal.ts'
import { loadContract } from '../../src/contracts/replica/opening/load.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import type { Handle } from '../../src/events/ids.ts'
import { valueUnder } from '../../src/events/seal.ts'
import { connect } from '../../src/library/connect.ts'
import { decodeDirectoryEvent } from '../../src/node/directory/directory-events.ts'
import { openGuardFiles } from '../../src/node/files/guard-files.ts'
import { frontiersIn } from '../../src/node/tracing/exchange-traces.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import type { RecordedEvent, Store } from '../../src/store/port.ts'
import { openSqliteSnapshots } from '../../src/store/sqlite/snapshots.ts'
import { contractStream, evidenceStream } from '../../src/store/streams.ts'
import { CONTRACT } from '../support/market.ts'
import { fuzz } from './fuzz.ts'
import { changed, contractsIn, event, proven, texts } from './store-targets.ts'
import { targets } from './targets.ts'

/** Other inputs each day would make a red test a matter of luck: for those there is `npm run fuzz`. */
const SEED = 20_261_124
const RUNS = 60

for (const target of targets) {
  t.test(`${target.name} is read as the one value it is, or refused with a code`, async (t) => {
    await fuzz(target, RUNS, SEED)
    t.pass(`${RUNS} inputs, seed ${SEED}`)
  })
}

const targetNamed = (name: string) => targets.find((target) => target.name === name) as (typeof targets)[number]

t.test('found once by fuzzing', async (t) => {
  const message = targetNamed('an exchange message')
  const valid = message.valid[1] as string
  const found: [target: string, text: string, code: string][] = [
    [message.name, ` ${valid}`, 'exchange_malformed'],
    [message.name, valid.replace('"v":1', '"v":1,"v":1'), 'exchange_malformed'],
    [message.name, valid.replace('{"acceptance":{', '{"acceptance":{ '), 'exchange_malformed'],
    ['evidence', '{"v":1', 'evidence_proves_nothing'],
  ]
  for (const [name, text, code] of found) t.throws(() => targetNamed(name).decode(text), { code }, name)
  const stored = '{ "handle":"ana","reason":"x","time":"2026-01-01T00:00:00.000Z"}'
  const event = { stream: 'directory', revision: 0, type: 'PartyBlocked', data: stored } as RecordedEvent
  t.throws(() => decodeDirectoryEvent(event), { code: 'directory_damaged' })
  const uid = targetNamed('a UID')
  t.equal(uid.decode(`00${uid.valid[0]}`), null, 'a UID with zeros before it is none')
})

t.test('what stands in the command queue is canonical, and a request is queued under its own name', async (t) => {
  const withdrawn = (text: string) =>
    `{"ask":{"about":{"text":"${text}"},"kind":"withdraw","request":{"handle":"ana","index":0,"seq":0}},"contract":null,"id":"x"}`
  const decoding = (data: string) => () => decodeOutbox(event('IntentQueued', data))
  t.match(decoding(withdrawn('no'))(), { queued: { id: 'x' } })
  t.throws(decoding(withdrawn('\\ud800')), { code: 'ask_malformed' }, 'a text that could never be signed')
  t.throws(decoding(` ${withdrawn('no')}`), { code: 'ask_malformed' })
  const request = { id: 'x', commands: [{ type: 'ReleaseLock' }] }
  const asked = (id: string) => queued({ id, contract: CONTRACT, ask: { kind: 'request', request, payloads: {} } }).data
  t.match(decoding(asked('x'))(), { queued: { id: 'x' } })
  t.throws(decoding(asked('y')), { code: 'ask_malformed' }, 'it would be signed once more after each restart')
})

/** A store in which a stream has one event, which is damaged. */
async function storeWith(stream: string, type: string, data: string): Promise<Store> {
  const store = openMemoryStore()
  await store.events.append(stream, 'any', [{ type, data }])
  return store
}

t.test('what is damaged in a store is told as that', async (t) => {
  for (const data of ['{', 'null', '{}', '{"request":{}}']) {
    const ledger = await storeWith(contractStream(CONTRACT), 'RequestSettled', data)
    await t.rejects(findSettled(ledger.events, CONTRACT, 'ana.0.0'), { code: 'contract_damaged' }, data)
    const evidence = await storeWith(evidenceStream(CONTRACT), 'EquivocationProven', data)
    await t.rejects(loadEvidence(evidence, proven.state), { code: 'contract_damaged' }, data)
    t.throws(() => valueUnder(sha256('x'), data), { code: 'contract_damaged' }, data)
    const held = contractsIn(await storeWith('contracts', 'ContractHeld', data))
    if (data === '{') {
      await t.rejects(held, { code: 'store_corrupt' }, 'which contracts there are is not known')
    } else {
      const contracts = await held
      t.same(contracts.size, 0, 'what says nothing is passed over')
      await contracts.close()
    }
  }
})

t.test('found in files, and in what other programs say', async (t) => {
  const refusedWith = (name: string, text: string, code: string) =>
    t.rejects(async () => targetNamed(name).decode(text), { code }, name)
  await refusedWith('a certificate in its file', 'x', 'identity_damaged')
  const [manifest] = targetNamed('the manifest of a backup').valid as [string]
  const withProto = manifest.replace('"files":{', '"files":{"__proto__":1,')
  await refusedWith('the manifest of a backup', withProto, 'backup_damaged')
  await refusedWith('what is to be written', '{"a":{"$field":null}}', 'write_unfit')
  t.equal(targetNamed('a contract at rest').decode('{'), null)
  t.equal(frontiersIn(`{"contracts":"${'a'.repeat(1000)}"}`, 'ana' as Handle).size, 0, 'not an entry a character')
  t.equal(frontiersIn(`{"contracts":{"x":1,"${CONTRACT}":1}}`, 'ana' as Handle).size, 1)
})

t.test('a slot of the guard that hashes right and is no JSON was torn', async (t) => {
  const dir = t.testdir()
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, `${CONTRACT}.a`), `${sha256('{')}\n{`)
  const guard = openGuardFiles(dir)
  t.equal(await guard.read(CONTRACT), undefined)
  await guard.close()
})

t.test('what is damaged of a stored contract is refused, wherever it is', async (t) => {
  t.equal((await loadContract(await changed('', ''), CONTRACT, 'ana' as Handle)).state.feeds.size, 2)
  for (const damage of ['', 'null', '{}', '{"statement":1}', '{"salt":1,"value":2}']) {
    for (const place of texts) {
      const loading = loadContract(await changed(place, damage), CONTRACT, 'ana' as Handle)
      await t.rejects(
        loading,
        { code: /^(contract|statement|payload)_/ },
        `${damage} in place of ${place.slice(0, 40)}`,
      )
    }
  }
})

t.test('another program at the address of the node is told as that', async (t) => {
  const server = createServer((_, response) => response.writeHead(404).end('null')).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = apiClient(`http://127.0.0.1:${port}`, 'x')
  await t.rejects(client.call('GET', '/'), { code: 'node_not_running' }, 'no problem')
  server.removeAllListeners('request').on('request', (_, response) => response.end('<html>'))
  await t.rejects(client.call('GET', '/'), { code: 'node_not_running' }, 'no JSON')
  await t.rejects(client.bytes('/'), { code: 'node_not_running' }, 'no file')
  for (const [status, said] of [
    [200, '{}'],
    [204, ''],
  ] as const) {
    server.removeAllListeners('request').on('request', (_, response) => response.writeHead(status).end(said))
    await t.rejects(client.call('DELETE', '/'), { code: 'node_not_running' }, 'nothing is said to be done')
    const place = connect(client.url, 'x').contract(CONTRACT).at('Rate')
    await t.rejects(place.propose('1'), { code: 'node_not_running' }, 'neither to a program')
  }
  const hurried = getGlobalDispatcher()
  setGlobalDispatcher(new Agent({ headersTimeout: 500 }))
  t.teardown(() => setGlobalDispatcher(hurried))
  server.removeAllListeners('request').on('request', (_, response) => {
    setTimeout(() => response.writeHead(200, { [NODE_HEADER]: 'inward' }).end('{"unchanged":true}'), 2_000)
  })
  const place = connect(client.url, 'x').contract(CONTRACT).at('Rate')
  const [told, found] = await Promise.all([client.call('PUT', '/', 1), place.propose('1')])
  t.match([told, found], [{ unchanged: true }, { kind: 'unchanged' }], 'whoever waits long for a write is answered')
  server.removeAllListeners('request').on('request', (_, response) => {
    response.writeHead(200, { 'content-length': 9, [NODE_HEADER]: 'inward' }).write('{', () => response.destroy())
  })
  await t.rejects(client.call('GET', '/'), { code: 'node_not_running' }, 'half an answer')
})

t.test('what is damaged in the file of contracts at rest is told in the terms of a store', async (t) => {
  const path = join(t.testdir(), 'rest.sqlite')
  const kept = { snapshot: 'a', passive: 'b', parties: ['ana' as Handle], requests: new Map() }
  const whole = openSqliteSnapshots(path)
  whole.put(CONTRACT, kept, 7)
  whole.close()
  // Every page but the one with the schema.
  const bytes = await readFile(path)
  await writeFile(path, bytes.fill(0xff, 4096))
  const damaged = openSqliteSnapshots(path)
  t.teardown(() => damaged.close())
  t.throws(() => damaged.position, { code: 'store_corrupt' })
  t.throws(() => damaged.snapshot(CONTRACT), { code: 'store_corrupt' })
  t.throws(() => damaged.put(CONTRACT, kept, 8), { code: 'store_corrupt' })
})
