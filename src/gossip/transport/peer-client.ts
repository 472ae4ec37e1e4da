import { isUtf8 } from 'node:buffer'
import { Pool } from 'undici'
import type { Hash } from '../../crypto/hash.ts'
import { type CallOptions, call, type PeerAnswer } from './peer-call.ts'
import { peerConnector } from './peer-connector.ts'
import { PeerBusy, PeerMalformed, PeerRefused, PeerWrongCertificate } from './peer-errors.ts'
import {
  CALLED_HEADER,
  CALLER_HEADER,
  EXCHANGE_BYTES_MAX,
  EXCHANGE_MEDIA_TYPE,
  EXCHANGE_PATH,
  INTRODUCTION_PATH,
  type TlsCredentials,
} from './protocol.ts'

export interface PeerClientOptions {
  /** Who calls, and whom: handles. */
  readonly self: string
  readonly peer: string
  /** `https://host:port` */
  readonly endpoint: string
  /** The fingerprint pinned to the party. */
  readonly certificate: Hash
  readonly tls: TlsCredentials
  /** How many exchanges can be under way at once; more of them wait. */
  readonly connectionsMax?: number
  /** What time it is by the peer's clock, to the second, with every answer that says it. Milliseconds. */
  timeSaid?(time: number): void
}

const CONNECT_TIMEOUT_MS = 10_000
/** A little less than the 120 s after which the other end closes. */
const IDLE_MS = 110_000
/** How long a peer is left alone that has too much to do and does not say how long; and at most, whatever it says. */
const RETRY_AFTER_MS = 1_000
const RETRY_AFTER_MAX_MS = 60_000

/** Calls one peer's Receiver, over connections that are kept. */
export class PeerClient {
  readonly #endpoint: string
  readonly #names: Record<string, string>
  readonly #pool: Pool
  readonly #timeSaid: ((time: number) => void) | undefined

  constructor({ self, peer, endpoint, certificate, tls, connectionsMax = 2, timeSaid }: PeerClientOptions) {
    this.#timeSaid = timeSaid
    this.#endpoint = endpoint
    this.#names = { [CALLER_HEADER]: self, [CALLED_HEADER]: peer }
    this.#pool = new Pool(endpoint, {
      connections: connectionsMax,
      connect: peerConnector({
        tls,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        verify: (presented) => verifyPinned(endpoint, certificate, presented),
      }),
      keepAliveTimeout: IDLE_MS,
      maxResponseSize: EXCHANGE_BYTES_MAX,
      // The caller's own time-out is the only one.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  /**
   * One exchange: body and answer as in message.ts. Throws PeerUnreachable, PeerWrongCertificate, PeerTimeout,
   * PeerRefused, PeerBusy, PeerMalformed, or the signal's reason.
   */
  async exchange(body: string, options: CallOptions): Promise<string> {
    const { traceparent } = options
    const request = {
      origin: this.#endpoint,
      path: EXCHANGE_PATH,
      method: 'POST',
      headers: {
        'content-type': EXCHANGE_MEDIA_TYPE,
        ...this.#names,
        ...(traceparent === undefined ? {} : { traceparent }),
      },
      body,
    } as const
    return this.#textOf(await call(this.#pool, request, options))
  }

  /**
   * Shows the peer an introduction of this node, which it takes or passes over; it does not say which (decision 0035).
   * Throws as `exchange` does.
   */
  async announce(introduction: string, options: CallOptions): Promise<void> {
    const answer = await call(
      this.#pool,
      {
        origin: this.#endpoint,
        path: INTRODUCTION_PATH,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...this.#names },
        body: introduction,
      },
      options,
    )
    this.#assertNotBusy(answer)
  }

  /** Calls that are under way fail. */
  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  #assertNotBusy({ status, retryAfterMs, body }: PeerAnswer): void {
    if (status !== 429 && status !== 503) return
    const waitMs = Math.min(RETRY_AFTER_MAX_MS, retryAfterMs ?? RETRY_AFTER_MS)
    throw new PeerBusy(this.#endpoint, status, codeIn(body), waitMs)
  }

  #textOf(answer: PeerAnswer): string {
    if (answer.time !== undefined) this.#timeSaid?.(answer.time)
    this.#assertNotBusy(answer)
    const { status, mediaType, body } = answer
    const endpoint = this.#endpoint
    if (status !== 200) {
      const code = codeIn(body)
      const message = `${endpoint} refused the exchange with status ${status}${code === undefined ? '' : ` (${code})`}`
      throw new PeerRefused('peer_refused', message, { endpoint, status, code })
    }
    if (mediaType !== EXCHANGE_MEDIA_TYPE || !isUtf8(body)) {
      throw new PeerMalformed('peer_malformed', `the answer of ${endpoint} is no exchange message`, { endpoint })
    }
    return body.toString()
  }
}

function verifyPinned(endpoint: string, expected: Hash, presented: Hash | undefined): void {
  if (presented === expected) return
  const message = `${endpoint} does not have the certificate that is pinned to its party`
  throw new PeerWrongCertificate('peer_wrong_certificate', message, { endpoint, expected, presented })
}

/** Attacker-controlled: `body`. The code in a problem document of the peer's, if it is one. */
export function codeIn(body: Buffer): string | undefined {
  try {
    const { code } = JSON.parse(body.toString())
    return typeof code === 'string' && /^[a-z_]{1,64}$/.test(code) ? code : undefined
  } catch {
    return undefined
  }
}
