import { base64url } from '../crypto/bytes.ts'
import { type Hash, hashCanonical, hashJson, isHash } from '../crypto/hash.ts'
import { ConcordataError } from '../runtime/errors.ts'
import type { Payload, Payloads, Statement } from './statement.ts'

export const SALT_BYTES = 16

/** What a store gives for a seal is not what was sealed. Evidence: `seal`. */
export class SealedDamaged extends ConcordataError {}

/** SHA-256("concordata/v1/seal\n" JCS({salt,value})): what stands for a value wherever it is signed or hashed. */
export function sealOf(payload: Payload): Hash {
  return hashJson('seal', { salt: payload.salt, value: payload.value })
}

/** A fresh seal for a value. `salt`: SALT_BYTES random bytes. */
export function seal(value: unknown, salt: Uint8Array): { seal: Hash; payload: Payload } {
  const payload = { salt: base64url(salt), value }
  return { seal: sealOf(payload), payload }
}

/** The value that was sealed. `text`: the payload as it is kept, its canonical JSON. Throws SealedDamaged. */
export function valueUnder(seal: Hash, text: string): unknown {
  if (hashCanonical('seal', text) === seal) return (JSON.parse(text) as Payload).value
  throw new SealedDamaged('contract_damaged', 'a stored value is not what was stored', { seal })
}

/** All seals that a statement names, in known commands or not: what may travel with it, and is kept beside it. */
export function sealsNamedBy(statement: Pick<Statement, 'requests' | 'refusals' | 'decided'>): Set<Hash> {
  const { requests, refusals, decided } = statement
  const seals = new Set<Hash>()
  const name = (seal: unknown) => {
    if (isHash(seal)) seals.add(seal)
  }
  for (const { about, user, commands } of requests) {
    name(about)
    name(user)
    for (const command of commands) {
      if ('seal' in command) name(command.seal)
      if ('about' in command) name(command.about)
    }
  }
  for (const { about } of refusals) name(about)
  for (const decision of decided) if (decision.decision === 'withdrawn') name(decision.about)
  return seals
}

/** Those of values, which every member needs: every hash that stands as a command's `seal`, unless that names an audience. */
export function valueSealsOf(requests: Statement['requests']): Set<Hash> {
  const seals = new Set<Hash>()
  for (const { commands } of requests) {
    for (const command of commands) {
      if ('seal' in command && isHash(command.seal) && !('audience' in command)) seals.add(command.seal)
    }
  }
  return seals
}

/** Those of confidential values, which their audiences need. */
export function confidentialSealsOf(requests: Statement['requests']): Set<Hash> {
  const seals = new Set<Hash>()
  for (const { commands } of requests) {
    for (const command of commands) {
      if ('audience' in command && 'seal' in command && isHash(command.seal)) seals.add(command.seal)
    }
  }
  return seals
}

/** Canonical JSON of payloads by their seals. `texts`: of each its own canonical JSON. */
export function payloadsJson(texts: ReadonlyMap<Hash, string>): string {
  const members = [...texts].sort(([one], [other]) => (one < other ? -1 : 1)).map(([seal, text]) => `"${seal}":${text}`)
  return `{${members.join(',')}}`
}

/** By seal, in the order in which canonical JSON has them. */
export function payloadsInOrder(payloads: readonly [string, Payload][]): Payloads {
  const ordered: Record<string, Payload> = {}
  for (const [seal, payload] of payloads.toSorted(([one], [other]) => (one < other ? -1 : 1))) ordered[seal] = payload
  return ordered
}
