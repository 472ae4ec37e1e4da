import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import { type AddressInfo, isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { unreachable } from '../../runtime/assert.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { type Caller, Callers, type CallersPorts } from './authenticated-callers.ts'
import { Admission, TooMuch } from './call-limits.ts'
import { OpenConnections } from './open-connections.ts'
import {
  CALLED_HEADER,
  CALLER_HEADER,
  EXCHANGE_MEDIA_TYPE,
  EXCHANGE_PATH,
  INTRODUCTION_BYTES_MAX,
  INTRODUCTION_PATH,
  type TlsCredentials,
} from './protocol.ts'
import { defaultReceiverLimits, type ReceiverLimits } from './receiver-limits.ts'
import { strangerAt } from './remote-address.ts'
import { readBody } from './request-body.ts'
import { putOff, refuse, respond, turnAway } from './responses.ts'

/** TCP asks after a silent peer after so long. */
const KEEP_ALIVE_MS = 30_000
/** Longest head of a request: those of a node have some 200 bytes. */
const HEAD_BYTES_MAX = 8 * 1024

/** The node cannot listen at its endpoint. Evidence: `endpoint`. */
export class EndpointUnavailable extends ConcordataError {}

export interface ReceiverOptions<Party> extends CallersPorts<Party> {
  /** The name of the party that answers here: its handle. */
  readonly self: string
  /** `https://host:port`. An IP address is listened at alone, a name stands for all addresses of the machine; port 0: any. */
  readonly endpoint: string
  readonly tls: TlsCredentials
  /** The document for anybody who asks who is here; JSON. */
  introduction(): string
  /** Somebody posts an introduction: of whom, and whether it is one, nobody knows yet. Whoever it is learns nothing of it. */
  introduced(text: string): Promise<void>
  /**
   * One exchange: body and answer as in message.ts. `exchange_malformed` is the caller's fault, all else ours. `traceparent`:
   * a header, with whatever stands in it.
   */
  exchange(party: Party, body: string, traceparent: unknown): Promise<string>
  /** A fault of this node, of which the response says nothing. */
  failed(error: unknown): void
  readonly limits?: Partial<ReceiverLimits> | undefined
}

export interface Receiver {
  /** With the port that is listened at. */
  readonly endpoint: string
  /** New connections are shown this certificate; those that stand keep the one they have seen. */
  useCertificate(tls: TlsCredentials): void
  /** Somebody may not be approved any more: their connections end at once. */
  recheck(): void
  /** Takes nothing more in, and resolves when what is under way has been answered, or took too long. */
  close(): Promise<void>
}

/**
 * The only thing of a node that faces outward. Whoever is not approved can read the introduction and post one; to everything
 * else it gets an empty 403, before its body is read, and its connection ends with the answer. Rejects with EndpointUnavailable.
 */
export async function openReceiver<Party>(options: ReceiverOptions<Party>): Promise<Receiver> {
  const limits = { ...defaultReceiverLimits, ...options.limits }
  const server = createServer(serverOptions(options.tls, limits))
  server.maxConnections = limits.allConnectionsMax
  server.timeout = limits.idleTimeoutMs
  const connections = new OpenConnections(server)
  const callers = new Callers(server, limits, options)
  const answer = answerer(options, limits, callers)
  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (error instanceof TooMuch) return putOff(response, error.retryAfterMs, error.code)
      if (isCallersFault(error)) return refuse(response, 400, error.code)
      options.failed(error)
      refuse(response, 500, 'internal')
    })
  })
  const endpoint = await listen(server, new URL(options.endpoint))
  server.on('error', options.failed)
  return {
    endpoint,
    useCertificate: (tls) => server.setSecureContext(secureContext(tls)),
    recheck: () => callers.recheck(),
    close: () => connections.close(limits.closeTimeoutMs),
  }
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Rejects with TooMuch, and whatever `exchange` and `introduced` do. */
function answerer<Party>(options: ReceiverOptions<Party>, limits: ReceiverLimits, callers: Callers<Party>): Answer {
  const admission = new Admission(limits, () => performance.now())

  const introductions = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'GET') return respond(response, 200, 'application/json', options.introduction())
    // Also of strangers: who has a new certificate is not known by it yet.
    const posted = await readBody(request, INTRODUCTION_BYTES_MAX)
    if (posted.kind === 'text') await options.introduced(posted.text)
    else response.setHeader('connection', 'close')
    response.writeHead(204).end()
  }

  const exchange = async (
    { party, name }: Caller<Party>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const done = admission.exchange(name)
    // Not before the answer has been read, or the caller is gone: until then it takes memory.
    response.once('close', done)
    const body = await readBody(request, limits.bodyBytesMax, (bytes) => admission.received(name, bytes))
    switch (body.kind) {
      case 'text':
        return respond(
          response,
          200,
          EXCHANGE_MEDIA_TYPE,
          await options.exchange(party, body.text, request.headers.traceparent),
        )
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

  return async (request, response) => {
    const { method, url, socket, headers } = request
    const isIntroduction = url === INTRODUCTION_PATH && (method === 'GET' || method === 'POST')
    const caller = callers.at(socket as TLSSocket, headers[CALLER_HEADER])
    if (caller === undefined) {
      response.setHeader('connection', 'close')
      const waitMs = admission.stranger(strangerAt(socket.remoteAddress))
      if (waitMs > 0) return putOff(response, waitMs)
      return isIntroduction ? introductions(request, response) : turnAway(response)
    }
    if (isIntroduction) {
      admission.call(caller.name)
      return introductions(request, response)
    }
    if (method !== 'POST' || url !== EXCHANGE_PATH) return refuse(response, 404, 'exchange_malformed')
    // RFC 9110 §15.5.20: another of those who share a certificate was meant.
    if (headers[CALLED_HEADER] !== options.self) return refuse(response, 421, 'exchange_misdirected')
    if (headers['content-type'] !== EXCHANGE_MEDIA_TYPE) return refuse(response, 415, 'exchange_malformed')
    // Nothing is ever unpacked: what is small here must not become large (decision 0082).
    if (isEncoded(headers)) return refuse(response, 415, 'exchange_encoded')
    return exchange(caller, request, response)
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
    // A peer whose machine is gone says nothing any more.
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    maxHeaderSize: HEAD_BYTES_MAX,
  }
}

function secureContext({ key, certificate }: TlsCredentials) {
  // Without tickets no session is resumed: whoever connects proves anew that it has the key of its certificate.
  return { key, cert: certificate, minVersion: 'TLSv1.3' as const, secureOptions: constants.SSL_OP_NO_TICKET }
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

function isEncoded(headers: IncomingMessage['headers']): boolean {
  return headers['content-encoding'] !== undefined || (headers['transfer-encoding'] ?? 'chunked') !== 'chunked'
}

function isCallersFault(error: unknown): error is ConcordataError {
  return error instanceof ConcordataError && error.code === 'exchange_malformed'
}
