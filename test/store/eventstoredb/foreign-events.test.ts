import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Role } from '../../../src/contracts/duties.ts'
import type { Handle, Uid } from '../../../src/events/ids.ts'
import { Directory } from '../../../src/node/directory/directory.ts'
import { ProjectionRunner } from '../../../src/projections/runner.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { openEventStoreDbStore } from '../../../src/store/eventstoredb/eventstoredb-store.ts'
import { NO_EVENTS, type RecordedEvent } from '../../../src/store/port.ts'
import {
  CONTRACTS_STREAM,
  contractStream,
  DIRECTORY_STREAM,
  evidenceStream,
  feedStream,
  INVITATIONS_STREAM,
  OUTBOX_STREAM,
} from '../../../src/store/streams.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { startServer } from '../../support/eventstoredb-server/server.ts'
import { until } from '../../support/node-party.ts'
import { all, facts } from '../../support/store-conformance/harness.ts'

// What Concordata has not written: by whoever has taken over `serve`, or by other programs on the server.
async function serverOfOthers(t: Test) {
  const server = await startServer(t.testdir())
  t.teardown(() => server.close())
  const append = (stream: string, type: string, contentType: string, data: Uint8Array) =>
    server.database.append(stream, 'any', [
      { id: randomUUID(), type, contentType, data: Buffer.from(data), metadata: Buffer.alloc(0) },
    ])
  const open = async () => {
    const store = await openEventStoreDbStore({ url: server.url, timeoutMs: 5_000 })
    t.teardown(() => store.close())
    return store
  }
  return {
    open,
    /** No UTF-8. */
    bytes: (stream: string, type = 'Fact') =>
      append(stream, type, 'application/octet-stream', Buffer.from([0x7b, 0xff])),
    json: (stream: string, type = 'Fact', data = '{"n":1}') =>
      append(stream, type, 'application/json', Buffer.from(data)),
    text: (stream: string, type: string, data: string) =>
      append(stream, type, 'application/octet-stream', Buffer.from(data)),
  }
}

const isJson = (event: RecordedEvent) => {
  try {
    JSON.parse(event.data)
    return true
  } catch {
    return false
  }
}

t.test('what is no UTF-8, or told to be JSON, is read as data that are no JSON, and counts as an event', async (t) => {
  const { open, bytes, json } = await serverOfOthers(t)
  const { events } = await open()
  await bytes(OUTBOX_STREAM)
  await json(OUTBOX_STREAM)
  t.equal((await events.append(OUTBOX_STREAM, 1, facts('mine'))).revision, 2)
  const read = await all(events.read(OUTBOX_STREAM))
  t.same(
    read.map(({ revision, type }) => [revision, type]),
    [0, 1, 2].map((revision) => [revision, 'Fact']),
  )
  t.same(read.map(isJson), [false, false, true])
  t.same(await all(events.readAll()), read)
  const heard: RecordedEvent[] = []
  const subscription = events.subscribe({}, (event) => void heard.push(event))
  await until('all are heard', async () => heard.length >= 3)
  t.same(heard, read)
  subscription.close()
  await subscription.closed
  await t.rejects(events.append(OUTBOX_STREAM, 0, facts('late', 'mine')), { code: 'store_wrong_revision', actual: 2 })
})

t.test('what other programs write as JSON to streams of theirs is passed over', async (t) => {
  const { open, json, bytes } = await serverOfOthers(t)
  const { events } = await open()
  await json('orders-1')
  await events.append(OUTBOX_STREAM, NO_EVENTS, facts('mine'))
  await json('orders-1', 'Fact', '{')
  t.same(
    (await all(events.readAll())).map(({ stream }) => stream),
    [OUTBOX_STREAM],
  )
  await bytes('orders-2')
  const heard: RecordedEvent[] = []
  const subscription = events.subscribe({}, (event) => void heard.push(event))
  await until('the last is heard', async () => heard.some(({ stream }) => stream === 'orders-2'))
  subscription.close()
  await subscription.closed
})

