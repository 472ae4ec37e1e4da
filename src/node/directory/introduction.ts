import { X509Certificate } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { complaintAboutText } from '../../aggregates/names/fit-text.ts'
import { canonicalJson, isCanonicalJson } from '../../crypto/canonical-json.ts'
import { isSignedByHolder, signWithTlsKey } from '../../crypto/certificate.ts'
import { assertAdmissibleKey, isValidSignature } from '../../crypto/ed25519.ts'
import { domains, sha256 } from '../../crypto/hash.ts'
import type { Signer } from '../../crypto/signer.ts'
import { CountSchema, HashSchema, SignatureSchema } from '../../events/ids.ts'
import { isLei } from '../../events/parties/lei.ts'
import { PartyCardSchema } from '../../events/parties/party-card.ts'
import type { TlsCredentials } from '../../gossip/transport/protocol.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { firstErrorText } from '../../runtime/first-error.ts'
import { exceededBound } from '../../runtime/json-bounds.ts'
import { didDocument } from './did-document.ts'

/** The document is no introduction. */
export class IntroductionMalformed extends ConcordataError {}

/** Not signed with the party's key that it names, or not with the key of the certificate. Evidence: `did`. */
export class IntroductionBadlySigned extends ConcordataError {}

const closed = { additionalProperties: false }

const IntroductionSchema = Type.Object(
  {
    card: PartyCardSchema,
    /** Where the party's Receiver is: `https://host[:port]`. */
    endpoint: Type.String({ pattern: '^https://[^/?#@\\s]{1,260}$' }),
    /** Fingerprint of the certificate that the Receiver shows, and that the party's node shows to other Receivers. */
    certificate: HashSchema,
    /** Grows with every change: of two introductions of a party the one with the greater number holds. */
    serial: CountSchema,
  },
  closed,
)
/** What a party says of itself. */
export type Introduction = Static<typeof IntroductionSchema>

const proofs = {
  /** Ed25519 signature with the signing key of the card, under the domain line `introduction` (see `signedBytes`). */
  proof: SignatureSchema,
  /** The certificate itself: DER, base64url. `introduction.certificate` is its hash. */
  der: Type.String({ pattern: '^[A-Za-z0-9_-]{1,8192}$' }),
  /** The same content signed with the certificate's key, under the domain line `possession`. */
  possession: Type.String({ pattern: '^es256:[A-Za-z0-9_-]{86}$' }),
}

export const SignedIntroductionSchema = Type.Object({ introduction: IntroductionSchema, ...proofs }, closed)
export type SignedIntroduction = Static<typeof SignedIntroductionSchema>

/** Far above what any introduction has. */
const DOCUMENT_BOUNDS = { depthMax: 16, membersMax: 256 }

const documentForm = Compile(
  Type.Object({ concordata: IntroductionSchema, ...proofs }, { additionalProperties: Type.Unknown() }),
)

/** `tls`: the certificate that the introduction names, with its key. */
export async function signIntroduction(
  introduction: Introduction,
  signer: Signer,
  tls: TlsCredentials,
): Promise<SignedIntroduction> {
  return {
    introduction,
    proof: await signer.sign(signedBytes('introduction', introduction)),
    der: new X509Certificate(tls.certificate).raw.toString('base64url'),
    possession: signWithTlsKey(tls.key, signedBytes('possession', introduction)),
  }
}

/** What a node serves at `/.well-known/did.json`: a DID document with the introduction itself as `concordata`, and what proves it. */
export function introductionDocument(signed: SignedIntroduction): string {
  return canonicalJson(wholeDocument(signed))
}

/**
 * Takes a document apart. All of it must follow from its `concordata` part, so that nobody reads in the rest what was
 * not verified here. Attacker-controlled: `text`, whole. That the card is whom one thinks it is, a person finds out.
 * Throws IntroductionMalformed, IntroductionBadlySigned, and `key_not_admissible`.
 */
export function verifyIntroduction(text: string): SignedIntroduction {
  const document = parse(text)
  if (!documentForm.Check(document)) {
    throw malformed(firstErrorText(documentForm, document))
  }
  const { concordata: introduction, proof, der, possession } = document
  const signed = { introduction, proof, der, possession }
  if (!isCanonicalJson(text, wholeDocument(signed))) {
    throw malformed('the document is not, to the byte, what follows from its concordata part')
  }
  const { name, lei } = signed.introduction.card
  const complaint = complaintAboutText('the name on its card', name)
  if (complaint !== undefined) throw malformed(complaint)
  if (lei !== undefined && !isLei(lei)) throw malformed('the check digits of the LEI on its card are wrong')
  verifyKeysAndProof(signed)
  verifyPossession(signed)
  return signed
}

function verifyKeysAndProof({ introduction, proof }: SignedIntroduction): void {
  const { did, keys } = introduction.card
  assertAdmissibleKey(keys.signing)
  assertAdmissibleKey(keys.recovery)
  if (keys.signing === keys.recovery) throw malformed('signing key and recovery key are the same')
  if (isValidSignature(keys.signing, signedBytes('introduction', introduction), proof)) return
  const message = `the introduction of ${did} is not signed with the key that it names`
  throw new IntroductionBadlySigned('introduction_badly_signed', message, { did })
}

/** Who has seen a certificate knows its fingerprint: only its key shows whose it is. */
function verifyPossession({ introduction, der, possession }: SignedIntroduction): void {
  const certificate = Buffer.from(der, 'base64url')
  if (certificate.toString('base64url') !== der || sha256(certificate) !== introduction.certificate)
    throw malformed('the certificate in it is not the one it names')
  if (isSignedByHolder(certificate, signedBytes('possession', introduction), possession)) return
  const { did } = introduction.card
  const message = `the introduction of ${did} is not signed with the key of the certificate that it names`
  throw new IntroductionBadlySigned('introduction_badly_signed', message, { did })
}

/** What both signatures are made over: a domain line of its own each, and the JCS of the document without its proofs. */
function signedBytes(domain: 'introduction' | 'possession', introduction: Introduction): Uint8Array {
  return Buffer.from(domains[domain] + canonicalJson(unsignedDocument(introduction)))
}

function wholeDocument({ introduction, ...proven }: SignedIntroduction): Record<string, unknown> {
  return { ...unsignedDocument(introduction), ...proven }
}

function unsignedDocument(introduction: Introduction): Record<string, unknown> {
  return { ...didDocument(introduction.card, introduction.endpoint), concordata: introduction }
}

function parse(text: string): unknown {
  if (exceededBound(text, DOCUMENT_BOUNDS) !== undefined)
    throw malformed('it has more members, or deeper ones, than any')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw malformed('it is not JSON', { cause })
  }
}

function malformed(what: string, options?: ErrorOptions): IntroductionMalformed {
  return new IntroductionMalformed('introduction_malformed', `this is no introduction: ${what}`, {}, options)
}
