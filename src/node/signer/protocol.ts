import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { GuardedSchema } from '../../contracts/signing/signing-guard.ts'
import { domains } from '../../crypto/hash.ts'
import { KeyNameSchema, PublicKeySchema, SignatureSchema, UidSchema } from '../../events/ids.ts'
import { SIGNED_CHARACTERS_MAX } from '../../events/limits.ts'
import { ConcordataError } from '../../runtime/errors.ts'

/** The signer does not answer, or nobody listens at its socket. Whether it has carried out the call is not known. */
export class SignerUnreachable extends ConcordataError {}

/** The signer does not do that: what it was asked is malformed, or nothing that it signs. Evidence: `reason`. */
export class SignerRefused extends ConcordataError {}

/** In canonical JSON nothing but quotes and backslashes is escaped once more, each by a backslash. */
const LONGER_ESCAPED = 2
/** Of a call or an answer without the lines of guards in it. */
const AROUND_CHARACTERS_MAX = 1024
/**
 * A call is one line of JSON, and so is its answer; both carry the caller's number, so that calls may overtake each other. The
 * longest is `advance`: two guards, each with the line of a statement as a string.
 */
export const LINE_CHARACTERS_MAX = 2 * LONGER_ESCAPED * SIGNED_CHARACTERS_MAX + AROUND_CHARACTERS_MAX

const closed = { additionalProperties: false }
const Id = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const MaybeGuarded = Type.Union([GuardedSchema, Type.Null()])

export const CallSchema = Type.Union([
  Type.Object({ id: Id, do: Type.Literal('keys') }, closed),
  Type.Object({ id: Id, do: Type.Literal('add'), name: Type.Optional(KeyNameSchema) }, closed),
  Type.Object(
    {
      id: Id,
      do: Type.Literal('sign'),
      key: PublicKeySchema,
      /** base64, of the very bytes that are signed. */
      bytes: Type.String({ maxLength: LINE_CHARACTERS_MAX }),
    },
    closed,
  ),
  Type.Object({ id: Id, do: Type.Literal('read'), contract: UidSchema }, closed),
  Type.Object(
    { id: Id, do: Type.Literal('advance'), contract: UidSchema, from: MaybeGuarded, to: GuardedSchema },
    closed,
  ),
])
export type SignerRequest = Static<typeof CallSchema>

const ProblemSchema = Type.Object(
  {
    code: Type.String(),
    message: Type.String(),
    evidence: Type.Record(Type.String(), Type.Unknown()),
  },
  closed,
)
export const AnswerSchema = Type.Union([
  Type.Object({ id: Id, result: Type.Unknown() }, closed),
  Type.Object({ id: Id, problem: ProblemSchema }, closed),
])
export type SignerResponse = Static<typeof AnswerSchema>

const callForm = Compile(CallSchema)
const answerForm = Compile(AnswerSchema)

/** Attacker-controlled as far as whoever may open the socket is. Throws SignerRefused. */
export function decodeCall(line: string): SignerRequest {
  const call = parse(line)
  if (callForm.Check(call)) return call as SignerRequest
  throw refused('the call does not have its form')
}

/** Throws SignerRefused. */
export function decodeAnswer(line: string): SignerResponse {
  const answer = parse(line)
  if (answerForm.Check(answer)) return answer as SignerResponse
  throw refused('the answer does not have its form')
}

export const keysForm = Compile(Type.Object({ keys: Type.Array(PublicKeySchema, { minItems: 1 }) }, closed))
export const publicKeyForm = Compile(PublicKeySchema)
export const signatureForm = Compile(SignatureSchema)
export const guardedForm = Compile(MaybeGuarded)

export function refused(reason: string): SignerRefused {
  return new SignerRefused('signer_refused', `the signer refuses: ${reason}`, { reason })
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new SignerRefused('signer_refused', 'a line is not JSON', { reason: 'no JSON' }, { cause })
  }
}

/** What a party signs with its signing key begins with one of these; the C2SP cosignature is the only one not of ours. */
export const signedDomains = [
  domains.statement,
  domains.acceptance,
  domains.decline,
  domains.rotation,
  domains.introduction,
  domains.revocation,
  domains.publication,
  'cosignature/v1\n',
] as const
