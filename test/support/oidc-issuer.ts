import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import {
  CompactSign,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose'
import type { TlsCredentials } from '../../src/gossip/transport/protocol.ts'

interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

/** A small OpenID provider over real sockets: it publishes what a node looks up, and signs what a test wants signed. */
export class OidcIssuer {
  /** `http://127.0.0.1:port`, also while it is down. */
  readonly url: string
  /** Whatever is to be served in place of what a provider serves, by path. */
  readonly instead = new Map<string, RequestListener>()
  /** How often each path was asked for. */
  readonly asked = new Map<string, number>()
  readonly #tls: TlsCredentials | undefined
  readonly #port: number
  #server: ReturnType<typeof createHttpServer>
  #keys: SigningKey[] = []

  private constructor(server: ReturnType<typeof createHttpServer>, tls: TlsCredentials | undefined) {
    this.#tls = tls
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
    this.url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}`
  }

  static async start(tls?: TlsCredentials): Promise<OidcIssuer> {
    const issuer: OidcIssuer = new OidcIssuer(await listen(0, tls, (...call) => issuer.#answer(...call)), tls)
    await issuer.rotate()
    return issuer
  }

  /** Signs with a new key from now on, and forgets the older ones if told so. */
  async rotate({ alg = 'ES256', forget = true } = {}): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    const kid = `key-${this.#keys.length}-${Math.random().toString(36).slice(2)}`
    const key = { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
    this.#keys = forget ? [key] : [...this.#keys, key]
  }

  get keys(): readonly SigningKey[] {
    return this.#keys
  }

  get newest(): SigningKey {
    return this.#keys.at(-1) as SigningKey
  }

  /** A token as a provider makes it, but for what the test wants otherwise. undefined: that claim is left out. */
  token(claims: JWTPayload = {}, header: Partial<JWTHeaderParameters> = {}, signed = this.newest): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const usual = { iss: this.url, aud: 'concordata', sub: 'ana', iat: now, exp: now + 300, groups: ['readers'] }
    return new SignJWT({ ...usual, ...claims })
      .setProtectedHeader({ typ: 'at+jwt', alg: signed.alg, kid: signed.kid, ...header })
      .sign(signed.privateKey)
  }

  /** A token whose claims are these bytes, whatever they are. */
  signed(claims: string, { alg, kid, privateKey } = this.newest): Promise<string> {
    return new CompactSign(Buffer.from(claims)).setProtectedHeader({ typ: 'at+jwt', alg, kid }).sign(privateKey)
  }

  async goDown(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async comeBack(): Promise<void> {
    this.#server = await listen(this.#port, this.#tls, (...call) => this.#answer(...call))
  }

  #answer(...[request, response]: Parameters<RequestListener>): void {
    const path = request.url as string
    this.asked.set(path, (this.asked.get(path) ?? 0) + 1)
    const instead = this.instead.get(path)
    if (instead !== undefined) return void instead(request, response)
    const documents: { [path: string]: unknown } = {
      '/.well-known/openid-configuration': {
        issuer: this.url,
        jwks_uri: `${this.url}/keys`,
        response_types_supported: [],
      },
      '/keys': { keys: this.#keys.map(({ jwk }) => jwk) },
    }
    if (documents[path] === undefined) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(documents[path]))
  }
}

async function listen(port: number, tls: TlsCredentials | undefined, answer: RequestListener) {
  const server =
    tls === undefined ? createHttpServer(answer) : createHttpsServer({ key: tls.key, cert: tls.certificate }, answer)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}
