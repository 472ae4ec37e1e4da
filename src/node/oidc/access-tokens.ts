import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { errors, type JWTPayload, jwtVerify } from 'jose'
import { type ApiCaller, type ApiRole, TokenInvalid } from '../../api/http/callers/authenticate.ts'
import type { Clock } from '../../runtime/clock.ts'
import { type OidcSettings, tokenAlgorithms } from '../config/oidc-settings.ts'
import { IssuerClient, IssuerUnavailable } from './issuer-client.ts'
import { IssuerKeys } from './issuer-keys.ts'

/** Longest token, in characters: with it, a request's head still fits into the 16 KiB that Node.js reads. */
const TOKEN_CHARACTERS_MAX = 8 * 1024
/** OpenID Connect Core §2. */
const SUBJECT_CHARACTERS_MAX = 255
/** Roles, groups or scopes of one token that are looked at. */
const ROLE_NAMES_MAX = 1024
const CLOCK_TOLERANCE_SECONDS = 30

/** Three parts, the first of them JSON: no key of this node looks like that. */
const tokenShape = /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/
/** RFC 9068 §4; what is no access token at all (`logout+jwt`, `dpop+jwt`, …) says so. Plain OIDC providers write `JWT`, or nothing. */
const accessTokenTypes = ['at+jwt', 'application/at+jwt']
const plainTypes = [...accessTokenTypes, 'jwt', 'application/jwt']

export interface AccessTokensPorts {
  readonly clock: Clock
  /** The issuer cannot be reached; what is known of it is still used. */
  failed(error: unknown): void
}

/** Bearer tokens of an OpenID provider: JWTs that it has signed for this API (RFC 9068, OIDC Core). */
export class AccessTokens {
  readonly #settings: OidcSettings
  readonly #client: IssuerClient
  readonly #keys: IssuerKeys
  readonly #clock: Clock

  private constructor(settings: OidcSettings, client: IssuerClient, ports: AccessTokensPorts) {
    this.#settings = settings
    this.#client = client
    this.#clock = ports.clock
    this.#keys = new IssuerKeys(settings, { client, ...ports })
  }

  /**
   * Fetches nothing before the first token comes, so a node starts while its issuer is away. Rejects as `readFile`
   * does (decision 0088).
   */
  static async open(dir: string, settings: OidcSettings, ports: AccessTokensPorts): Promise<AccessTokens> {
    const ca = settings.ca === undefined ? undefined : await readFile(resolve(dir, settings.ca), 'utf8')
    return new AccessTokens(settings, new IssuerClient(ca), ports)
  }

  static looksLikeOne(key: string): boolean {
    return tokenShape.test(key)
  }

  /** Attacker-controlled: the token. Throws TokenInvalid, IssuerUnavailable. */
  async whoIs(token: string): Promise<ApiCaller> {
    if (token.length > TOKEN_CHARACTERS_MAX) throw invalid('too_long')
    const { issuer, audience, algorithms, clockToleranceSeconds = CLOCK_TOLERANCE_SECONDS } = this.#settings
    try {
      const { payload, protectedHeader } = await jwtVerify(token, (header, input) => this.#keys.keyFor(header, input), {
        issuer,
        audience,
        algorithms: [...(algorithms ?? tokenAlgorithms)],
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ['exp', 'sub'],
      })
      this.#requireAccessToken(protectedHeader.typ)
      return {
        name: nameOf(payload, issuer),
        roles: rolesIn(payload, this.#settings),
        until: ((payload.exp as number) + clockToleranceSeconds) * 1000,
      }
    } catch (error) {
      if (error instanceof IssuerUnavailable || error instanceof TokenInvalid) throw error
      throw invalid(reasonOf(error), { cause: error })
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  #requireAccessToken(typ: unknown): void {
    const type = typeof typ === 'string' ? typ.toLowerCase() : undefined
    if (this.#settings.accessTokensOnly) {
      if (type === undefined || !accessTokenTypes.includes(type)) throw invalid('type')
    } else if (type !== undefined && !plainTypes.includes(type)) throw invalid('type')
  }
}

/** For people, and for access.log: no two subjects have one, no key of this node has it, and it stays on its line. */
function nameOf({ sub }: JWTPayload, issuer: string): string {
  if (typeof sub !== 'string' || sub === '' || sub.length > SUBJECT_CHARACTERS_MAX || !sub.isWellFormed()) {
    throw invalid('subject')
  }
  return `${encodeURIComponent(sub)}@${issuer.replace(/^https?:\/\//, '')}`
}

function rolesIn(payload: JWTPayload, { rolesClaim, roleMap }: OidcSettings): ApiRole[] {
  let claim: unknown = payload
  for (const step of [rolesClaim].flat()) {
    claim = isObject(claim) && Object.hasOwn(claim, step) ? claim[step] : undefined
  }
  // Scopes are words in one string (RFC 8693 §4.2), roles and groups an array.
  const names = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  const roles = names
    .slice(0, ROLE_NAMES_MAX)
    .flatMap((name) => (typeof name === 'string' && Object.hasOwn(roleMap, name) ? (roleMap[name] ?? []) : []))
  return [...new Set(roles)]
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** In few words, for whoever has sent it. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'nbf' ? 'not_yet' : `claim_${error.claim}`
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'algorithm'
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) return 'key'
  return 'malformed'
}

function invalid(reason: string, options?: ErrorOptions): TokenInvalid {
  return new TokenInvalid('token_invalid', `the access token is not good for this API: ${reason}`, { reason }, options)
}
