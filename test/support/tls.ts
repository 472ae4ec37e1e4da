import { certificateFingerprint, generateTlsKey, selfSignedCertificate } from '../../src/crypto/certificate.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { TlsCredentials } from '../../src/gossip/transport/protocol.ts'

export interface TlsIdentity extends TlsCredentials {
  readonly fingerprint: Hash
  readonly commonName: string
}

/** Real credentials for a node on loopback. */
export function tlsIdentity(commonName: string): TlsIdentity {
  const key = generateTlsKey()
  const subject = { commonName, host: '127.0.0.1', did: `did:web:${commonName}.example` }
  const certificate = selfSignedCertificate(key, subject, Date.now())
  return {
    key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificate,
    fingerprint: certificateFingerprint(certificate),
    commonName,
  }
}
