import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { Admission } from '../../../src/gossip/transport/call-limits.ts'
import { openReceiver, type Receiver, type ReceiverOptions } from '../../../src/gossip/transport/receiver.ts'
import { defaultReceiverLimits } from '../../../src/gossip/transport/receiver-limits.ts'
import { strangerAt } from '../../../src/gossip/transport/remote-address.ts'
import { RateLimit } from '../../../src/runtime/rate-limit.ts'
import { ask, openTcp, openTls, untilClosed } from '../../support/https.ts'
import { tlsIdentity } from '../../support/tls.ts'

const own = tlsIdentity('own')
const greedy = tlsIdentity('greedy')
const modest = tlsIdentity('modest')
const stranger = tlsIdentity('stranger')
const approved = new Map([
  [greedy.fingerprint, 'greedy'],
  [modest.fingerprint, 'modest'],
])

async function receiving(t: Test, options: Partial<ReceiverOptions<string>> = {}): Promise<Receiver> {
  const receiver = await openReceiver<string>({
    endpoint: 'https://127.0.0.1:0',
    tls: own,
    introduction: () => '{"id":"did:web:own.example"}',
    introduced: async () => {},
    self: 'own',
    isKnown: (certificate) => approved.has(certificate),
    authenticate: (certificate, name) => (approved.get(certificate) === name ? name : undefined),
    exchange: async (party, body) => `${party}: ${body}`,
    failed: (error) => t.fail('the receiver failed', { error }),
    ...options,
  })
  t.teardown(() => receiver.close())
  return receiver
}

const exchangeOf = (body: string, from = 'greedy') =>
  `POST /exchange HTTP/1.1\r\nhost: own\r\nconcordata-from: ${from}\r\nconcordata-to: own\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${body.length}\r\n\r\n${body}`

t.test('a bucket gives its burst at once, then as much as flows in, and a debt is paid first', async (t) => {
  let now = 0
  const limit = new RateLimit<string>({ perSecond: 2, burst: 3 }, () => now)
  for (let i = 0; i < 3; i++) {
    t.equal(limit.waitMs('a'), 0)
    limit.take('a', 1)
  }
  t.equal(limit.waitMs('a'), 500)
  t.equal(limit.waitMs('b'), 0, 'another has a bucket of its own')
  now = 500
  t.equal(limit.waitMs('a'), 0)
  limit.take('a', 10)
  t.equal(limit.waitMs('a'), 5000)
  now = 1_000_000
  limit.take('a', 3)
  t.equal(limit.waitMs('a'), 500, 'and it never holds more than its burst')
})

t.test('no more callers are remembered than a bound, the newest of them', async (t) => {
  const limit = new RateLimit<number>({ perSecond: 1, burst: 1 }, () => 0)
  for (let key = 0; key < 10_001; key++) limit.take(key, 1)
  t.equal(limit.waitMs(10_000), 1000)
  t.equal(limit.waitMs(0), 0)
})

