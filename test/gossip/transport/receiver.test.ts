import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { sha256 } from '../../../src/crypto/hash.ts'
import { ExchangeMalformed } from '../../../src/gossip/message.ts'
import {
  EndpointUnavailable,
  openReceiver,
  type Receiver,
  type ReceiverOptions,
} from '../../../src/gossip/transport/receiver.ts'
import { ask, openTcp, openTls, untilClosed } from '../../support/https.ts'
import { tlsIdentity } from '../../support/tls.ts'

const own = tlsIdentity('own')
const friend = tlsIdentity('friend')
const stranger = tlsIdentity('stranger')

/** A Receiver that knows `friend` and gives every body back. */
async function receiving(t: Test, options: Partial<ReceiverOptions<string>> = {}): Promise<Receiver> {
  const receiver = await openReceiver<string>({
    endpoint: 'https://127.0.0.1:0',
    tls: own,
    introduction: () => '{"id":"did:web:own.example"}',
    introduced: async () => {},
    self: 'own',
    isKnown: (certificate) => certificate === friend.fingerprint,
    authenticate: (certificate, name) => (certificate === friend.fingerprint && name === 'friend' ? name : undefined),
    exchange: async (party, body) => `${party}: ${body}`,
    failed: (error) => t.fail('the receiver failed', { error }),
    ...options,
  })
  t.teardown(() => receiver.close())
  return receiver
}

/** The bytes of an exchange; `body` is ASCII. */
const exchangeOf = (body: string) =>
  `POST /exchange HTTP/1.1\r\nhost: own\r\nconcordata-from: friend\r\nconcordata-to: own\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${body.length}\r\n\r\n${body}`

const problemOf = (body: string) => JSON.parse(body) as unknown

t.test('an approved party exchanges', async (t) => {
  const { endpoint } = await receiving(t)
  const answer = await ask(endpoint, friend, { body: 'Zürich' })
  t.equal(answer.status, 200)
  t.equal(answer.headers['content-type'], 'application/x-ndjson')
  t.equal(answer.body, 'friend: Zürich')
})

t.test('a stranger gets an empty 403, whatever it asks, and only approved parties reach the exchange', async (t) => {
  const { endpoint } = await receiving(t, { exchange: async () => t.fail('a stranger has exchanged') as never })
  for (const tls of [stranger, undefined]) {
    for (const path of ['/exchange', '/', '/.well-known/did.json?x', '/nothing']) {
      const { status, headers, body } = await ask(endpoint, tls, { path, body: 'anything' })
      t.match({ status, body }, { status: 403, body: '' })
      t.strictSame(Object.keys(headers).sort(), ['connection', 'content-length', 'date'])
    }
  }
})

t.test('a stranger is turned away before its body has come', async (t) => {
  const { endpoint } = await receiving(t)
  const socket = await openTls(endpoint, stranger)
  socket.write('POST /exchange HTTP/1.1\r\nhost: own\r\ncontent-length: 1000000\r\n\r\nonly this')
  t.match(await untilClosed(socket), /^HTTP\/1\.1 403 Forbidden\r\n/)
})

t.test('anybody can read the introduction', async (t) => {
  const { endpoint } = await receiving(t)
  for (const tls of [friend, stranger, undefined]) {
    const answer = await ask(endpoint, tls, { method: 'GET', path: '/.well-known/did.json', headers: {} })
    t.equal(answer.status, 200)
    t.equal(answer.headers['content-type'], 'application/json')
    t.equal(answer.body, '{"id":"did:web:own.example"}')
  }
})

t.test('whether a party is approved is asked for every request, on a kept connection too', async (t) => {
  let isApproved = true
  const { endpoint } = await receiving(t, { authenticate: () => (isApproved ? 'friend' : undefined) })
  const socket = await openTls(endpoint, friend)
  socket.write(exchangeOf('hi'))
  const first = await new Promise((resolve) => socket.once('data', resolve))
  t.match(String(first), /^HTTP\/1\.1 200 OK\r\n.*\r\nKeep-Alive: timeout=120\r\n/s)
  isApproved = false
  socket.write(exchangeOf('hi'))
  t.match(await untilClosed(socket), /^HTTP\/1\.1 403 Forbidden\r\n/)
})

