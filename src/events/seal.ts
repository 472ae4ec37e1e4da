import { type Hash, hashCanonical, hashJson, isHash } from '../crypto/hash.ts'
import { ConcordataError } from '../runtime/errors.ts'
import type { Payload, Request } from './statement.ts'

/** What a store gives for a seal is not what was sealed. Evidence: `seal`. */
export class SealedDamaged extends ConcordataError {}

/** SHA-256("concordata/v1/seal\n" JCS({salt,value})): what stands for a value wherever it is signed or hashed. */
export function sealOf(payload: Payload): Hash {
  return hashJson('seal', { salt: payload.salt, value: payload.value })
}

/** A fresh seal for a value. `salt`: 16 random bytes. */
export function seal(value: unknown, salt: Uint8Array): { seal: Hash; payload: Payload } {
  const payload = { salt: Buffer.from(salt).toString('base64url'), value }
  return { seal: sealOf(payload), payload }
}

/** The value that was sealed. `text`: the payload as it is kept, its canonical JSON. Throws SealedDamaged. */
export function valueUnder(seal: Hash, text: string): unknown {
  if (hashCanonical('seal', text) === seal) return (JSON.parse(text) as Payload).value
  throw new SealedDamaged('contract_damaged', 'a stored value is not what was stored', { seal })
}

/** The seals that requests name, known commands or not: every hash that stands as a command's `seal`. */
export function sealsNamedBy(requests: readonly Request[]): Set<Hash> {
  const seals = new Set<Hash>()
  for (const request of requests) {
    for (const command of request.commands) {
      if ('seal' in command && isHash(command.seal)) seals.add(command.seal)
    }
  }
  return seals
}
