import { X509Certificate } from 'node:crypto'
import * as tls from 'node:tls'
import { buildConnector, Client } from 'undici'
import { type CallOptions, call } from '../../gossip/transport/peer-call.ts'
import { INTRODUCTION_BYTES_MAX } from '../../gossip/transport/protocol.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { type FiledParty, readDidDocument } from './did-document.ts'
import type { Introduction } from './introduction.ts'

/** The DID document cannot be had. Evidence: `did`, `url`, and `status` (HTTP) or `reason` (a code). */
export class DidUnavailable extends ConcordataError {}

/** No authority that is trusted here vouches for the server as that of the domain. Evidence: `did`, `url`, `reason` (OpenSSL's). */
export class DidUntrusted extends ConcordataError {}

/** The node says another DID, other keys or another endpoint than are filed. Evidence: `did`, `endpoint`, `claim`. */
export class DidMismatch extends ConcordataError {}

/** Who says that the server which was asked is that of the domain. */
export interface Vouching {
  /** With its port, unless that is 443. */
  readonly domain: string
  /** Of whom its certificate is, and under whose root that stands: distinguished names, in one line each. */
  readonly issuer: string
  readonly root: string
  /** RFC 3339, UTC. */
  readonly validFrom: string
  readonly validTo: string
  /** The IP address that was asked. */
  readonly address: string
}

export interface FiledIdentity extends FiledParty {
  readonly did: string
  readonly vouching: Vouching
}

interface Trust {
  /** PEM of the authorities that count; left out: those of the system. */
  readonly ca: string | undefined
  readonly timeoutMs: number
}

/**
 * Reads what is filed for a party at the address that its did:web stands for, over the web's PKI: TLS with a certificate that an
 * authority has issued for that name (decision 0033). No other place is asked, whatever the server says: a redirect is no answer. `url`: of
 * `didWebUrl`. Throws DidUnavailable, DidUntrusted, DidDocumentMalformed, `key_not_admissible`.
 */
export async function readFiledIdentity(did: string, url: URL, { ca, timeoutMs }: Trust): Promise<FiledIdentity> {
  const connection = webConnector(url, ca ?? systemAuthorities(), timeoutMs)
  const client = new Client(url.origin, {
    connect: connection.connect,
    maxResponseSize: INTRODUCTION_BYTES_MAX,
  })
  try {
    const bytes = await documentAt(client, did, url, { timeoutMs })
    const vouching = connection.vouching()
    return { did, ...readDidDocument(did, bytes), vouching }
  } finally {
    await client.destroy()
  }
}

/** That the node at the endpoint which was filed is the party of the DID, under the keys that were filed, and says that it is there. Throws DidMismatch. */
export function verifyFiled({ did, endpoint, keys }: FiledIdentity, said: Introduction): void {
  const { card } = said
  const claim =
    card.did !== did
      ? 'DID'
      : card.keys.signing !== keys.signing
        ? 'signing key'
        : card.keys.recovery !== keys.recovery
          ? 'recovery key'
          : originOf(said.endpoint) !== originOf(endpoint)
            ? 'endpoint'
            : undefined
  if (claim === undefined) return
  const message = `the ${claim} of the node at ${endpoint} is not what is filed for ${did}`
  throw new DidMismatch('did_mismatch', message, { did, endpoint, claim })
}

/** However it is written. What is no URL is only itself. */
function originOf(endpoint: string): string {
  return URL.parse(endpoint)?.origin ?? endpoint
}

async function documentAt(client: Client, did: string, url: URL, options: CallOptions): Promise<Buffer> {
  const headers = { accept: 'application/did+json, application/json' }
  const request = { origin: url.origin, path: url.pathname, method: 'GET', headers } as const
  const { status, body } = await call(client, request, options).catch((error: unknown) => {
    throw inWebTerms(error, did, url)
  })
  if (status === 200) return body
  const redirect = status >= 300 && status < 400 ? ', and redirects are not followed' : ''
  throw unavailable(did, url, `status ${status}${redirect}`, { status })
}

function webConnector(url: URL, ca: string | readonly string[], connectTimeoutMs: number) {
  let vouching: Vouching | undefined
  const connect = buildConnector({
    ca: [ca].flat(),
    minVersion: 'TLSv1.2',
    timeout: connectTimeoutMs,
    maxCachedSessions: 0,
  })
  const connector: buildConnector.connector = (options, callback) =>
    connect(options, (error, socket) => {
      if (error !== null) return callback(error, null)
      vouching = vouchingOf(url.host, socket as tls.TLSSocket)
      callback(null, socket)
    })
  return {
    connect: connector,
    /** Requires that an answer has come. */
    vouching: () => vouching as Vouching,
  }
}

/** What the operating system trusts, or, where it says nothing, what Node.js brings. */
function systemAuthorities(): readonly string[] {
  const system = tls.getCACertificates?.('system') ?? []
  return system.length > 0 ? system : tls.rootCertificates
}

/** Requires a connection that TLS has found good. */
function vouchingOf(domain: string, socket: tls.TLSSocket): Vouching {
  const shown = socket.getPeerCertificate(true)
  const own = new X509Certificate(shown.raw)
  let last = shown
  while (last.issuerCertificate !== undefined && last.issuerCertificate !== last) last = last.issuerCertificate
  return {
    domain,
    issuer: inOneLine(own.issuer),
    root: inOneLine(new X509Certificate(last.raw).subject),
    validFrom: own.validFromDate.toISOString(),
    validTo: own.validToDate.toISOString(),
    address: socket.remoteAddress ?? '',
  }
}

function inOneLine(name: string): string {
  return name.replaceAll('\n', ', ')
}

/** OpenSSL's and Node's words for a certificate that is not to be trusted. */
const UNTRUSTED = /CERT|SIGNATURE|ISSUER|CRL|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH/

function inWebTerms(error: unknown, did: string, url: URL): unknown {
  if (!(error instanceof ConcordataError)) return error
  const reason = reasonIn(error)
  if (reason === undefined || !UNTRUSTED.test(reason))
    return unavailable(did, url, error.message, { reason: reason ?? error.code }, { cause: error })
  const message = `no authority that is trusted here vouches for ${url.host} (${reason}), so what it serves for ${did} counts for nothing`
  return new DidUntrusted('did_untrusted', message, { did, url: url.href, reason }, { cause: error })
}

function reasonIn({ cause }: ConcordataError): string | undefined {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException
  return typeof code === 'string' ? code : undefined
}

function unavailable(did: string, url: URL, why: string, evidence: object, options?: ErrorOptions): DidUnavailable {
  const message = `the document of ${did} cannot be had at ${url.href}: ${why}`
  return new DidUnavailable('did_unavailable', message, { did, url: url.href, ...evidence }, options)
}
