import { type Static, Type } from 'typebox'
import { utf8 } from '../../crypto/bytes.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import { domains } from '../../crypto/hash.ts'
import { CharterSchema } from '../charter.ts'
import { CountSchema, HandleSchema, SignatureSchema, UidSchema } from '../ids.ts'
import { HeadSchema } from '../statement.ts'
import { KeysSchema } from './party-card.ts'

const closed = { additionalProperties: false }

/** An invitee's signed acceptance: over the head that it verified, valid once, up to a last ledger index (design §4). */
export const AcceptanceSchema = Type.Object(
  {
    contract: UidSchema,
    /** Ledger index of the invitation. */
    invitation: CountSchema,
    handle: HandleSchema,
    keys: KeysSchema,
    charter: CharterSchema,
    /** The head of the ledger that the invitee verified from index 0. */
    head: HeadSchema,
    /** The last ledger index at which the admission may stand. */
    lastIndex: CountSchema,
  },
  closed,
)
export type Acceptance = Static<typeof AcceptanceSchema>

export const SignedAcceptanceSchema = Type.Object({ acceptance: AcceptanceSchema, signature: SignatureSchema }, closed)
export type SignedAcceptance = Static<typeof SignedAcceptanceSchema>

/** What the invitee's signature is made over: the domain line and the JCS of the acceptance. */
export function acceptanceBytes(acceptance: Acceptance): Uint8Array {
  return utf8(domains.acceptance + canonicalJson(acceptance))
}
