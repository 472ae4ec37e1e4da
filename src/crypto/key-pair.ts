import './native.ts'
import { createPublicKey, generateKeyPairSync, type KeyObject, sign as nodeSign } from 'node:crypto'
import { tagged } from './tagged.ts'

export interface KeyPair {
  /** 32 bytes, tagged. */
  readonly publicKey: string
  readonly privateKey: KeyObject
}

export function generateKeyPair(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { publicKey: publicKeyOf(publicKey), privateKey }
}

/** Of a pair, from either of its halves. */
export function publicKeyOf(key: KeyObject): string {
  const { x } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  return tagged(Buffer.from(x as string, 'base64url'))
}

/** RFC 8032: the same bytes give the same signature: 64 bytes, tagged. */
export function sign(privateKey: KeyObject, bytes: Uint8Array): string {
  return tagged(nodeSign(null, bytes, privateKey))
}
