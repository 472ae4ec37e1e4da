import { canonicalJson } from './canonical-json.ts'
import { primitives } from './primitives.ts'

declare const hashBrand: unique symbol
/** A SHA-256 hash as 64 lower-case hexadecimal digits. */
export type Hash = string & { readonly [hashBrand]: true }

export const HASH_PATTERN = '^[0-9a-f]{64}$'
const hashForm = new RegExp(HASH_PATTERN)

export function isHash(text: unknown): text is Hash {
  return typeof text === 'string' && hashForm.test(text)
}

/**
 * The domain lines. Everything that is hashed or signed begins with one of its own, so that bytes made for one
 * purpose can never be passed off as made for another. (Merkle leaves and nodes have the RFC 9162 prefixes instead.)
 */
export const domains = {
  uid: 'concordata/v1/uid\n',
  statement: 'concordata/v1/statement\n',
  core: 'concordata/v1/core\n',
  seal: 'concordata/v1/seal\n',
  answers: 'concordata/v1/answers\n',
  acceptance: 'concordata/v1/acceptance\n',
  decline: 'concordata/v1/decline\n',
  rotation: 'concordata/v1/rotation\n',
  revocation: 'concordata/v1/revocation\n',
  element: 'concordata/v1/element\n',
  record: 'concordata/v1/record\n',
  type: 'concordata/v1/type\n',
  members: 'concordata/v1/members\n',
  audiences: 'concordata/v1/audiences\n',
  party: 'concordata/v1/party\n',
  introduction: 'concordata/v1/introduction\n',
  possession: 'concordata/v1/possession\n',
  rule: 'concordata/v1/rule\n',
  rules: 'concordata/v1/rules\n',
  computed: 'concordata/v1/computed\n',
  changeset: 'concordata/v1/changeset\n',
  changesets: 'concordata/v1/changesets\n',
  erasure: 'concordata/v1/erasure\n',
  erasures: 'concordata/v1/erasures\n',
  template: 'concordata/v1/template\n',
  templates: 'concordata/v1/templates\n',
  publication: 'concordata/v1/publication\n',
} as const

export type Domain = keyof typeof domains

/** SHA-256 of a text (as UTF-8) or of bytes. */
export function sha256(data: string | Uint8Array): Hash {
  return primitives.sha256Hex(data) as Hash
}

export function sha256Bytes(data: string | Uint8Array): Uint8Array {
  return primitives.sha256(data)
}

/** SHA-256 over the domain line and a text that is canonical JSON already. */
export function hashCanonical(domain: Domain, canonicalText: string): Hash {
  return sha256(domains[domain] + canonicalText)
}

/** SHA-256 over the domain line and the canonical JSON of a value. */
export function hashJson(domain: Domain, value: unknown): Hash {
  return hashCanonical(domain, canonicalJson(value))
}

export function hashToBytes(hash: Hash): Uint8Array {
  return primitives.fromHex(hash)
}

export function hashFromBytes(bytes: Uint8Array): Hash {
  return primitives.hex(bytes) as Hash
}
