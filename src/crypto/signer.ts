import type { KeyObject } from 'node:crypto'
import { publicKeyOf, sign } from './key-pair.ts'

/**
 * Signs for one party, with Ed25519. The key may stand elsewhere: in another process, a KMS or an HSM. So signing takes
 * its time, and can fail; the same bytes give the same signature (RFC 8032 is deterministic).
 */
export interface Signer {
  /** 32 bytes, tagged. */
  readonly publicKey: string
  /** The signature of these very bytes, domain line included: 64 bytes, tagged. */
  sign(bytes: Uint8Array): Promise<string>
}

/** With an Ed25519 private key in this process. */
export function keySigner(privateKey: KeyObject): Signer {
  return {
    publicKey: publicKeyOf(privateKey),
    sign: async (bytes) => sign(privateKey, bytes),
  }
}
