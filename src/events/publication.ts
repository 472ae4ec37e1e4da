import { type Static, Type } from 'typebox'
import { utf8 } from '../crypto/bytes.ts'
import { canonicalJson } from '../crypto/canonical-json.ts'
import { isValidSignature } from '../crypto/ed25519.ts'
import { domains } from '../crypto/hash.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { HandleSchema, HashSchema, PublicKeySchema, SignatureSchema } from './ids.ts'
import { PartyCardSchema } from './parties/party-card.ts'

const closed = { additionalProperties: false }

/** Who says of a template that it has published it. It travels beside the template, whose hash it names. */
export const PublicationSchema = Type.Object(
  {
    template: HashSchema,
    publisher: Type.Object(
      { did: PartyCardSchema.properties.did, handle: HandleSchema, signing: PublicKeySchema },
      closed,
    ),
  },
  closed,
)
export type Publication = Static<typeof PublicationSchema>

export const SignedPublicationSchema = Type.Object(
  { publication: PublicationSchema, signature: SignatureSchema },
  closed,
)
export type SignedPublication = Static<typeof SignedPublicationSchema>

/** A publication is not signed by the key that it names. Evidence: `signing`. */
export class PublicationForged extends ConcordataError {}

/** What the publisher's signature is made over: the domain line and the JCS of the publication. */
export function publicationBytes(publication: Publication): Uint8Array {
  return utf8(domains.publication + canonicalJson(publication))
}

/** Attacker-controlled: all of it; whose key that is, the reader has to know. Throws PublicationForged. */
export function verifyPublication({ publication, signature }: SignedPublication): void {
  const { signing } = publication.publisher
  if (isValidSignature(signing, publicationBytes(publication), signature)) return
  throw new PublicationForged('publication_forged', `the template is not signed with ${signing}`, { signing })
}
