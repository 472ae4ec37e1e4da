import { createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import { generateTlsKey } from '../../src/crypto/certificate.ts'
import {
  bitString,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  trueBoolean,
  utf8String,
} from '../../src/crypto/der.ts'
import { toPem } from '../../src/crypto/pem.ts'
import type { TlsCredentials } from '../../src/gossip/transport/protocol.ts'

const DAY_MS = 86_400_000

interface Wanted {
  /** Days from now; both may be negative. */
  readonly from?: number
  readonly to?: number
}

/** A certificate authority as the web has them, that only the test trusts. */
export interface Authority {
  /** PEM. */
  readonly certificate: string
  issue(domain: string, wanted?: Wanted): TlsCredentials
}

export function newAuthority(name: string): Authority {
  const key = generateTlsKey()
  const authority = certificateOf(name, name, key, key, [critical('2.5.29.19', sequence(trueBoolean))], {})
  return {
    certificate: authority,
    issue(domain, wanted = {}) {
      const own = generateTlsKey()
      const names = plain('2.5.29.17', sequence(implicit(2, Buffer.from(domain))))
      const certificate = certificateOf(domain, name, own, key, [names], wanted)
      return { key: own.export({ type: 'pkcs8', format: 'pem' }) as string, certificate }
    },
  }
}

const critical = (oid: string, value: Uint8Array) => sequence(objectIdentifier(oid), trueBoolean, octetString(value))
const plain = (oid: string, value: Uint8Array) => sequence(objectIdentifier(oid), octetString(value))
const named = (name: string) => sequence(setOf(sequence(objectIdentifier('2.5.4.3'), utf8String(name))))

function certificateOf(
  subject: string,
  issuer: string,
  key: KeyObject,
  issuerKey: KeyObject,
  extensions: Uint8Array[],
  { from = -1, to = 30 }: Wanted,
): string {
  const algorithm = sequence(objectIdentifier('1.2.840.10045.4.3.2'))
  const at = (days: number) => time(new Date(Date.now() + days * DAY_MS))
  const content = sequence(
    explicit(0, integer(2)),
    integer(Buffer.concat([Buffer.of(0x40), randomBytes(15)])),
    algorithm,
    named(issuer),
    sequence(at(from), at(to)),
    named(subject),
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions)),
  )
  return toPem('CERTIFICATE', sequence(content, algorithm, bitString(sign('sha256', content, issuerKey))))
}
