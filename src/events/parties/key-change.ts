import { type Static, Type } from 'typebox'
import { utf8 } from '../../crypto/bytes.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import { domains } from '../../crypto/hash.ts'
import { CountSchema, HandleSchema, PublicKeySchema, SignatureSchema, UidSchema } from '../ids.ts'

const closed = { additionalProperties: false }

/** What the new key signs, beside the statement that the old one signs: that whoever holds it takes over there. */
export const RotationSchema = Type.Object(
  {
    contract: UidSchema,
    party: HandleSchema,
    /** The statement that carries it; the new key holds from the next one on. */
    seq: CountSchema,
    signing: PublicKeySchema,
  },
  closed,
)
export type Rotation = Static<typeof RotationSchema>

/** A revocation: signed with the recovery key, because the signing key is lost or stolen. */
export const RevocationSchema = Type.Object(
  {
    contract: UidSchema,
    party: HandleSchema,
    /** The signing key that is not to be trusted any more. */
    revokes: PublicKeySchema,
    /** The one that takes its place. */
    signing: PublicKeySchema,
  },
  closed,
)
export type Revocation = Static<typeof RevocationSchema>

export const SignedRevocationSchema = Type.Object(
  {
    revocation: RevocationSchema,
    /** By the recovery key. */
    signature: SignatureSchema,
    /** By the new signing key, over the same bytes. */
    proof: SignatureSchema,
  },
  closed,
)
export type SignedRevocation = Static<typeof SignedRevocationSchema>

/**
 * What a statement says about keys (design §4, decision 0029). `rotate`: from its next statement on, the party signs
 * with another key. `hold`: of the feed named, the party holds no more than this statement covers, and under the
 * revoked key it takes in only what the `revoke` there follows. `revoke`: from this statement on the feed continues
 * under the new key.
 */
export const KeyChangeSchema = Type.Union([
  Type.Object({ rotate: Type.Object({ signing: PublicKeySchema, proof: SignatureSchema }, closed) }, closed),
  Type.Object({ hold: SignedRevocationSchema }, closed),
  Type.Object({ revoke: SignedRevocationSchema }, closed),
])
export type KeyChange = Static<typeof KeyChangeSchema>

export function rotationBytes(rotation: Rotation): Uint8Array {
  return utf8(domains.rotation + canonicalJson(rotation))
}

export function revocationBytes(revocation: Revocation): Uint8Array {
  return utf8(domains.revocation + canonicalJson(revocation))
}
