import type { TLSSocket } from 'node:tls'
import { type Hash, sha256 } from '../../crypto/hash.ts'

/**
 * What both ends of the outward transport have in common: HTTP/1.1 over mutual TLS 1.3 with pinned certificates.
 * A certificate is accepted only by the fingerprint that a person approved: no authority, name or date counts.
 * That the other end holds the certificate's key, the TLS handshake proves in every case.
 */

export const EXCHANGE_PATH = '/exchange'
export const EXCHANGE_MEDIA_TYPE = 'application/x-ndjson'
/**
 * Who calls, and whom: handles. Parties may share a certificate, which so does not tell them apart; the name of the called
 * keeps a call from reaching another of them that is at the same address, or was put there.
 */
export const CALLER_HEADER = 'concordata-from'
export const CALLED_HEADER = 'concordata-to'
/** A fixed place, so that a node is found when nothing but its host is known (did:web). */
export const INTRODUCTION_PATH = '/.well-known/did.json'

/** Longest body of an exchange, in either direction. */
export const EXCHANGE_BYTES_MAX = 16 * 1024 * 1024
/** Longest introduction. */
export const INTRODUCTION_BYTES_MAX = 64 * 1024

/** What one end shows to the other, both as PEM. The key is in the clear: it is for memory alone. */
export interface TlsCredentials {
  readonly key: string
  readonly certificate: string
}

/** Of the certificate that the other end of a connection has proven to be its own; undefined if it showed none. */
export function presentedFingerprint(socket: TLSSocket): Hash | undefined {
  const certificate = socket.getPeerX509Certificate()
  return certificate === undefined ? undefined : sha256(certificate.raw)
}
