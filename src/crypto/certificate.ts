import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
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
} from './der.ts'
import { type Hash, sha256 } from './hash.ts'
import { toPem } from './pem.ts'

export interface CertificateSubject {
  /** At most 64 characters (RFC 5280, ub-common-name). */
  readonly commonName: string
  /** A DNS name, or an IP address (IPv6 with or without brackets), as in a URL. */
  readonly host: string
  readonly did: string
}

const oids = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
}
const VALID_YEARS = 2
const DAY_MS = 86_400_000

/** TLS has a key of its own, ECDSA P-256, so that the signing key never leaves its Signer (decision 0027). */
export function generateTlsKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
}

/**
 * A self-signed certificate (RFC 5280) for both ends of a connection, as PEM. It is trusted because its fingerprint is
 * pinned to the party, never for what it says. Valid from a day before `now`, for clocks that are behind.
 * `key`: ECDSA P-256, private. `now`: milliseconds since the Unix epoch.
 */
export function selfSignedCertificate(key: KeyObject, subject: CertificateSubject, now: number): string {
  const algorithm = sequence(objectIdentifier(oids.ecdsaWithSha256))
  const name = sequence(setOf(sequence(objectIdentifier(oids.commonName), utf8String(subject.commonName))))
  const statement = sequence(
    explicit(0, integer(2)),
    integer(serialNumber()),
    algorithm,
    name,
    validity(now),
    name,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    explicit(3, extensions(subject)),
  )
  return toPem('CERTIFICATE', sequence(statement, algorithm, bitString(sign('sha256', statement, key))))
}

/** What is pinned: SHA-256 of the certificate's DER. Throws what OpenSSL throws on what is no certificate. */
export function certificateFingerprint(certificate: string | Uint8Array): Hash {
  return sha256(new X509Certificate(certificate).raw)
}

/** The tag of ECDSA P-256 with SHA-256, as RFC 7518 has it; behind it base64url of r and s, 32 bytes each. */
const TAG = 'es256:'
const SIGNATURE_BYTES = 64
/** FIPS 186-4: the only form of the two that a signature has here. */
const dsaEncoding = 'ieee-p1363'

/** `key`: ECDSA P-256, private, PEM. */
export function signWithTlsKey(key: string, bytes: Uint8Array): string {
  return TAG + sign('sha256', bytes, { key: createPrivateKey(key), dsaEncoding }).toString('base64url')
}

/**
 * Whether the holder of this certificate's key has signed: ECDSA P-256 with SHA-256. Attacker-controlled: all of it. False
 * also where `certificate` is not, to the byte, the DER of one, or its key is of another kind.
 */
export function isSignedByHolder(certificate: Uint8Array, bytes: Uint8Array, signature: string): boolean {
  const given = Buffer.from(signature.slice(TAG.length), 'base64url')
  const key = keyOf(certificate)
  if (given.length !== SIGNATURE_BYTES || TAG + given.toString('base64url') !== signature) return false
  return key !== undefined && verify('sha256', bytes, { key, dsaEncoding }, given)
}

function keyOf(certificate: Uint8Array): KeyObject | undefined {
  try {
    const { raw, publicKey } = new X509Certificate(certificate)
    // OpenSSL reads PEM as well, and passes over what follows.
    if (!raw.equals(certificate)) return undefined
    return publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? publicKey : undefined
  } catch {
    return undefined
  }
}

/** 127 random bits: positive, and the same number of bytes always. */
function serialNumber(): Uint8Array {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes
}

function validity(now: number): Uint8Array {
  const end = new Date(now)
  end.setUTCFullYear(end.getUTCFullYear() + VALID_YEARS)
  return sequence(time(new Date(now - DAY_MS)), time(end))
}

function extensions({ host, did }: CertificateSubject): Uint8Array {
  const critical = (oid: string, value: Uint8Array) => sequence(objectIdentifier(oid), trueBoolean, octetString(value))
  const plain = (oid: string, value: Uint8Array) => sequence(objectIdentifier(oid), octetString(value))
  const digitalSignature = bitString(Uint8Array.of(0x80), 7)
  const uses = sequence(objectIdentifier(oids.serverAuth), objectIdentifier(oids.clientAuth))
  return sequence(
    critical(oids.basicConstraints, sequence()),
    critical(oids.keyUsage, digitalSignature),
    plain(oids.extendedKeyUsage, uses),
    plain(oids.subjectAlternativeName, sequence(hostName(host), implicit(6, Buffer.from(did)))),
  )
}

function hostName(host: string): Uint8Array {
  const bare = host.replace(/^\[|\]$/g, '')
  if (isIPv4(bare)) return implicit(7, Uint8Array.from(bare.split('.').map(Number)))
  if (isIPv6(bare)) return implicit(7, ipv6Bytes(bare))
  return implicit(2, Buffer.from(bare))
}

function ipv6Bytes(address: string): Uint8Array {
  // A URL spells an address in groups of hexadecimal digits, with at most one `::`.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const missing = 8 - groups(head).length - groups(tail ?? '').length
  const all = [...groups(head), ...Array<string>(tail === undefined ? 0 : missing).fill('0'), ...groups(tail ?? '')]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
