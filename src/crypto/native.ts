import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import { BoundedCache } from './bounded-cache.ts'
import { installPrimitives, type Primitives } from './primitives.ts'

const CACHED_KEYS_MAX = 4096

/** Making a KeyObject costs a good part of a verification. */
const keys = new BoundedCache<KeyObject>(CACHED_KEYS_MAX)

/** Node's own. Its Ed25519 accepts less than ZIP 215 does, nothing that ZIP 215 refuses, and is thirteen times faster than noble's. */
export const native: Primitives = {
  sha256: (data) => hash('sha256', data, 'buffer'),
  sha256Hex: (data) => hash('sha256', data, 'hex'),
  acceptsSignature: (publicKey, bytes, signature) => verify(null, bytes, keyOf(publicKey), signature),
  utf8: (text) => Buffer.from(text),
  utf8Length: (text) => Buffer.byteLength(text),
  hex: (bytes) => view(bytes).toString('hex'),
  fromHex: (text) => Buffer.from(text, 'hex'),
  base64: (bytes) => view(bytes).toString('base64'),
  base64url: (bytes) => view(bytes).toString('base64url'),
  fromBase64: (text) => ifWritten(text, Buffer.from(text, 'base64'), 'base64'),
  fromBase64url: (text) => ifWritten(text, Buffer.from(text, 'base64url'), 'base64url'),
}

installPrimitives(native)

function view({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** Node's decoders pass over what they do not understand: only one spelling of some bytes is what encoding them gives. */
function ifWritten(text: string, bytes: Buffer, encoding: 'base64' | 'base64url'): Uint8Array | undefined {
  return bytes.toString(encoding) === text ? bytes : undefined
}

/** Whatever the bytes of the key are: OpenSSL looks at them only when it verifies. */
function keyOf(publicKey: string): KeyObject {
  const cached = keys.get(publicKey)
  if (cached !== undefined) return cached
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
  keys.set(publicKey, key)
  return key
}