t.test(
  'in streams that serve may append to it is told and passed over by all processes, before and after a start',
  async (t) => {
    const { open, bytes, json, text } = await serverOfOthers(t)
    const ana = new EdgelessParty(t)
    const told = ana.told as { evidence?: { stream?: string } }[]
    const start = async (role: Role) => ana.start(role, { store: await open() })
    const { events } = await open()
    const projections = await ProjectionRunner.open({
      path: `${t.testdir()}/read.sqlite`,
      events,
      clock: systemClock,
      report: {
        failed: (failure) => t.fail(failure.reason),
        stuck: (error) => t.fail(`${error}`),
        goesOn: () => t.fail('it was never stuck'),
        startedAnew: () => {},
      },
    })
    projections.closed.catch((error: unknown) => t.fail(`the projections have ended: ${error}`))
    t.teardown(() => projections.close())
    const nonsense = async () => {
      for (const stream of [OUTBOX_STREAM, INVITATIONS_STREAM]) {
        for (const type of [
          'IntentQueued',
          'IntentSigned',
          'InvitationAccepted',
          'KeyReserved',
          'KeyRevoked',
          'Whatever',
        ]) {
          await bytes(stream, type)
          await json(stream, type)
          await text(stream, type, '[]')
        }
      }
      await json('orders-1')
      await bytes('orders-2')
    }
    await nonsense()
    const serve = await start('serve')
    await start('transmit')
    await start('receive')
    await nonsense()
    const { contract } = await serve.contracts.openContract('all the same')
    t.equal(contract.state.settling.agreed.isOpen, true)
    const toldOf = (wanted: string) => told.filter(({ evidence }) => evidence?.stream === wanted).length
    for (const stream of [OUTBOX_STREAM, INVITATIONS_STREAM]) {
      // By each of the three what came later, and by each that reads the stream as it starts what stood there.
      await until(`${stream} is told of`, async () => toldOf(stream) >= 5 * 18)
    }
    for (const error of told) t.match(error, { code: 'ask_malformed' })
    // One that starts now, and one that finds all of it at once.
    const again = await start('transmit')
    t.equal(again.contracts.has(contract.contract), true)
    await until('the contract is in the read model', async () => {
      return projections.reader.prepare('SELECT 1 FROM Contract WHERE uid = ?').get(contract.contract) !== undefined
    })
  },
)

t.test('elsewhere it is damage, and told as that', async (t) => {
  for (const kind of ['bytes', 'json'] as const) {
    const others = await serverOfOthers(t)
    const ana = new EdgelessParty(t)
    const start = async () => ana.start('node', { store: await others.open() })
    const store = await others.open()
    const node = await start()
    const uids: Uid[] = []
    for (let n = 0; n < 3; n++) {
      const { contract, opened } = await node.contracts.openContract(`contract ${n}`)
      await opened
      uids.push(contract.contract)
    }
    await node.close()
    const directory = await Directory.open(store.events, systemClock)
    await others[kind](DIRECTORY_STREAM, 'PartyBlocked')
    await t.rejects(directory.closed, { code: 'directory_damaged' })
    await t.rejects(Directory.open(store.events, systemClock), { code: 'directory_damaged' })
    const [feed, ledger, evidence] = uids as [Uid, Uid, Uid]
    await others[kind](feedStream(feed, 'ana' as Handle), 'StatementMade')
    await others[kind](contractStream(ledger), 'RequestSettled')
    await others[kind](evidenceStream(evidence), 'EquivocationProven')
    const later = await start()
    for (const uid of uids) {
      await t.rejects(
        later.contracts.use(uid, () => {}),
        { code: /^(contract_damaged|statement_malformed)$/ },
      )
    }
    t.ok(ana.told.length >= 3)
    await others[kind](CONTRACTS_STREAM, 'ContractHeld')
    await t.rejects(start(), { code: 'store_corrupt', message: 'event 3 of contracts is no JSON' })
  }
})
