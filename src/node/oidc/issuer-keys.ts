import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWK,
  type JWSHeaderParameters,
} from 'jose'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Clock } from '../../runtime/clock.ts'
import { type IssuerClient, IssuerUnavailable, unavailable } from './issuer-client.ts'

/** How old keys get before they are looked up again, which nobody waits for. */
const FRESH_MS = 10 * 60_000
/** For how long keys are trusted while the issuer cannot be reached. */
const TRUSTED_MS = 60 * 60_000
/** A key that is not known makes the node look, but not more often than this, whoever makes up names of keys. */
const UNKNOWN_KEY_PAUSE_MS = 10_000
/** How long an issuer that failed is left alone. */
const FAILURE_PAUSE_MS = 2_000

const discoveryForm = Compile(Type.Object({ issuer: Type.String(), jwks_uri: Type.String({ maxLength: 2048 }) }))
const keySetForm = Compile(Type.Object({ keys: Type.Array(Type.Object({ kty: Type.String() }), { maxItems: 128 }) }))

interface KeySet {
  readonly at: number
  readonly keyFor: (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>
}

export interface IssuerKeysPorts {
  readonly client: IssuerClient
  readonly clock: Clock
  /** Keys that are known are still used, but no newer ones could be had. */
  failed(error: unknown): void
}

/** The public keys with which an issuer signs, as it publishes them: new ones are found when a token names them. */
export class IssuerKeys {
  readonly #issuer: string
  readonly #jwksUri: string | undefined
  readonly #ports: IssuerKeysPorts
  #known: KeySet | undefined
  #pending: Promise<KeySet> | undefined
  #failure: { readonly at: number; readonly error: unknown } | undefined

  constructor({ issuer, jwksUri }: { issuer: string; jwksUri?: string | undefined }, ports: IssuerKeysPorts) {
    this.#issuer = issuer
    this.#jwksUri = jwksUri
    this.#ports = ports
  }

  /** Attacker-controlled: the header. Throws IssuerUnavailable, and what `jose` throws if there is no such key. */
  async keyFor(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    const known = await this.#current()
    try {
      return await known.keyFor(header, token)
    } catch (error) {
      const isUnknown = error instanceof errors.JWKSNoMatchingKey
      if (!isUnknown || this.#ports.clock.now() - known.at < UNKNOWN_KEY_PAUSE_MS) throw error
      return (await this.#fetch()).keyFor(header, token)
    }
  }

  async #current(): Promise<KeySet> {
    const age = this.#ports.clock.now() - (this.#known?.at ?? Number.NEGATIVE_INFINITY)
    if (this.#known === undefined || age >= TRUSTED_MS) return this.#fetch()
    if (age >= FRESH_MS && !this.#isPausing) void this.#fetch().catch(this.#ports.failed)
    return this.#known
  }

  get #isPausing(): boolean {
    return this.#failure !== undefined && this.#ports.clock.now() - this.#failure.at < FAILURE_PAUSE_MS
  }

  /** Once, however many wait for it. */
  async #fetch(): Promise<KeySet> {
    if (this.#isPausing) throw this.#failure?.error
    this.#pending ??= this.#load().finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  async #load(): Promise<KeySet> {
    const { client, clock } = this.#ports
    try {
      const url = this.#jwksUri ?? (await this.#discover())
      const found = await client.json(url)
      if (!keySetForm.Check(found)) throw unavailable(url, 'serves no set of keys')
      this.#known = { at: clock.now(), keyFor: createLocalJWKSet({ keys: found.keys as JWK[] }) }
      this.#failure = undefined
      return this.#known
    } catch (cause) {
      const error = cause instanceof IssuerUnavailable ? cause : unavailable(this.#issuer, 'serves no keys', { cause })
      this.#failure = { at: clock.now(), error }
      throw error
    }
  }

  /** OpenID Connect Discovery 1.0 §4.3: the document must be that of the issuer, to the letter. */
  async #discover(): Promise<string> {
    const url = `${this.#issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const found = await this.#ports.client.json(url)
    if (!discoveryForm.Check(found)) throw unavailable(url, 'serves no discovery document')
    if (found.issuer !== this.#issuer) throw unavailable(url, `is of another issuer, ${JSON.stringify(found.issuer)}`)
    return found.jwks_uri
  }
}