t.test('what an approved party gets wrong', async (t) => {
  const { endpoint } = await receiving(t, {
    limits: { bodyBytesMax: 1000 },
    exchange: async (_, body) => {
      if (body === 'malformed')
        throw new ExchangeMalformed('exchange_malformed', 'the first line is no exchange header')
      return body
    },
  })
  const half = Buffer.alloc(501, 'x')
  const cases = [
    { name: 'another path', raw: { path: '/new-api' }, status: 404, code: 'exchange_malformed' },
    { name: 'another method', raw: { method: 'PUT' }, status: 404, code: 'exchange_malformed' },
    {
      name: 'another media type',
      raw: { headers: { 'content-type': 'text/plain' } },
      status: 415,
      code: 'exchange_malformed',
    },
    {
      name: 'a body announced as too large',
      raw: { body: Buffer.alloc(1001, 'x') },
      status: 413,
      code: 'exchange_too_large',
    },
    { name: 'a body that grows too large', raw: { body: [half, half] }, status: 413, code: 'exchange_too_large' },
    { name: 'bytes that are not UTF-8', raw: { body: Buffer.of(0x7b, 0xff) }, status: 400, code: 'exchange_malformed' },
    { name: 'a body that is no message', raw: { body: 'malformed' }, status: 400, code: 'exchange_malformed' },
  ]
  for (const { name, raw, status, code } of cases) {
    const answer = await ask(endpoint, friend, raw)
    t.equal(answer.status, status, name)
    t.equal(answer.headers['content-type'], 'application/problem+json', name)
    t.match(problemOf(answer.body), { status, code }, name)
  }
  t.equal((await ask(endpoint, friend, { body: Buffer.alloc(1000, 'x') })).status, 200, 'the longest body is taken')
})

t.test('of a fault of ours the caller learns nothing', async (t) => {
  const faults: unknown[] = []
  const { endpoint } = await receiving(t, {
    exchange: async () => {
      throw new Error('disk /var/lib/secret is full')
    },
    failed: (error) => faults.push(error),
  })
  const answer = await ask(endpoint, friend, { body: 'x' })
  t.equal(answer.status, 500)
  t.strictSame(problemOf(answer.body), { title: 'Internal Server Error', status: 500, code: 'internal' })
  t.match(faults, [{ message: 'disk /var/lib/secret is full' }])
})

t.test('a body announced as too large is not waited for', async (t) => {
  const { endpoint } = await receiving(t)
  const socket = await openTls(endpoint, friend)
  socket.write(exchangeOf('hi').replace('content-length: 2', 'content-length: 999999999'))
  t.match(await untilClosed(socket), /^HTTP\/1\.1 413 /)
})

t.test('who is slow is let go', async (t) => {
  const short = 100
  const long = 60_000
  t.test('in the TLS handshake', async (t) => {
    const { endpoint } = await receiving(t, { limits: { headTimeoutMs: short, requestTimeoutMs: long } })
    t.equal(await untilClosed(await openTcp(endpoint)), '')
  })
  t.test('in the head of a request', async (t) => {
    const { endpoint } = await receiving(t, { limits: { headTimeoutMs: short, requestTimeoutMs: long } })
    const silent = await openTls(endpoint, friend)
    t.match(await untilClosed(silent), /^HTTP\/1\.1 408 /)
    const dawdling = await openTls(endpoint, friend)
    dawdling.write('POST /exchange HTTP/1.1\r\nhost: own\r\n')
    t.match(await untilClosed(dawdling), /^HTTP\/1\.1 408 /)
  })
  t.test('in its body', async (t) => {
    const exchange = async () => t.fail('half a body was taken') as never
    const limits = { headTimeoutMs: short, requestTimeoutMs: 2 * short }
    const { endpoint } = await receiving(t, { limits, exchange })
    const socket = await openTls(endpoint, friend)
    socket.write(exchangeOf('a whole body').slice(0, -1))
    t.match(await untilClosed(socket), /^HTTP\/1\.1 408 /)
  })
  t.test('between two requests', async (t) => {
    const { endpoint } = await receiving(t, { limits: { idleTimeoutMs: short } })
    const socket = await openTls(endpoint, friend)
    socket.write(exchangeOf('hi'))
    t.match(await untilClosed(socket), /^HTTP\/1\.1 200 OK\r\n.*friend: hi$/s)
  })
})

