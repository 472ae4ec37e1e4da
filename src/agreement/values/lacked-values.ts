import type { Hash } from '../../crypto/hash.ts'
import type { Handle } from '../../events/ids.ts'
import { recipientsIn } from '../../events/recipients.ts'
import { confidentialSealsOf, valueSealsOf } from '../../events/seal.ts'
import type { Request } from '../../events/statement.ts'
import type { SignedStatement } from '../../events/statement-codec.ts'
import type { VerifiedStatement } from '../verified-statement.ts'

const none: readonly Hash[] = []

/** The seals of values in its requests that came without their payloads; not those of confidential ones, which decide nothing. */
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

/** Those of one of its requests. */
export function lackedIn({ lacks }: VerifiedStatement, request: Request): readonly Hash[] {
  if (lacks.length === 0) return none
  const seals = valueSealsOf([request])
  return lacks.filter((seal) => seals.has(seal))
}

/** The seals of confidential values in its requests that are for a party, whether their payloads are held or not. */
export function confidentialFor(
  { statement }: Pick<SignedStatement, 'statement'>,
  party: Handle,
  requests = statement.requests,
): readonly Hash[] {
  const recipients = recipientsIn(statement)
  if (recipients.size === 0) return none
  return [...confidentialSealsOf(requests)].filter((seal) => recipients.get(seal)?.has(party))
}

/** All that a party is to hold of it and whose payloads are not held. */
export function lackedFor(held: VerifiedStatement, party: Handle): readonly Hash[] {
  const missing = confidentialFor(held, party).filter((seal) => held.payloads[seal] === undefined)
  return missing.length === 0 ? held.lacks : [...held.lacks, ...missing]
}

/** The confidential values of one of its requests that are for a party and are not held. */
export function confidentialLackedFor(held: VerifiedStatement, request: Request, party: Handle): readonly Hash[] {
  return confidentialFor(held, party, [request]).filter((seal) => held.payloads[seal] === undefined)
}
