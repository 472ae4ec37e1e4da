import type { TLSSocket } from 'node:tls'
import { buildConnector } from 'undici'
import type { Hash } from '../../crypto/hash.ts'
import { presentedFingerprint, type TlsCredentials } from './protocol.ts'

export interface PeerConnectorOptions {
  /** What this node shows of itself; without it the other end sees a stranger. */
  readonly tls?: TlsCredentials
  readonly connectTimeoutMs: number
  /** Throws if the certificate is not the right one: nothing is sent then. */
  verify(presented: Hash | undefined): void
}

/** Makes connections to a peer: TLS 1.3, and not a byte of HTTP before the certificate has been looked at. */
export function peerConnector({ tls, connectTimeoutMs, verify }: PeerConnectorOptions): buildConnector.connector {
  const connect = buildConnector({
    ...(tls === undefined ? {} : { key: tls.key, cert: tls.certificate }),
    minVersion: 'TLSv1.3',
    // The fingerprint takes the place of authorities, names and dates.
    rejectUnauthorized: false,
    timeout: connectTimeoutMs,
    // Connections are kept; a resumed session would save nothing and prove less.
    maxCachedSessions: 0,
  })
  return (options, callback) =>
    connect(options, (error, socket) => {
      if (error !== null) return callback(error, null)
      try {
        verify(presentedFingerprint(socket as TLSSocket))
      } catch (refusal) {
        socket.destroy()
        return callback(refusal as Error, null)
      }
      callback(null, socket)
    })
}
