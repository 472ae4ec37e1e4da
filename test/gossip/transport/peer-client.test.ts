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
import { codePoint } from '../../support/code-point.ts'
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
    self: 'callee',
    isKnown: (certificate) => certificate === caller.fingerprint,
    authenticate: (certificate, name) => (certificate === caller.fingerprint && name === 'caller' ? name : undefined),
    exchange: async (_, body) => body,
    failed: () => {},
    ...options,
  })
  t.teardown(() => receiver.close())
  return receiver
}

function calling(t: Test, endpoint: string, options: Partial<PeerClientOptions> = {}): PeerClient {
  const client = new PeerClient({
    self: 'caller',
    peer: 'callee',
    endpoint,
    certificate: callee.fingerprint,
    tls: caller,
    ...options,
  })
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
function approvals(t: Test, bytes: string | Buffer, hangUp = false): Promise<string> {
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
  const text = fc.string({ unit: codePoint, maxLength: 3000 })
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
  const { endpoint } = await receiving(t, { isKnown: () => false, authenticate: () => undefined })
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
  const stuck = await approvals(
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
    const endpoint = await approvals(t, bytes)
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
    const client = calling(t, await approvals(t, bytes, true))
    await t.rejects(client.exchange('x', soon), PeerUnreachable, name)
  }
})

t.test('a peer that has too much to do says when to call again; that is bounded', async (t) => {
  const cases = [
    { lines: ['HTTP/1.1 429 Too Many Requests', 'retry-after: 3'], status: 429, retryAfterMs: 3000 },
    { lines: ['HTTP/1.1 429 Too Many Requests'], status: 429, retryAfterMs: 1000 },
    { lines: ['HTTP/1.1 503 Service Unavailable', 'retry-after: 999999'], status: 503, retryAfterMs: 60_000 },
    { lines: ['HTTP/1.1 503 Service Unavailable', 'retry-after: -1'], status: 503, retryAfterMs: 1000 },
  ]
  for (const { lines, status, retryAfterMs } of cases) {
    const body = '{"code":"exchange_too_many"}'
    const endpoint = await approvals(t, http(...lines, `content-length: ${body.length}`, '', body))
    const busy = { name: 'PeerBusy', code: 'peer_busy', evidence: { status, retryAfterMs, code: 'exchange_too_many' } }
    await t.rejects(calling(t, endpoint).exchange('x', soon), busy)
    await t.rejects(calling(t, endpoint).announce('{}', soon), busy, 'then it has not been told')
  }
})

t.test('a redirect is not followed', async (t) => {
  const elsewhere = createTcpServer(() => t.fail('the redirect was followed'))
  const target = await listening(t, elsewhere)
  for (const status of [301, 302, 307, 308]) {
    const endpoint = await approvals(
      t,
      http(`HTTP/1.1 ${status} Elsewhere`, `location: ${target}/exchange`, 'content-length: 0', '', ''),
    )
    await t.rejects(calling(t, endpoint).exchange('x', soon), { code: 'peer_refused', evidence: { status } })
  }
})

t.test('an answer that is compressed is not unpacked', async (t) => {
  const head = ['HTTP/1.1 200 OK', 'content-type: application/x-ndjson', 'content-encoding: gzip', 'content-length: 1']
  const endpoint = await approvals(t, http(...head, '', 'x'))
  await t.rejects(calling(t, endpoint).exchange('x', soon), { code: 'peer_malformed' })
})

t.test('a peer that dribbles its answer holds nobody for longer than the time-out', async (t) => {
  const { key, certificate: cert } = callee
  const dribbling = createTlsServer({ key, cert, requestCert: true, rejectUnauthorized: false }, (socket) => {
    const timer = setInterval(() => socket.write('x'), 5)
    socket.on('error', () => {}).on('close', () => clearInterval(timer))
    socket.write(http('HTTP/1.1 200 OK', 'content-type: application/x-ndjson', 'content-length: 999999', '', ''))
  })
  const client = calling(t, await listening(t, dribbling))
  await t.rejects(client.exchange('x', { timeoutMs: 60 }), PeerTimeout)
})

t.test('a head without end is not read to its end', async (t) => {
  const endpoint = await approvals(t, `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}`)
  await t.rejects(calling(t, endpoint).exchange('x', soon), { code: 'peer_malformed' })
})

t.test('a trace goes with an exchange if it is given one, and with nothing else', async (t) => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const heard: unknown[] = []
  const { endpoint } = await receiving(t, {
    exchange: async (_, body, trace) => {
      heard.push(trace)
      return body
    },
  })
  const client = calling(t, endpoint)
  await client.exchange('with', { ...soon, traceparent })
  await client.exchange('without', soon)
  t.same(heard, [traceparent, undefined])
  const head = Promise.withResolvers<string>()
  const { key, certificate: cert } = callee
  const raw = createTlsServer({ key, cert, requestCert: true, rejectUnauthorized: false }, (socket) => {
    socket.on('error', () => {})
    socket.once('data', (bytes) => {
      head.resolve(String(bytes))
      socket.end(http('HTTP/1.1 204 No Content', '', ''))
    })
  })
  await calling(t, await listening(t, raw)).announce('{}', { ...soon, traceparent })
  t.notMatch(await head.promise, /traceparent/i)
})
