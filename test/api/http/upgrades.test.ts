import { Agent, createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { handBack } from '../../../src/api/http/upgrades.ts'
import { openNode } from '../../../src/index.ts'
import { newParty } from '../../support/node-party.ts'
import { sendRaw } from '../../support/raw-http.ts'

process.env.CONCORDATA_LOG_LEVEL = 'silent'
t.setTimeout(120_000)

const H2C = {
  connection: 'close, Upgrade, HTTP2-Settings',
  upgrade: 'h2c',
  'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA',
}
const WEBSOCKET = {
  connection: 'close, Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

async function given(t: Test) {
  const ana = await newParty(t.testdir(), 'ana')
  const node = await openNode({ data: ana.data })
  t.teardown(() => node.close())
  const { uid } = await node.open('upgrades')
  const send = (line: string, headers: Record<string, string> = {}, body = '') =>
    sendRaw(ana.api, line, { authorization: `Bearer ${ana.token}`, ...headers }, body)
  const root = `/new-api/${uid}`
  await ana.call('POST', root, { Text: 'as it was' })
  return { ana, root, send }
}

/** What a client reads of it that keeps its connection. */
function ask(url: URL, agent: Agent, method: string, headers: Record<string, string>, body = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, method, headers: { ...headers, 'content-length': Buffer.byteLength(body) } })
    outgoing.on('response', (answer: IncomingMessage) => resolve(text(answer)))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

t.test('an upgrade that there is not is passed over, with body and all', async (t) => {
  const { ana, root, send } = await given(t)
  const value = { 'content-type': 'text/plain' }
  t.match(await send(`PUT ${root}/Text`, { ...H2C, ...value }, 'by Java'), { status: 200 })
  t.match(await send(`GET ${root}/Text`, H2C), { status: 200, text: 'by Java' })
  t.match(await send(`GET ${root}/Text`, { ...H2C, authorization: 'Bearer nobody' }), { code: 'not_authorized' })
  t.match(await send(`GET ${root}/Text?token=${ana.token}`, { ...H2C, authorization: '' }), { code: 'not_authorized' })
  t.match(await send('GET /health', H2C), { status: 200 })
  t.match(await send('GET /elsewhere', H2C), { code: 'no_such_route' })
  t.match(await send(`GET ${root}/Text`, { ...H2C, upgrade: 'TLS/1.3, h2c' }), { status: 200 })
  t.match(await send(`GET ${root}/Text`, WEBSOCKET), { status: 200, text: 'by Java' }, 'there is a WebSocket elsewhere')
  t.match(await send(`PUT ${root}/Text`, { ...WEBSOCKET, ...value }, 'more'), { status: 200 })
  t.match(await send('POST /live', WEBSOCKET), { code: 'method_not_allowed' })
  t.match(await send('GET /live', H2C), { code: 'upgrade_required' })

  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const headers = { ...H2C, ...value, connection: 'Upgrade, HTTP2-Settings', authorization: `Bearer ${ana.token}` }
  const url = new URL(`${root}/Text`, ana.api)
  for (const round of ['one', 'two']) {
    await ask(url, agent, 'PUT', headers, round)
    t.equal(await ask(url, agent, 'GET', headers), round)
  }
})

t.test('what is no WebSocket handshake, or for proxies, or for nobody, is refused by a problem document', async (t) => {
  const { send } = await given(t)
  const cases: [string, Record<string, string>, number, string][] = [
    ['GET /live', { ...WEBSOCKET, 'sec-websocket-key': 'short' }, 400, 'request_malformed'],
    ['GET /live', { ...WEBSOCKET, 'sec-websocket-version': '7' }, 400, 'request_malformed'],
    ['GET /live', { ...WEBSOCKET, 'sec-websocket-protocol': ',' }, 400, 'request_malformed'],
    ['GET /live', { ...WEBSOCKET, authorization: 'Bearer nobody' }, 401, 'not_authorized'],
    ['CONNECT acme.example:443', {}, 400, 'request_malformed'],
  ]
  for (const [line, headers, status, code] of cases)
    t.match(await send(line, headers), { status, code }, JSON.stringify(headers))
})

t.test('a request that an older Node.js has stopped to read is read again without its upgrade', async (t) => {
  const seen: unknown[] = []
  const server = createServer(async (incoming, answer) => {
    seen.push([incoming.method, incoming.url, incoming.headers, await text(incoming)])
    answer.end('answered')
  })
  server.on('upgrade', (incoming, socket, head) => handBack(server, incoming, socket, head))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const url = new URL(`http://127.0.0.1:${port}/a?b`)
  for (let round = 0; round < 3; round++) {
    t.equal(await ask(url, agent, 'GET', { ...H2C, connection: 'Upgrade, HTTP2-Settings', accept: 'x' }), 'answered')
  }
  const headers = { host: `127.0.0.1:${port}`, accept: 'x', connection: 'keep-alive', 'content-length': '0' }
  t.strictSame(
    seen,
    [0, 1, 2].map(() => ['GET', '/a?b', headers, '']),
  )
})
