import { createHash, createPrivateKey } from 'node:crypto'
import { type KeyPair, publicKeyOf } from '../../src/crypto/key-pair.ts'

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The Ed25519 seed of a name: 32 bytes. */
export function seedOf(name: string): Buffer {
  return createHash('sha256').update(`concordata test vector: ${name}`).digest()
}

/** The key pair of a name, the same each time. */
export function keyFrom(name: string): KeyPair {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, seedOf(name)]),
    format: 'der',
    type: 'pkcs8',
  })
  return { privateKey, publicKey: publicKeyOf(privateKey) }
}
