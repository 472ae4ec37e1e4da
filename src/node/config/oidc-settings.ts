import { type Static, Type } from 'typebox'
import { apiRoles } from '../../api/http/callers/authenticate.ts'
import { isSafeUrl } from './loopback.ts'

/** Asymmetric ones only: with a shared secret, or none, whoever can check a token could make one. */
export const tokenAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

const Name = Type.String({ minLength: 1, maxLength: 512 })

/** `oidc` of concordata.json: whose tokens are taken, and what their bearers may do. */
export const OidcSettingsSchema = Type.Object(
  {
    /** As it stands in the tokens, to the letter. Keys are found by what it serves at /.well-known/openid-configuration. */
    issuer: Name,
    /** Of this API. A token for any other is refused, whoever made it. */
    audience: Type.Union([Name, Type.Array(Name, { minItems: 1, maxItems: 16 })]),
    /** The claim that has roles, groups or scopes: its name, or the names that lead to it. */
    rolesClaim: Type.Union([Name, Type.Array(Name, { minItems: 1, maxItems: 8 })]),
    /** What of that gives which roles; everything else gives none. */
    roleMap: Type.Record(Name, Type.Array(Type.Enum([...apiRoles]), { minItems: 1, uniqueItems: true }), {
      maxProperties: 256,
    }),
    /** Where the keys are, if the issuer serves no discovery document. */
    jwksUri: Type.Optional(Name),
    /** PEM of the authority that signed the issuer's certificate, if the system does not know it; counted from the data directory. */
    ca: Type.Optional(Name),
    /** How far the clocks of issuer and node may be apart. */
    clockToleranceSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 300 })),
    algorithms: Type.Optional(Type.Array(Type.Enum([...tokenAlgorithms]), { minItems: 1, uniqueItems: true })),
    /** Only tokens that call themselves access tokens (`typ: at+jwt`, RFC 9068) are taken. */
    accessTokensOnly: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type OidcSettings = Static<typeof OidcSettingsSchema>

/** What is wrong with them, if something is: a setting, and what it must be. */
export function complaintAbout({ issuer, jwksUri }: OidcSettings): readonly [string, string] | undefined {
  const must = 'must be an https URL without user and fragment (http on loopback only)'
  if (!isSafeUrl(issuer) || new URL(issuer).search !== '') return ['oidc/issuer', must]
  if (jwksUri !== undefined && !isSafeUrl(jwksUri)) return ['oidc/jwksUri', must]
  return undefined
}
