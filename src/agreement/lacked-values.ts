import type { Hash } from '../crypto/hash.ts'
import { valueSealsOf } from '../events/seal.ts'
import type { Request } from '../events/statement.ts'
import type { SignedStatement } from '../events/statement-codec.ts'
import type { VerifiedStatement } from './verified-statement.ts'

const none: readonly Hash[] = []

/** The seals of values in its requests that came without their payloads. */
export function lackedBy({
  statement: { requests },
  payloads,
}: Pick<SignedStatement, 'statement' | 'payloads'>): readonly Hash[] {
  let lacked: Hash[] | undefined
  for (const seal of valueSealsOf(requests)) {
    if (payloads[seal] !== undefined) continue
    lacked ??= []
    lacked.push(seal)
  }
  return lacked ?? none
}

/** Whether one of its requests names a value whose payload is not held. */
export function lacksValueOf({ lacks }: VerifiedStatement, request: Request): boolean {
  if (lacks.length === 0) return false
  const seals = valueSealsOf([request])
  return lacks.some((seal) => seals.has(seal))
}
