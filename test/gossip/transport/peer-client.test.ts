import { once } from 'node:events'
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { ExchangeMalformed } from '../../../src/gossip/message.ts'
import { PeerClient, type PeerClientOptions } from '../../../src/gossip/transport/peer-client.ts'
import {
  PeerMalformed,
  PeerRefused,
  PeerTimeout,
  PeerUnreachable,
  PeerWrongCertificate,
} from '../../../src/gossip/transport/peer-errors.ts'
import { EXCHANGE_BYTES_MAX } from '../../../src/gossip/transport/protocol.ts'
import { openReceiver, type Receiver, type ReceiverOptions } from '../../../src/gossip/transport/receiver.ts'
import { tlsIdentity } from '../../support/tls.ts'

const callee = tlsIdentity('callee')
const caller = tlsIdentity('caller')
const soon = { timeoutMs: 5000 }

async function receiving(t: Test, options: Partial<ReceiverOptions<string>> = {}): Promise<Receiver> {
  const receiver = await openReceiver<string>({
    endpoint: 'https://127.0.0.1:0',
    tls: callee,
    introduction: () => '{}',
    introduced: async () => {},
    authenticate: (certificate) => (certificate === caller.fingerprint ? 'caller' : undefined),
    nameOf: String,
    exchange: async (_, body) => body,
    failed: () => {},
    ...options,
  })
  t.teardown(() => receiver.close())
  return receiver
}

function calling(t: Test, endpoint: string, options: Partial<PeerClientOptions> = {}): PeerClient {
  const client = new PeerClient({ endpoint, certificate: callee.fingerprint, tls: caller, ...options })
  t.teardown(() => client.close())
  return client
}