t.test('who counts as one stranger', async (t) => {
  t.equal(strangerAt('192.0.2.7'), '192.0.2.7')
  t.equal(strangerAt('::ffff:192.0.2.7'), '192.0.2.7')
  t.equal(strangerAt('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  t.equal(strangerAt('2001:0db8:1:2::9'), '2001:db8:1:2::/64')
  t.equal(strangerAt('2001:db8::1'), '2001:db8:0:0::/64')
  t.equal(strangerAt('::1'), '0:0:0:0::/64')
  t.equal(strangerAt('fe80::1%eth0'), 'fe80:0:0:0::/64')
  t.equal(strangerAt(undefined), '')
})

t.test('who fills all places leaves every other party one', async (t) => {
  const admission = new Admission({ ...defaultReceiverLimits, partyExchangesMax: 3, allExchangesMax: 2 }, () => 0)
  const first = admission.exchange('greedy')
  admission.exchange('greedy')
  t.throws(() => admission.exchange('greedy'), { code: 'exchange_too_many', evidence: { retryAfterMs: 1000 } })
  const other = admission.exchange('modest')
  t.throws(() => admission.exchange('modest'), { code: 'exchange_too_many' }, 'one, not a second')
  first()
  first()
  t.throws(() => admission.exchange('greedy'), { code: 'exchange_too_many' }, 'an end counts once')
  other()
  admission.exchange('greedy')
})

t.test('a party that calls too often is put off, with a code and a time; another is served', async (t) => {
  const { endpoint } = await receiving(t, { limits: { partyCallsPerSecond: 0.2 } })
  t.equal((await ask(endpoint, greedy, { body: 'x' })).status, 200)
  t.equal((await ask(endpoint, greedy, { body: 'x' })).status, 200)
  const { status, headers, body } = await ask(endpoint, greedy, { body: 'x' })
  t.equal(status, 429)
  t.match(JSON.parse(body), { status: 429, code: 'exchange_rate_limited' })
  t.match(headers['retry-after'], /^[1-5]$/)
  const introduced = await ask(endpoint, greedy, { path: '/.well-known/did.json', body: '{}' })
  t.equal(introduced.status, 429, 'introductions count as well')
  t.equal((await ask(endpoint, modest, { body: 'x' })).status, 200)
})

t.test('a party that sends too much is put off, also if nothing of it is taken in the end', async (t) => {
  const { endpoint } = await receiving(t, { limits: { partyBytesPerSecond: 100, bodyBytesMax: 2000 } })
  const pieces = [Buffer.alloc(1500, 'x'), Buffer.alloc(1500, 'x')]
  t.equal((await ask(endpoint, greedy, { body: pieces })).status, 413)
  const { status, body } = await ask(endpoint, greedy, { body: 'x' })
  t.equal(status, 429)
  t.match(JSON.parse(body), { code: 'exchange_rate_limited' })
  t.equal((await ask(endpoint, modest, { body: Buffer.alloc(1500, 'x') })).status, 200)
})

t.test('exchanges under way are bounded a party; one that gives up frees its place', async (t) => {
  const asked: string[] = []
  const freed = Promise.withResolvers<void>()
  let come = Promise.withResolvers<void>()
  const { endpoint } = await receiving(t, {
    limits: { partyExchangesMax: 1, closeTimeoutMs: 1 },
    exchange: async (party, body) => {
      asked.push(`${party} ${body}`)
      come.resolve()
      if (body === 'stuck') await freed.promise
      return body
    },
  })
  const holding = await openTls(endpoint, greedy)
  holding.write(exchangeOf('stuck'))
  await come.promise
  const refused = await ask(endpoint, greedy, { body: 'x' })
  t.match(
    { status: refused.status, problem: JSON.parse(refused.body) },
    {
      status: 429,
      problem: { code: 'exchange_too_many' },
    },
  )
  t.equal((await ask(endpoint, modest, { body: 'x' })).status, 200)
  const gone = once(holding, 'close')
  holding.destroy()
  await gone
  come = Promise.withResolvers()
  for (let status = 429; status !== 200; ) status = (await ask(endpoint, greedy, { body: 'again' })).status
  t.strictSame(asked, ['greedy stuck', 'modest x', 'greedy again'])
  freed.resolve()
})

t.test('strangers are counted by address, answered alike whatever they ask, and never keep a connection', async (t) => {
  const { endpoint } = await receiving(t, { limits: { strangerCallsPerMinute: 3 } })
  const path = '/.well-known/did.json'
  const read = await ask(endpoint, undefined, { method: 'GET', path, headers: {} })
  t.match({ status: read.status, connection: read.headers.connection }, { status: 200, connection: 'close' })
  t.equal((await ask(endpoint, stranger, { path, body: '{}' })).status, 204)
  t.equal((await ask(endpoint, stranger, { body: 'x' })).status, 403)
  for (const raw of [{ method: 'GET', path, headers: {} }, { path, body: '{}' }, { body: 'x' }, { path: '/' }]) {
    const { status, headers, body } = await ask(endpoint, stranger, raw)
    t.match({ status, body }, { status: 429, body: '' })
    t.strictSame(Object.keys(headers).sort(), ['connection', 'content-length', 'date', 'retry-after'])
  }
  t.equal((await ask(endpoint, modest, { body: 'x' })).status, 200, 'approved parties are not strangers')
})

t.test('what is compressed is refused, and not unpacked', async (t) => {
  const { endpoint } = await receiving(t)
  for (const encoding of ['gzip', 'br', 'identity']) {
    const headers = { 'content-type': 'application/x-ndjson', 'content-encoding': encoding }
    const { status, body } = await ask(endpoint, greedy, { headers, body: 'x' })
    t.match({ status, problem: JSON.parse(body) }, { status: 415, problem: { code: 'exchange_encoded' } })
  }
  const raw = exchangeOf('x').replace('content-length: 1', 'transfer-encoding: gzip, chunked')
  const socket = await openTls(endpoint, greedy)
  socket.write(raw)
  t.match(await untilClosed(socket), /^HTTP\/1\.1 415 .*exchange_encoded/s)
})

t.test('connections are bounded for a party, for an address, and in all', async (t) => {
  t.test('a party', async (t) => {
    const { endpoint } = await receiving(t, { limits: { partyConnectionsMax: 1 } })
    const first = await openTls(endpoint, greedy)
    t.equal(await untilClosed(await openTls(endpoint, greedy)), '')
    t.equal((await ask(endpoint, modest, { body: 'x' })).status, 200)
    first.end(exchangeOf('still'))
    t.match(await untilClosed(first), /greedy: still/)
    t.equal((await ask(endpoint, greedy, { body: 'x' })).status, 200, 'the place is free again')
  })
  t.test('an address', async (t) => {
    const { endpoint } = await receiving(t, { limits: { addressConnectionsMax: 1 } })
    const first = await openTcp(endpoint)
    t.equal(await untilClosed(await openTcp(endpoint)), '')
    first.destroy()
  })
  t.test('all', async (t) => {
    const { endpoint } = await receiving(t, { limits: { allConnectionsMax: 1 } })
    const first = await openTcp(endpoint)
    t.equal(await untilClosed(await openTcp(endpoint)), '')
    first.destroy()
  })
})

t.test('a party that is blocked is cut off at once, in the middle of an exchange too', async (t) => {
  const parties = new Map(approved)
  const asked = Promise.withResolvers<void>()
  const receiver = await receiving(t, {
    limits: { closeTimeoutMs: 1 },
    isKnown: (certificate) => parties.has(certificate),
    authenticate: (certificate, name) => (parties.get(certificate) === name ? name : undefined),
    exchange: async (_, body) => {
      if (body !== 'stuck') return body
      asked.resolve()
      return new Promise(() => {})
    },
  })
  const idle = await openTls(receiver.endpoint, greedy)
  const busy = await openTls(receiver.endpoint, greedy)
  const other = await openTls(receiver.endpoint, modest)
  busy.write(exchangeOf('stuck'))
  await asked.promise
  parties.delete(greedy.fingerprint)
  const closed = [idle, busy].map(untilClosed)
  receiver.recheck()
  t.strictSame(await Promise.all(closed), ['', ''])
  t.equal((await ask(receiver.endpoint, greedy, { body: 'x' })).status, 403)
  other.end(exchangeOf('x', 'modest'))
  t.match(await untilClosed(other), /^HTTP\/1\.1 200 OK/)
})

t.test('no session is resumed: each connection proves its key anew', async (t) => {
  const { endpoint } = await receiving(t)
  const port = Number(new URL(endpoint).port)
  const dial = (session?: Buffer): TLSSocket =>
    connect({ port, host: '127.0.0.1', key: greedy.key, cert: greedy.certificate, rejectUnauthorized: false, session })
  const first = dial()
  const sessions: Buffer[] = []
  first.on('session', (session: Buffer) => sessions.push(session))
  await once(first, 'secureConnect')
  first.write(exchangeOf('x').replace('host: own', 'host: own\r\nconnection: close'))
  await untilClosed(first)
  for (const session of [...sessions, first.getSession()]) {
    const second = dial(session)
    await once(second, 'secureConnect')
    t.equal(second.isSessionReused(), false)
    second.destroy()
  }
})

t.test('a head that does not end is not read for ever', async (t) => {
  const { endpoint } = await receiving(t)
  const socket = await openTls(endpoint, greedy)
  socket.write(`POST /exchange HTTP/1.1\r\nhost: own\r\nx: ${'x'.repeat(9000)}`)
  t.match(await untilClosed(socket), /^HTTP\/1\.1 431 /)
})
