import { createPublicKey, type KeyObject } from 'node:crypto'

/** RFC 8410: what stands before the bytes of an Ed25519 key. */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')

/** `whpk_…`, as a receiver has it. */
export function publicKeyFrom(shown: string): KeyObject {
  const key = Buffer.concat([SPKI, Buffer.from(shown.replace(/^whpk_/, ''), 'base64')])
  return createPublicKey({ key, format: 'der', type: 'spki' })
}
