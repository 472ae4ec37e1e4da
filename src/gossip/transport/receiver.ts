import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import { type AddressInfo, isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Hash } from '../../crypto/hash.ts'
import { unreachable } from '../../runtime/assert.ts'
import { ConcordataError, type ErrorCode } from '../../runtime/errors.ts'
import { OpenConnections } from './open-connections.ts'
import {
  EXCHANGE_BYTES_MAX,
  EXCHANGE_MEDIA_TYPE,
  EXCHANGE_PATH,
  INTRODUCTION_BYTES_MAX,
  INTRODUCTION_PATH,
  presentedFingerprint,
  type TlsCredentials,
} from './protocol.ts'
import { readBody } from './request-body.ts'

/** The node cannot listen at its endpoint. Evidence: `endpoint`. */
export class EndpointUnavailable extends ConcordataError {}

interface ReceiverLimits {
  readonly bodyBytesMax: number
  /** For the TLS handshake, and then for the head of a request. */
  readonly headTimeoutMs: number
  /** For a whole request, until its last byte has come. */
  readonly requestTimeoutMs: number
  /** How long a connection is kept on which nothing moves: no request comes, or an answer is not read. */
  readonly idleTimeoutMs: number
  /** How long closing waits for what is under way. */
  readonly closeTimeoutMs: number
  readonly connectionsMax: number
}

const defaultReceiverLimits: ReceiverLimits = {
  bodyBytesMax: EXCHANGE_BYTES_MAX,
  headTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 120_000,
  closeTimeoutMs: 10_000,
  connectionsMax: 4096,
}

export interface ReceiverOptions<Party> {
  /** `https://host:port`. An IP address is listened at alone, a name stands for all addresses of the machine; port 0: any. */
  readonly endpoint: string
  readonly tls: TlsCredentials
  /** The document for anybody who asks who is here; JSON. */
  introduction(): string
  /** Somebody posts an introduction: of whom, and whether it is one, nobody knows yet. Whoever it is learns nothing of it. */
  introduced(text: string): Promise<void>
  /** Whose certificate it is; undefined for everybody who is not approved. Asked for every request. */
  authenticate(certificate: Hash): Party | undefined
  /** One exchange: body and answer as in message.ts. `exchange_malformed` is the caller's fault, all else ours. */
  exchange(party: Party, body: string): Promise<string>
  /** A fault of ours, that the caller is told nothing about. */
  failed(error: unknown): void
  readonly limits?: Partial<ReceiverLimits>
}

export interface Receiver {
  /** With the port that is listened at. */
  readonly endpoint: string
  /** New connections are shown this certificate; those that stand keep the one they have seen. */
  useCertificate(tls: TlsCredentials): void
  /** Takes nothing more in, and resolves when what is under way has been answered, or took too long. */
  close(): Promise<void>
}

/**
 * The only thing of a node that faces outward. Whoever is not approved can read the introduction; to everything else
 * it gets an empty 403, before its body is read. Rejects with EndpointUnavailable.
 */
