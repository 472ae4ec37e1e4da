import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { requireKey } from '../../../src/api/http/callers/authenticate.ts'
import { ApiRateLimited, ApiTooManyCalls, CallLimits } from '../../../src/api/http/callers/call-limits.ts'
import { httpServer } from '../../../src/api/http/http-server.ts'
import { openNode } from '../../../src/index.ts'
import { accessLogPath } from '../../../src/node/inward/access-log.ts'
import { openLogger } from '../../../src/node/observability/logging.ts'
import { configure, newParty, until } from '../../support/node-party.ts'
import { answerIn } from '../../support/raw-http.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'

t.test('what one caller takes is not taken from another, and comes back with time', async (t) => {
  let now = 0
  const limits = new CallLimits({ callerCallsPerSecond: 2 }, () => now)
  for (let n = 0; n < 20; n++) limits.called('erp')
  t.throws(() => limits.called('erp'), { code: 'api_rate_limited', retryAfterSeconds: 1 })
  t.throws(() => limits.called('erp'), ApiRateLimited)
  limits.called('another')
  now += 500
  limits.called('erp')
  t.throws(() => limits.called('erp'), ApiRateLimited)
})

t.test('of one caller only so many calls are under way, and each that ends makes room', async (t) => {
  const limits = new CallLimits({ callerCallsUnderWayMax: 2 }, () => 0)
  const ends = [limits.begins('erp'), limits.begins('erp')]
  t.throws(() => limits.begins('erp'), { code: 'api_too_many_calls', evidence: { max: 2 } })
  limits.begins('another')
  ends[0]?.()
  limits.begins('erp')
  t.throws(() => limits.begins('erp'), ApiTooManyCalls)
})

t.test('writes that wait are calls under way, whether their client waits or has gone', async (t) => {
  const ana = await newParty(t.testdir(), 'ana')
  await configure(ana, { inwardLimits: { callerCallsUnderWayMax: 2 } })
  const node = await openNode({ data: ana.data })
  t.teardown(() => node.close())
  const going = [new AbortController(), new AbortController()]
  const headers = {
    authorization: `Bearer ${ana.token}`,
    'content-type': 'application/json',
    'transfer-encoding': 'chunked',
  }
  // Their bodies never come.
  const calls = going.map(({ signal }) => {
    const call = request(`${ana.api}/api/Contract`, { method: 'POST', headers, signal })
    call.on('error', () => {})
    call.flushHeaders()
    return call
  })
  const status = async () => (await ana.call('GET', '/api/Party')).status
  await until('both to be under way', async () => (await status()) === 429)
  for (const one of going) one.abort()
  await until('room again', async () => (await status()) === 200)
  for (const call of calls) call.destroy()

  await t.test(
    'what is answered past the hooks for answers is what they would pass, and makes room as well',
    async (t) => {
      const { uid } = await node.open('read')
      t.equal((await ana.call('POST', `/new-api/${uid}`, { Name: 'Ana' })).status, 201)
      const read = async (more: Record<string, string> = {}) => {
        const answer = await fetch(`${ana.api}/new-api/${uid}/Name`, {
          headers: { authorization: headers.authorization, ...more },
        })
        const [body, names] = [await answer.text(), ['content-length', 'content-type', 'etag', 'vary']]
        return [answer.status, body, ...names.map((name) => answer.headers.get(name))]
      }
      const passed = await read({ 'if-none-match': '"another"' })
      t.same([passed[0], passed.includes(null)], [200, false])
      for (let n = 0; n < 5; n++) t.same(await read(), passed)
    },
  )
})

t.test('who has gone while it was looked up who it is takes no room', async (t) => {
  const app = httpServer({ logger: openLogger({ logLevel: 'silent' }, {}), behindProxy: false }, 1000)
  t.teardown(() => app.close())
  let asked = Promise.withResolvers<void>()
  let known = Promise.withResolvers<void>()
  const ports = {
    inwardLimits: { callerCallsUnderWayMax: 1 },
    whoIs: async () => {
      asked.resolve()
      await known.promise
      return { name: 'erp', roles: ['reader'] }
    },
    noteAsked: () => {},
    noteAnswered: () => {},
  }
  await app.register(async (guarded) => {
    requireKey(guarded, ports as unknown as Parameters<typeof requireKey>[1])
    guarded.get('/x', { config: { role: 'any' } }, async () => 'ok')
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const headers = { authorization: 'Bearer k' }
  for (let n = 0; n < 3; n++) {
    asked = Promise.withResolvers()
    known = Promise.withResolvers()
    const call = request(`http://127.0.0.1:${port}/x`, { headers })
    call.on('error', () => {})
    call.end()
    await asked.promise
    call.destroy()
    await new Promise((resolve) => setTimeout(resolve, 20))
    known.resolve()
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal((await fetch(`http://127.0.0.1:${port}/x`, { headers })).status, 200)
})

t.test('whoever calls too often, or with bad keys, is told when to come again', async (t) => {
  const ana = await newParty(t.testdir(), 'ana')
  await configure(ana, { inwardLimits: { callerCallsPerSecond: 1, addressFailuresPerMinute: 5 } })
  const node = await openNode({ data: ana.data })
  t.teardown(() => node.close())
  const call = (key: string, method = 'GET') =>
    fetch(`${ana.api}/api/Party`, { method, headers: { authorization: `Bearer ${key}` } })
  const statuses = async (key: string, times: number) => {
    const answers = []
    for (let n = 0; n < times; n++) answers.push((await call(key)).status)
    return answers
  }
  t.same(await statuses('bad', 7), [401, 401, 401, 401, 401, 429, 429])
  t.equal((await call(ana.token)).status, 200, 'bad keys do not stand in the way of good ones')
  t.same(await statuses(ana.token, 10), [...Array(9).fill(200), 429])
  const late = await call(ana.token)
  t.equal(late.status, 429)
  t.match(late.headers.get('retry-after'), /^[12]$/)
  t.match(await late.json(), { code: 'api_rate_limited', retryAfterSeconds: Number })
  await until('it may call again', async () => (await call(ana.token)).status === 200)
  const lines = async () => (await readFile(accessLogPath(ana.data), 'utf8')).trimEnd().split('\n').length
  await until('refusals are written', async () => (await lines()) >= 5)
  t.equal(await lines(), 5, 'and a flood is not')
})

t.test('what does not arrive in time is answered so, and its connection ends', async (t) => {
  const late = async (shorter: object, sent: string) => {
    const app = httpServer({ logger: openLogger({ logLevel: 'silent' }, {}), behindProxy: false }, 1_000)
    app.post('/taken', async () => 'all of it')
    // Node.js gives a minute for the head, five for all of it, and looks every half minute.
    t.match(app.server, { headersTimeout: 60_000, requestTimeout: 300_000 })
    Object.assign(app.server, { connectionsCheckingInterval: 20, ...shorter })
    await app.listen({ host: '127.0.0.1', port: 0 })
    t.teardown(() => app.close())
    const { port } = app.server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    socket.write(sent)
    const { status, code } = answerIn(await text(socket))
    return [status, code]
  }
  t.same(await late({ headersTimeout: 40 }, 'GET /api HTTP/1.1\r\nhost: here\r\n'), [408, 'request_timeout'])
  const body = 'POST /taken HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"a"'
  t.same(await late({ headersTimeout: 40, requestTimeout: 40 }, body), [408, 'request_timeout'])
})
