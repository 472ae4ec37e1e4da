import { type Static, Type } from 'typebox'
import { utf8 } from '../../crypto/bytes.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import { domains } from '../../crypto/hash.ts'
import { CountSchema, HandleSchema, SignatureSchema, UidSchema } from '../ids.ts'

const closed = { additionalProperties: false }

/** An invitee's signed refusal to join. It makes no requests, so a member submits it (`DeclineInvitation`). */
export const DeclineSchema = Type.Object(
  {
    contract: UidSchema,
    /** Ledger index of the invitation. */
    invitation: CountSchema,
    handle: HandleSchema,
  },
  closed,
)
export type Decline = Static<typeof DeclineSchema>

export const SignedDeclineSchema = Type.Object({ decline: DeclineSchema, signature: SignatureSchema }, closed)
export type SignedDecline = Static<typeof SignedDeclineSchema>

/** What the invitee's signature is made over: the domain line and the JCS of the decline. */
export function declineBytes(decline: Decline): Uint8Array {
  return utf8(domains.decline + canonicalJson(decline))
}
