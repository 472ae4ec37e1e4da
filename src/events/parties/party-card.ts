import { type Static, Type } from 'typebox'
import { type Hash, hashJson } from '../../crypto/hash.ts'
import { HandleSchema, PublicKeySchema } from '../ids.ts'
import { LEI_PATTERN } from './lei.ts'

export const KeysSchema = Type.Object(
  {
    /** Signs statements, acceptances and introductions. */
    signing: PublicKeySchema,
    /** Kept away from the node; signs nothing but the revocation of the signing key. */
    recovery: PublicKeySchema,
  },
  { additionalProperties: false },
)

export type Keys = Static<typeof KeysSchema>

/** Who a party is, as a contract knows it. */
export const PartyCardSchema = Type.Object(
  {
    handle: HandleSchema,
    did: Type.String({ pattern: '^did:web:[A-Za-z0-9._%:-]{1,250}$' }),
    name: Type.String({ minLength: 1, maxLength: 200 }),
    /** Claimed by the party: nothing here proves that it is its own. Its check digits are right (lei.ts). */
    lei: Type.Optional(Type.String({ pattern: LEI_PATTERN })),
    keys: KeysSchema,
  },
  { additionalProperties: false },
)
export type PartyCard = Static<typeof PartyCardSchema>

/**
 * What people compare by telephone before one approves the other: SHA-256("concordata/v1/party\n" JCS({did, keys})).
 * It outlives renewals of the certificate and changes of endpoint and name.
 */
export function partyFingerprint(card: Pick<PartyCard, 'did' | 'keys'>): Hash {
  return hashJson('party', { did: card.did, keys: card.keys })
}
