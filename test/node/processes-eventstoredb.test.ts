import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import type { Handle } from '../../src/events/ids.ts'
import { startServer } from '../support/eventstoredb-server/server.ts'
import { until } from '../support/node-party.ts'
import { PartyProcesses } from '../support/party-processes.ts'
import { introduce, together } from '../support/processes-together.ts'

const WAIT = { prefer: 'wait=60' }
const CHANGES = 20
/** So long that the processes' appends of the same event meet. Milliseconds. */
const COMMIT_MS = 20

t.test(
  'of the processes of a party on one server none holds another up with an append of the same event',
  { timeout: 300_000 },
  async (t) => {
    // The name of a socket must be short.
    const root = await mkdtemp(join(tmpdir(), 'apart-'))
    const server = await startServer(join(root, 'server'))
    server.database.commit = () => pause(COMMIT_MS)
    const ana = await PartyProcesses.start(join(root, 'ana'), 'ana' as Handle, 'split', { url: server.url })
    const ben = await PartyProcesses.start(join(root, 'ben'), 'ben' as Handle, 'node')
    t.teardown(async () => {
      await Promise.all([ana.stop(), ben.stop()])
      server.close()
      await rm(root, { recursive: true, force: true })
    })
    await introduce(ana, ben)
    await introduce(ben, ana)
    const contract = await together(ana, ben)
    await ana.client.call('POST', `/new-api/${contract}`, { Count: { $field: { type: 'integer' } } }, WAIT)
    await until('ben has the field', async () => {
      return 'Count' in ((await ben.client.call('GET', `/new-api/${contract}`)) as object)
    })
    const tookMs: number[] = []
    for (let count = 1; count <= CHANGES; count++) {
      const begun = performance.now()
      await ana.client.call('PUT', `/new-api/${contract}`, { Count: count }, WAIT)
      tookMs.push(performance.now() - begun)
    }
    tookMs.sort((a, b) => a - b)
    t.comment(`p50 ${Math.round(tookMs[CHANGES / 2] ?? 0)} ms, p95 ${Math.round(tookMs[CHANGES - 2] ?? 0)} ms a change`)
    t.equal(server.database.dropped, 0, 'each drop stalls a change for two seconds or more')
  },
)
