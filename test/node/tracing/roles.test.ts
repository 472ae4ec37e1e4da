import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Handle } from '../../../src/events/ids.ts'
import { until } from '../../support/node-party.ts'
import { OtlpCollector } from '../../support/otlp-collector.ts'
import { type Layout, PartyProcesses } from '../../support/party-processes.ts'

/** Has every process started from here tell in its log what it loads of OpenTelemetry, and of the client of EventStoreDB. */
const telling = `import { registerHooks } from 'node:module'
registerHooks({ resolve(specifier, context, next) {
  if (/opentelemetry|@eventstore/.test(specifier)) process.stderr.write('loads ' + specifier + '\\n')
  return next(specifier, context)
} })`
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=data:text/javascript,${encodeURIComponent(telling)}`

async function start(layout: Layout) {
  // The name of a socket must be short.
  const root = await mkdtemp(join(tmpdir(), 'traces-'))
  const ana = await PartyProcesses.start(join(root, 'ana'), 'ana' as Handle, layout)
  const stop = async () => {
    await ana.stop()
    await rm(root, { recursive: true, force: true })
  }
  return { ana, stop }
}

t.test(
  'a request is one trace, though one process takes it and another one signs it',
  { timeout: 120_000 },
  async (t) => {
    const collector = await OtlpCollector.start()
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.endpoint.replace('/v1/traces', '/')
    t.teardown(() => collector.stop())
    const { ana, stop } = await start('split')
    const { contract } = (await ana.client.call('POST', '/api/Contract', { title: 'in parts' })) as { contract: string }
    await ana.client.call('POST', `/new-api/${contract}`, { Country: 'Mexico' }, { prefer: 'wait=60' })
    t.match(await ana.logOf('transmit'), /loads @opentelemetry\/sdk-trace/)
    await stop()
    await until('all has come', async () => collector.named('request').length > 0)
    const [call] = collector.named('POST /new-api/:uid')
    t.equal(call?.role, 'serve')
    const request = collector.named('request').find(({ traceId }) => traceId === call?.traceId)
    t.match(request, { role: 'transmit', parentSpanId: call?.spanId, attributes: { 'concordata.outcome': 'accepted' } })
  },
)

t.test(
  'where it is not switched on, nothing that records or sends is loaded; on SQLite, no client of EventStoreDB',
  { timeout: 120_000 },
  async (t) => {
    delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT
    const { ana, stop } = await start('node')
    const { contract } = (await ana.client.call('POST', '/api/Contract', { title: 'untraced' })) as { contract: string }
    await ana.client.call('POST', `/new-api/${contract}`, { Country: 'Mexico' }, { prefer: 'wait=60' })
    // (prom-client, for its part, loads the bare interface.)
    t.match(await ana.logOf('node'), /loads @opentelemetry\/api/)
    t.notMatch(await ana.logOf('node'), /opentelemetry\/(?!api\b)|@eventstore/)
    await stop()
  },
)
