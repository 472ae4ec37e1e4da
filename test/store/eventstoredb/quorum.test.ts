import t from 'tap'
import { isOfClient } from '../../../src/store/eventstoredb/client-faults.ts'
import { startCluster } from '../../support/eventstoredb-cluster.ts'
import { startServer } from '../../support/eventstoredb-server/server.ts'
import { startProcess } from '../../support/store-process.ts'

t.test('a process outlives that its cluster loses the quorum, and goes on when that is back', async (t) => {
  const cluster = await startCluster(t)
  const writer = startProcess(t, 'eventstoredb-writer.ts', [cluster.url])
  writer.send('writing')
  t.equal(await writer.nextLine(), 'writing')
  cluster.loseQuorum()
  writer.send('failing')
  t.equal(await writer.nextLine(), 'failing')
  cluster.regainQuorum()
  writer.send('writing')
  t.equal(await writer.nextLine(), 'writing')
})

t.test('what the client throws outside of any call is reported and ends nothing; what we throw ends', async (t) => {
  const server = await startServer(t.testdir())
  t.teardown(() => server.close())
  const writer = startProcess(t, 'eventstoredb-writer.ts', [server.url])
  writer.send('writing')
  t.equal(await writer.nextLine(), 'writing')
  writer.send('reject')
  t.equal(await writer.nextLine(), 'fault Failed to discover after 10 attempts.')
  writer.send('writing')
  t.equal(await writer.nextLine(), 'writing')
  writer.send('throw')
  t.equal(await writer.nextLine(), undefined)
  t.equal(await writer.ended, 1)
})

t.test(
  'while a server follows somebody whom it does not name a reading fails, and does not end as if it were empty',
  async (t) => {
    const server = await startServer(t.testdir())
    t.teardown(() => server.close())
    const writer = startProcess(t, 'eventstoredb-writer.ts', [server.url])
    writer.send('writing')
    t.equal(await writer.nextLine(), 'writing')
    server.faults.knowsNoLeader = true
    writer.send('read')
    t.equal(await writer.nextLine(), 'read store_unavailable')
    writer.send('failing')
    t.equal(await writer.nextLine(), 'failing')
    server.faults.knowsNoLeader = false
    writer.send('writing')
    t.equal(await writer.nextLine(), 'writing')
  },
)

t.test('an error is of the client if its code, or that of gRPC below it, raised it', async (t) => {
  const raised = (...frames: string[]) =>
    Object.assign(new Error('x'), { stack: ['Error: x', ...frames.map((frame) => `    at ${frame}`)].join('\n') })
  const client = 'discoverEndpoint (/srv/node_modules/@eventstore/db-client/dist/Client/discovery.js:56:11)'
  const grpc = 'Object.onReceiveStatus (/srv/node_modules/@grpc/grpc-js/build/src/client.js:360:73)'
  const node = 'process.processTicksAndRejections (node:internal/process/task_queues:105:5)'
  const ours = 'CatchUpSubscription.#handle (file:///srv/node_modules/concordata/src/store/catch-up.ts:99:5)'
  for (const frames of [[client], [grpc, ours], [node, client, ours]]) t.ok(isOfClient(raised(...frames)))
  for (const frames of [[ours, client], [node, ours, grpc], [node], []]) t.notOk(isOfClient(raised(...frames)))
  t.notOk(isOfClient('discovery.js'))
})
