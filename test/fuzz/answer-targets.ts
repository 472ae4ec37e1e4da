import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import { decodeMessage, encodeMessage } from '../../src/gossip/message.ts'
import { PeerClient } from '../../src/gossip/transport/peer-client.ts'
import { EXCHANGE_MEDIA_TYPE, type TlsCredentials } from '../../src/gossip/transport/protocol.ts'
import { didDocument } from '../../src/node/directory/did-document.ts'
import { fetchIntroduction } from '../../src/node/directory/discovery.ts'
import { readFiledIdentity } from '../../src/node/directory/filed-identity.ts'
import { introductionDocument } from '../../src/node/directory/introduction.ts'
import { didWebUrl } from '../../src/node/identity/did-web.ts'
import { AccessTokens } from '../../src/node/oidc/access-tokens.ts'
import { openOtlpTracer } from '../../src/node/tracing/otlp-tracer.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { openEventStoreDbStore } from '../../src/store/eventstoredb/eventstoredb-store.ts'
import { makeUser } from '../../src/store/eventstoredb/users.ts'
import { newAuthority } from '../support/authority.ts'
import { notFound, readEvent } from '../support/eventstoredb-server/messages.ts'
import { OidcIssuer } from '../support/oidc-issuer.ts'
import { testParty } from '../support/party.ts'
import { tlsIdentity } from '../support/tls.ts'
import { partsOf } from './raw.ts'
import type { Target } from './target.ts'

const TIMEOUT_MS = 2_000

/** The bytes of an answer with the parts of a fuzzed text in it: a status line, headers, a body. */
function responseOf(text: string): Buffer {
  const { target, headers, body } = partsOf(text)
  const bytes = Buffer.from(body.toWellFormed())
  // Most say how long they are; the others end with the connection.
  const length = headers.some((line) => /^content-length/i.test(line)) ? [] : [`content-length: ${bytes.length}`]
  return Buffer.concat([Buffer.from(`${[target, ...length, ...headers].join('\r\n')}\r\n\r\n`), bytes])
}

/** Responds to every connection with the same bytes, and hangs up. Without credentials: no TLS. */
class FixedResponses {
  readonly port: Promise<number>
  readonly #server: Server
  bytes: Buffer = Buffer.alloc(0)

