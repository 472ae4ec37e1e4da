import { createPublicKey, type KeyObject, sign as nodeSign, verify as nodeVerify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'

/**
 * Ed25519 where validity must be the same on every machine (design §3): the authority is ZIP 215 as in @noble/curves.
 * What Node's own verification accepts, ZIP 215 accepts too, and it is 13 times faster: so it is asked first.
 */
export function isValidSignature(publicKey: string, bytes: Uint8Array, signature: string): boolean {
  const key = keyObject(publicKey)
  const raw = Buffer.from(signature, 'base64url')
  if (key !== undefined && nodeVerify(null, bytes, key, raw)) return true
  return isValidUnderZip215(publicKey, bytes, raw)
}

function isValidUnderZip215(publicKey: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, bytes, Buffer.from(publicKey, 'base64url'), { zip215: true })
  } catch {
    return false
  }
}

const keys = new Map<string, KeyObject | undefined>()
function keyObject(publicKey: string): KeyObject | undefined {
  if (!keys.has(publicKey)) keys.set(publicKey, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' }))
  return keys.get(publicKey)
}

export function isAdmissibleKey(publicKey: string): boolean {
  try {
    const point = ed25519.Point.fromBytes(Buffer.from(publicKey, 'base64url'), false)
    return !point.isSmallOrder() && point.isTorsionFree()
  } catch {
    return false
  }
}

export function sign(privateKey: KeyObject, bytes: Uint8Array): string {
  return nodeSign(null, bytes, privateKey).toString('base64url')
}
