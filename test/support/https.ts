import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { TlsCredentials } from '../../src/gossip/transport/protocol.ts'

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface RawRequest {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
  /** Who calls, and whom: left out, the name in the certificate, and `own`. */
  readonly from?: string
  readonly to?: string
  /** Left out, the body ends at once. Several pieces are sent chunked. */
  readonly body?: string | Buffer | readonly Buffer[]
}

/** One HTTPS request by other means than Concordata's own client, which would never send most of what tests send. */
export function ask(
  endpoint: string,
  tls: (TlsCredentials & { readonly commonName?: string }) | undefined,
  raw: RawRequest,
): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>()
  const outgoing = request(
    `${endpoint}${raw.path ?? '/exchange'}`,
    {
      method: raw.method ?? 'POST',
      headers: {
        'concordata-from': raw.from ?? tls?.commonName ?? 'nobody',
        'concordata-to': raw.to ?? 'own',
        ...(raw.headers ?? { 'content-type': 'application/x-ndjson' }),
      },
      agent: false,
      ...tlsOptions(tls),
    },
    (incoming) => {
      let body = ''
      incoming.setEncoding('utf8')
      incoming.on('data', (text: string) => {
        body += text
      })
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }))
      incoming.on('error', reject)
    },
  )
  outgoing.on('error', reject)
  const pieces = raw.body === undefined ? [] : [raw.body].flat()
  for (const piece of pieces.slice(0, -1)) outgoing.write(piece)
  outgoing.end(pieces.at(-1))
  return promise
}

/** A TLS connection on which the test says what it likes. Resolves after the handshake. */
export function openTls(endpoint: string, tls: TlsCredentials): Promise<TLSSocket> {
  const { hostname, port } = new URL(endpoint)
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: hostname, port: Number(port), ...tlsOptions(tls) }, () => resolve(socket))
    socket.on('error', reject)
  })
}

/** A TCP connection that says nothing. */
export function openTcp(endpoint: string): Promise<Socket> {
  const { hostname, port } = new URL(endpoint)
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: hostname, port: Number(port) }, () => resolve(socket))
    socket.on('error', reject)
  })
}

/** All that comes until the other end closes. */
export async function untilClosed(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  await new Promise((resolve) => socket.once('close', resolve))
  return text
}

function tlsOptions(tls: TlsCredentials | undefined) {
  return { rejectUnauthorized: false, ...(tls === undefined ? {} : { key: tls.key, cert: tls.certificate }) }
}