export async function openReceiver<Party>(options: ReceiverOptions<Party>): Promise<Receiver> {
  const limits = { ...defaultReceiverLimits, ...options.limits }
  const authenticate = authenticator(options)

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'GET' && request.url === INTRODUCTION_PATH) {
      return respond(response, 200, 'application/json', options.introduction())
    }
    // Also of strangers: who has a new certificate is not known by it yet.
    if (request.method === 'POST' && request.url === INTRODUCTION_PATH) {
      const posted = await readBody(request, INTRODUCTION_BYTES_MAX)
      if (posted.kind === 'text') await options.introduced(posted.text)
      response.writeHead(204, posted.kind === 'text' ? {} : { connection: 'close' }).end()
      return
    }
    const party = authenticate(request.socket as TLSSocket)
    if (party === undefined) return turnAway(response)
    if (request.method !== 'POST' || request.url !== EXCHANGE_PATH) return refuse(response, 404)
    if (request.headers['content-type'] !== EXCHANGE_MEDIA_TYPE) return refuse(response, 415, 'exchange_malformed')
    const body = await readBody(request, limits.bodyBytesMax)
    switch (body.kind) {
      case 'text':
        return respond(response, 200, EXCHANGE_MEDIA_TYPE, await options.exchange(party, body.text))
      case 'tooLarge':
        return refuse(response, 413, 'exchange_too_large')
      case 'notText':
        return refuse(response, 400, 'exchange_malformed')
      case 'broken':
        return
      default:
        return unreachable(body)
    }
  }

  const server = createServer(serverOptions(options.tls, limits), (request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (isCallersFault(error)) return refuse(response, 400, error.code)
      options.failed(error)
      refuse(response, 500, 'internal')
    })
  })
  server.maxConnections = limits.connectionsMax
  server.timeout = limits.idleTimeoutMs
  const connections = new OpenConnections(server)
  const endpoint = await listen(server, new URL(options.endpoint))
  server.on('error', options.failed)
  return {
    endpoint,
    useCertificate: (tls) => server.setSecureContext(secureContext(tls)),
    close: () => connections.close(limits.closeTimeoutMs),
  }
}

function serverOptions(tls: TlsCredentials, limits: ReceiverLimits): ServerOptions {
  return {
    ...secureContext(tls),
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: limits.headTimeoutMs,
    headersTimeout: limits.headTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.ceil(Math.min(limits.headTimeoutMs, limits.requestTimeoutMs) / 4),
    keepAliveTimeout: limits.idleTimeoutMs,
  }
}

function secureContext({ key, certificate }: TlsCredentials) {
  return { key, cert: certificate, minVersion: 'TLSv1.3' as const }
}

/** A connection's certificate stays the same, so it is hashed once; whether it is approved is asked every time. */
function authenticator<Party>({ authenticate }: Pick<ReceiverOptions<Party>, 'authenticate'>) {
  const fingerprints = new WeakMap<TLSSocket, Hash | undefined>()
  return (socket: TLSSocket): Party | undefined => {
    if (!fingerprints.has(socket)) fingerprints.set(socket, presentedFingerprint(socket))
    const fingerprint = fingerprints.get(socket)
    return fingerprint === undefined ? undefined : authenticate(fingerprint)
  }
}

async function listen(server: Server, endpoint: URL): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: Error) => {
      const message = `cannot listen at ${endpoint.origin}: ${cause.message}`
      reject(new EndpointUnavailable('endpoint_unavailable', message, { endpoint: endpoint.origin }, { cause }))
    }
    server.once('error', fail)
    server.listen({ ...listeningHost(endpoint), port: Number(endpoint.port || 443) }, () => {
      server.off('error', fail)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo
  return `https://${endpoint.hostname}:${port}`
}

/** A name may stand for an address in front of this machine; an IP address, and `localhost`, are meant as they stand. */
function listeningHost({ hostname }: URL): { host?: string } {
  const bare = hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) !== 0 || bare === 'localhost' ? { host: bare } : {}
}

function respond(response: ServerResponse, status: number, mediaType: string, text: string): void {
  response.writeHead(status, { 'content-type': mediaType, 'content-length': Buffer.byteLength(text) }).end(text)
}

/** Tells a stranger nothing, not even whether there is something to be had. */
function turnAway(response: ServerResponse): void {
  response.writeHead(403, { connection: 'close', 'content-length': 0 }).end()
}

/** Problem details (RFC 9457) for an approved party. What it still sends is not read: the connection ends. */
function refuse(response: ServerResponse, status: number, code?: ErrorCode): void {
  const text = JSON.stringify({ title: STATUS_CODES[status], status, code })
  response.setHeader('connection', 'close')
  respond(response, status, 'application/problem+json', text)
}

function isCallersFault(error: unknown): error is ConcordataError {
  return error instanceof ConcordataError && error.code === 'exchange_malformed'
}