/** Listens on loopback until the test is over. */
async function listening(t: Test, server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A peer with the right certificate that answers every request with these very bytes, and hangs up if told so. */
function answering(t: Test, bytes: string | Buffer, hangUp = false): Promise<string> {
  const { key, certificate: cert } = callee
  const server = createTlsServer({ key, cert, requestCert: true, rejectUnauthorized: false }, (socket) => {
    socket.on('error', () => {})
    socket.once('data', () => (hangUp ? socket.end(bytes) : socket.write(bytes)))
  })
  return listening(t, server)
}

const http = (...lines: string[]) => lines.join('\r\n')

t.test('any text comes over and back as it was', async (t) => {
  const { endpoint } = await receiving(t)
  const client = calling(t, endpoint)
  const text = fc.string({ unit: 'binary', maxLength: 3000 })
  await fc.assert(
    fc.asyncProperty(text, async (body) => (await client.exchange(body, soon)) === body),
    { numRuns: 50 },
  )
})

t.test('the longest body comes over, one byte more is refused', async (t) => {
  const { endpoint } = await receiving(t, { exchange: async (_, body) => String(body.length) })
  const client = calling(t, endpoint)
  t.equal(await client.exchange('x'.repeat(EXCHANGE_BYTES_MAX), soon), String(EXCHANGE_BYTES_MAX))
  await t.rejects(client.exchange('x'.repeat(EXCHANGE_BYTES_MAX + 1), soon), {
    code: 'peer_refused',
    evidence: { endpoint, status: 413, code: 'exchange_too_large' },
  })
  t.equal(await client.exchange('still', soon), '5')
})

t.test('exchanges share connections, as many as allowed', async (t) => {
  const { endpoint } = await receiving(t)
  let connections = 0
  const proxy = createTcpServer((near) => {
    connections++
    const far = connect(Number(new URL(endpoint).port), '127.0.0.1')
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
  })
  const address = await listening(t, proxy)
  for (const connectionsMax of [1, 2]) {
    connections = 0
    const client = calling(t, address, { connectionsMax })
    for (const body of ['a', 'b', 'c', 'd']) t.equal(await client.exchange(body, soon), body)
    const bodies = ['e', 'f', 'g', 'h']
    t.strictSame(await Promise.all(bodies.map((body) => client.exchange(body, soon))), bodies)
    t.equal(connections, connectionsMax)
  }
})

t.test('a certificate other than the pinned one gets to see nothing', async (t) => {
  const { endpoint } = await receiving(t, {
    authenticate: () => t.fail('the impostor was asked something') as never,
  })
  const expected = tlsIdentity('callee').fingerprint
  const client = calling(t, endpoint, { certificate: expected })
  await t.rejects(client.exchange('secret', soon), PeerWrongCertificate)
  await t.rejects(client.exchange('secret', soon), {
    code: 'peer_wrong_certificate',
    message: `${endpoint} does not have the certificate that is pinned to its party`,
    evidence: { endpoint, expected, presented: callee.fingerprint },
  })
})

t.test('a peer that does not know us refuses', async (t) => {
  const { endpoint } = await receiving(t, { authenticate: () => undefined })
  const client = calling(t, endpoint)
  await t.rejects(client.exchange('x', soon), PeerRefused)
  await t.rejects(client.exchange('x', soon), {
    code: 'peer_refused',
    message: `${endpoint} refused the exchange with status 403`,
    evidence: { endpoint, status: 403 },
  })
})

t.test('what the peer says about a refusal is handed on', async (t) => {
  const { endpoint } = await receiving(t, {
    exchange: async () => {
      throw new ExchangeMalformed('exchange_malformed', 'a line is not JSON')
    },
  })
  await t.rejects(calling(t, endpoint).exchange('x', soon), {
    message: `${endpoint} refused the exchange with status 400 (exchange_malformed)`,
    evidence: { status: 400, code: 'exchange_malformed' },
  })
})

t.test('nobody listens', async (t) => {
  const receiver = await receiving(t)
  await receiver.close()
  const client = calling(t, receiver.endpoint)
  await t.rejects(client.exchange('x', soon), PeerUnreachable)
  await t.rejects(client.exchange('x', soon), {
    code: 'peer_unreachable',
    evidence: { endpoint: receiver.endpoint },
    cause: { code: 'ECONNREFUSED' },
  })
})

t.test('a name that does not exist', async (t) => {
  const client = calling(t, 'https://nobody.invalid:7443')
  await t.rejects(client.exchange('x', soon), { code: 'peer_unreachable' })
})

t.test('a peer that was restarted is reached again', async (t) => {
  const first = await receiving(t, { exchange: async () => 'first' })
  const client = calling(t, first.endpoint)
  t.equal(await client.exchange('x', soon), 'first')
  await first.close()
  await t.rejects(client.exchange('x', soon), PeerUnreachable)
  await receiving(t, { endpoint: first.endpoint, exchange: async () => 'second' })
  t.equal(await client.exchange('x', soon), 'second')
})

t.test('a peer that is too slow', async (t) => {
  const silentServer = await listening(
    t,
    createTcpServer(() => {}),
  )
  const { endpoint: thinking } = await receiving(t, {
    exchange: () => new Promise(() => {}),
    limits: { closeTimeoutMs: 1 },
  })
  const stuck = await answering(
    t,
    http('HTTP/1.1 200 OK', 'content-type: application/x-ndjson', 'content-length: 9', '', 'half'),
  )
  for (const endpoint of [silentServer, thinking, stuck]) {
    const client = calling(t, endpoint)
    await t.rejects(client.exchange('x', { timeoutMs: 50 }), PeerTimeout)
    await t.rejects(client.exchange('x', { timeoutMs: 50 }), {
      code: 'peer_timeout',
      message: `${endpoint} did not answer within 50 ms`,
      evidence: { endpoint, timeoutMs: 50 },
    })
  }
})

t.test('a call that is given up', async (t) => {
  const asked = Promise.withResolvers<void>()
  const { endpoint } = await receiving(t, {
    exchange: () => {
      asked.resolve()
      return new Promise(() => {})
    },
    limits: { closeTimeoutMs: 1 },
  })
  const client = calling(t, endpoint)
  const before = new AbortController()
  before.abort(new Error('before'))
  await t.rejects(client.exchange('x', { ...soon, signal: before.signal }), { message: 'before' })
  const during = new AbortController()
  const call = client.exchange('x', { ...soon, signal: during.signal })
  await asked.promise
  during.abort(new Error('during'))
  await t.rejects(call, { message: 'during' })
})

t.test('closing ends what is under way', async (t) => {
  const asked = Promise.withResolvers<void>()
  const { endpoint } = await receiving(t, {
    exchange: () => {
      asked.resolve()
      return new Promise(() => {})
    },
    limits: { closeTimeoutMs: 1 },
  })
  const client = calling(t, endpoint)
  const call = client.exchange('x', soon)
  await asked.promise
  const closing = client.close()
  await t.rejects(call, PeerUnreachable)
  await closing
  await t.rejects(client.exchange('x', soon), PeerUnreachable)
})

t.test('answers that are not what was agreed', async (t) => {
  const ok = ['HTTP/1.1 200 OK', 'content-type: application/x-ndjson']
  const cases = [
    { name: 'not HTTP', bytes: 'SSH-2.0-OpenSSH_9.6\r\n\r\n' },
    {
      name: 'another media type',
      bytes: http('HTTP/1.1 200 OK', 'content-type: text/html', 'content-length: 2', '', 'hi'),
    },
    { name: 'no media type', bytes: http('HTTP/1.1 200 OK', 'content-length: 2', '', 'hi') },
    {
      name: 'not UTF-8',
      bytes: Buffer.concat([Buffer.from(http(...ok, 'content-length: 2', '', '')), Buffer.of(0xc3, 0x28)]),
    },
    {
      name: 'too long',
      bytes: http(...ok, `content-length: ${EXCHANGE_BYTES_MAX + 1}`, '', 'x'.repeat(EXCHANGE_BYTES_MAX + 1)),
    },
    { name: 'two lengths', bytes: http(...ok, 'content-length: 2', 'content-length: 3', '', 'hi') },
    { name: 'no hexadecimal chunk', bytes: http(...ok, 'transfer-encoding: chunked', '', 'hello', '') },
  ]
  for (const { name, bytes } of cases) {
    const endpoint = await answering(t, bytes)
    const client = calling(t, endpoint)
    await t.rejects(client.exchange('x', soon), PeerMalformed, name)
    await t.rejects(client.exchange('x', soon), { code: 'peer_malformed', evidence: { endpoint } }, name)
  }
})

t.test('a peer that hangs up', async (t) => {
  const ok = ['HTTP/1.1 200 OK', 'content-type: application/x-ndjson']
  const cases = [
    { name: 'before the answer', bytes: '' },
    { name: 'in its head', bytes: 'HTTP/1.1 20' },
    { name: 'in its body', bytes: http(...ok, 'content-length: 9', '', 'half') },
    { name: 'between chunks', bytes: http(...ok, 'transfer-encoding: chunked', '', '4', 'half', '') },
  ]
  for (const { name, bytes } of cases) {
    const client = calling(t, await answering(t, bytes, true))
    await t.rejects(client.exchange('x', soon), PeerUnreachable, name)
  }
})