t.test('what is not HTTP is answered with 400 and nothing more', async (t) => {
  const { endpoint } = await receiving(t)
  const socket = await openTls(endpoint, friend)
  socket.write('EHLO own\r\n\r\n')
  t.equal(await untilClosed(socket), 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
})

t.test('no TLS below 1.3', async (t) => {
  const { endpoint } = await receiving(t)
  const port = Number(new URL(endpoint).port)
  const socket = connect({ port, host: '127.0.0.1', maxVersion: 'TLSv1.2', rejectUnauthorized: false })
  const error = await new Promise<{ code?: string }>((resolve) => socket.once('error', resolve))
  t.equal(error.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
})

t.test('closing waits for the exchange under way, not for those who say nothing', async (t) => {
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<string>()
  const receiver = await receiving(t, {
    exchange: () => {
      asked.resolve()
      return answer.promise
    },
  })
  const silent = [await openTcp(receiver.endpoint), await openTls(receiver.endpoint, stranger)].map(untilClosed)
  const caller = await openTls(receiver.endpoint, friend)
  caller.write(exchangeOf('hi'))
  const underWay = untilClosed(caller)
  await asked.promise
  let isClosed = false
  const closing = receiver.close().then(() => {
    isClosed = true
  })
  await t.rejects(openTcp(receiver.endpoint), { code: 'ECONNREFUSED' })
  t.equal(isClosed, false)
  answer.resolve('done')
  t.match(await underWay, /^HTTP\/1\.1 200 OK\r\nconnection: close\r\n.*done$/s)
  await closing
  await Promise.all(silent)
})

t.test('closing does not wait for ever', async (t) => {
  const asked = Promise.withResolvers<void>()
  const receiver = await receiving(t, {
    limits: { closeTimeoutMs: 50 },
    exchange: () => {
      asked.resolve()
      return new Promise(() => {})
    },
  })
  const caller = await openTls(receiver.endpoint, friend)
  caller.write(exchangeOf('hi'))
  await asked.promise
  await receiver.close()
  t.equal(await untilClosed(caller), '')
})

t.test('an endpoint that is taken', async (t) => {
  const { endpoint } = await receiving(t)
  await t.rejects(receiving(t, { endpoint }), EndpointUnavailable)
  await t.rejects(receiving(t, { endpoint }), {
    code: 'endpoint_unavailable',
    message: `cannot listen at ${endpoint}: listen EADDRINUSE: address already in use ${new URL(endpoint).host}`,
    evidence: { endpoint },
  })
})

t.test('anybody can post an introduction, and nobody is told what became of it', async (t) => {
  const posted: string[] = []
  const { endpoint } = await receiving(t, { introduced: async (text) => void posted.push(text) })
  const path = '/.well-known/did.json'
  for (const tls of [friend, stranger, undefined]) {
    for (const body of ['{"id":"did:web:friend.example"}', 'nonsense']) {
      const answer = await ask(endpoint, tls, { path, body })
      t.match({ status: answer.status, body: answer.body }, { status: 204, body: '' })
    }
  }
  t.equal(posted.length, 6)
  const { status, headers } = await ask(endpoint, stranger, { path, body: 'x'.repeat(64 * 1024 + 1) })
  t.match({ status, connection: headers.connection }, { status: 204, connection: 'close' })
  t.equal((await ask(endpoint, stranger, { path, body: Buffer.from([0xff]) })).status, 204)
  t.equal(posted.length, 6, 'what is too long, or no text, nobody gets to see')
})

t.test('a new certificate is shown to new connections, and the old ones stand', async (t) => {
  const renewed = tlsIdentity('own')
  const receiver = await receiving(t)
  const shownBy = async () => {
    const socket = await openTls(receiver.endpoint, friend)
    return { socket, fingerprint: sha256(socket.getPeerX509Certificate()?.raw ?? Buffer.alloc(0)) }
  }
  const old = await shownBy()
  t.equal(old.fingerprint, own.fingerprint)
  receiver.useCertificate(renewed)
  const fresh = await shownBy()
  t.equal(fresh.fingerprint, renewed.fingerprint)
  fresh.socket.destroy()
  old.socket.end(exchangeOf('still here'))
  t.match(await untilClosed(old.socket), /friend: still here/)
})