  constructor(credentials?: TlsCredentials) {
    const respond = (socket: Socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(this.bytes))
    }
    if (credentials === undefined) this.#server = createTcpServer(respond)
    else {
      const { key, certificate: cert } = credentials
      this.#server = createTlsServer({ key, cert, requestCert: true, rejectUnauthorized: false }, respond)
    }
    this.#server.listen(0, 'localhost')
    this.port = once(this.#server, 'listening').then(() => (this.#server.address() as AddressInfo).port)
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}

const OK = 'HTTP/1.1 200 OK'

function peerTarget(): Target {
  const [own, peer] = [tlsIdentity('honest'), tlsIdentity('hostile')]
  const responses = new FixedResponses(peer)
  const message = encodeMessage(new Map(), [], [])
  return {
    name: 'what a peer answers',
    valid: [
      `${OK}\ncontent-type: ${EXCHANGE_MEDIA_TYPE}\ndate: Sat, 28 Nov 2026 12:00:00 GMT\n\n${message}`,
      'HTTP/1.1 429 Too Many Requests\ncontent-type: application/problem+json\nretry-after: 3\n\n{"code":"exchange_rate_limited","status":429}',
      'HTTP/1.1 403 Forbidden\nconnection: close\n\n',
      `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${OK}\ncontent-type: ${EXCHANGE_MEDIA_TYPE}\n\n${message}`,
    ],
    async decode(text) {
      const endpoint = `https://localhost:${await responses.port}`
      responses.bytes = responseOf(text)
      const client = new PeerClient({
        self: 'honest',
        peer: 'hostile',
        endpoint,
        certificate: peer.fingerprint,
        tls: own,
      })
      try {
        decodeMessage(await client.exchange(message, { timeoutMs: TIMEOUT_MS }))
      } finally {
        await client.close()
      }
      return undefined
    },
    close: () => responses.close(),
  }
}

async function introductionTarget(): Promise<Target> {
  const tls = tlsIdentity('acme-re')
  const responses = new FixedResponses(tls)
  const endpoint = `https://localhost:${await responses.port}`
  const document = introductionDocument(await testParty('acme-re').introduce({ endpoint }, tls))
  return {
    name: 'what an endpoint answers that is looked up',
    valid: [`${OK}\ncontent-type: application/json\n\n${document}`],
    async decode(text) {
      responses.bytes = responseOf(text)
      await fetchIntroduction(endpoint, TIMEOUT_MS)
      return undefined
    },
    close: () => responses.close(),
  }
}

async function filedTarget(): Promise<Target> {
  const authority = newAuthority('An authority of the test')
  const responses = new FixedResponses(authority.issue('localhost'))
  const did = `did:web:localhost%3A${await responses.port}`
  const url = didWebUrl(did) as URL
  const { card } = testParty('acme-re')
  const document = JSON.stringify(didDocument({ ...card, did }, 'https://node.acme.example:7443'))
  return {
    name: 'what is served for a did:web',
    valid: [`${OK}\ncontent-type: application/did+json\n\n${document}`],
    async decode(text) {
      responses.bytes = responseOf(text)
      await readFiledIdentity(did, url, { ca: authority.certificate, timeoutMs: TIMEOUT_MS })
      return undefined
    },
    close: () => responses.close(),
  }
}

async function issuerTarget(): Promise<Target> {
  const dir = mkdtempSync(join(tmpdir(), 'fuzz-issuer-'))
  const issuer = await OidcIssuer.start()
  const token = await issuer.token()
  const settings = {
    issuer: issuer.url,
    audience: 'concordata',
    rolesClaim: ['groups'],
    roleMap: { readers: ['reader' as const] },
  }
  const discovery = JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys` })
  const keys = JSON.stringify({ keys: issuer.keys.map(({ jwk }) => jwk) })
  return {
    name: 'what an issuer answers, to the byte',
    valid: [discovery, keys].map((body) => `${OK}\ncontent-type: application/json\n\n${body}`),
    share: 0.5,
    async decode(text) {
      const path = text.includes('jwks_uri') ? '/.well-known/openid-configuration' : '/keys'
      issuer.instead.set(path, (_, { socket }) => void socket?.end(responseOf(text)))
      const tokens = await AccessTokens.open(dir, settings, { clock: systemClock, failed() {} })
      try {
        await tokens.whoIs(token)
      } finally {
        issuer.instead.delete(path)
        await tokens.close()
      }
      return undefined
    },
    async close() {
      await issuer.goDown()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** The HTTP API of EventStoreDB, asked to make a user: each of the calls has the same response. */
async function usersTarget(): Promise<Target> {
  const responses = new FixedResponses()
  const httpUrl = `http://localhost:${await responses.port}`
  return {
    name: 'what the HTTP API of EventStoreDB answers',
    valid: [
      `${OK}\ncontent-type: application/json\n\n{"data":{"loginName":"serve"}}`,
      'HTTP/1.1 404 Not Found\nconnection: close\n\n',
      'HTTP/1.1 401 Unauthorized\nwww-authenticate: Basic realm="ES"\n\n',
    ],
    share: 0.5,
    async decode(text) {
      responses.bytes = responseOf(text)
      const options = { credentials: { username: 'admin', password: 'drawn' }, httpUrl }
      await makeUser(options, { caFile: undefined, timeoutMs: TIMEOUT_MS }, { username: 'serve', password: 'drawn' })
      return undefined
    },
    close: () => responses.close(),
  }
}

/** A collector of traces: what it does with a span is reported, and ends nothing. */
async function collectorTarget(): Promise<Target> {
  const responses = new FixedResponses()
  const endpoint = `http://localhost:${await responses.port}/v1/traces`
  return {
    name: 'what a collector of traces answers',
    valid: [
      `${OK}\ncontent-type: application/json\n\n{}`,
      `${OK}\ncontent-type: application/json\n\n{"partialSuccess":{"rejectedSpans":1,"errorMessage":"no"}}`,
      'HTTP/1.1 503 Service Unavailable\nretry-after: 100000\n\n',
      'HTTP/1.1 400 Bad Request\ncontent-type: application/x-protobuf\n\n{}',
    ],
    share: 0.02,
    async decode(text) {
      responses.bytes = responseOf(text)
      let hasFailed = false
      const failed = () => {
        hasFailed = true
      }
      const { tracer, close } = openOtlpTracer({ endpoint, sampleRatio: 1, resource: {}, failed })
      tracer.start('test', { kind: 'internal' })?.end()
      await close()
      return hasFailed ? null : undefined
    },
    close: () => responses.close(),
  }
}

const binary = (message: { serializeBinary(): Uint8Array }) => Buffer.from(message.serializeBinary()).toString('latin1')

function readings(): string[] {
  const event = { id: '0f8fad5b-d9cb-469f-a165-70867728950e', stream: 'x', revision: 0, position: 7, type: 'x' }
  const stored = { ...event, contentType: 'application/octet-stream', createdMs: 0, data: Buffer.from('{}') }
  return [binary(readEvent({ ...stored, metadata: Buffer.alloc(0) } as never)), binary(notFound('x'))]
}

function appends(): string[] {
  const success = new streams.AppendResp.Success()
  success.setCurrentRevision('0')
  const response = new streams.AppendResp()
  response.setSuccess(success)
  return [binary(response)]
}

const GOOD = { Read: `0\n\n${readings()[0]}`, Append: `0\n\n${appends()[0]}` }

/**
 * What a server of gRPC answers to that call: the first line of a text is its status, then come headers and, behind an empty line, the
 * message, latin1. Other calls get an answer that is good.
 */
function grpcTarget(call: keyof typeof GOOD, messages: readonly string[]): Target {
  let text = ''
  const server = createHttp2()
  server.on('stream', (stream: ServerHttp2Stream, { ':path': path = '' }) => {
    const asked = path.endsWith('/Read') ? 'Read' : 'Append'
    stream.on('error', () => {})
    // Not before the request is whole: else the client may still be writing it.
    stream.resume().once('end', () => respond(stream, asked === call ? text : GOOD[asked]))
  })
  server.listen(0, '127.0.0.1')
  const listening = once(server, 'listening')
  return {
    name: `what EventStoreDB answers to ${call}`,
    valid: [
      ...messages.map((message) => `0\n\n${message}`),
      '16\ngrpc-message: unauthenticated\n\n',
      '9\ngrpc-message: wrong\nexception: wrong-expected-version\nactual-version: 3\n\n',
      '5\ngrpc-message: not leader\nexception: not-leader\nleader-endpoint-host: 127.0.0.1\nleader-endpoint-port: 1\n\n',
    ],
    share: 0.1,
    async decode(said) {
      await listening
      text = said
      const { port } = server.address() as AddressInfo
      const url = `esdb://127.0.0.1:${port}?tls=false`
      const store = await openEventStoreDbStore({ url, timeoutMs: 300, reportFault: () => {} })
      try {
        await store.events.lastRevision('x')
        for await (const _ of store.events.read('x')) break
        await store.events.append('x', 'any', [{ type: 'x', data: '{}' }])
      } finally {
        await store.close()
      }
      return undefined
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function respond(stream: ServerHttp2Stream, text: string): void {
  const { target, headers, body } = partsOf(text)
  const message = Buffer.from(body, 'latin1')
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  const trailers = { 'grpc-status': target.replace(/[^\x20-\x7e]/g, ''), ...fieldsIn(headers) }
  try {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers(trailers))
    const isFramed = /^\d{1,2}$/.test(target)
    stream.end(message.length === 0 ? undefined : isFramed ? Buffer.concat([prefix, message]) : message)
  } catch {
    stream.close()
  }
}

function fieldsIn(lines: readonly string[]): Record<string, string> {
  const fields = lines.map((line) => line.replace(/[^\x20-\x7e]/g, '').split(': ', 2))
  return Object.fromEntries(
    fields.filter(([name = '']) => /^[a-z-]+$/.test(name)).map(([name, value = '']) => [name, value]),
  )
}

/** What is answered where this node has called. */
export async function answerTargets(): Promise<Target[]> {
  return [
    peerTarget(),
    await introductionTarget(),
    await filedTarget(),
    await issuerTarget(),
    await usersTarget(),
    await collectorTarget(),
    grpcTarget('Read', readings()),
    grpcTarget('Append', appends()),
  ]
}
