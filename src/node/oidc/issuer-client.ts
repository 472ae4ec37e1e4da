import { Agent, request } from 'undici'
import { ConcordataError } from '../../runtime/errors.ts'
import { isSafeUrl } from '../config/loopback.ts'

/** What the issuer of tokens publishes cannot be had, or is not what it has to be; keys of the API go on working. */
export class IssuerUnavailable extends ConcordataError {}

/** From the call to the last byte. */
const TIMEOUT_MS = 5_000
/** A discovery document has some 5 KiB, a key some 2. */
const BYTES_MAX = 256 * 1024

/** Fetches the JSON that an issuer publishes: over TLS, bounded in size and time, and never by way of a redirect. */
export class IssuerClient {
  readonly #agent: Agent

  /** `ca`: PEM of the authority to trust in place of the system's. */
  constructor(ca: string | undefined) {
    this.#agent = new Agent({
      connect: { timeout: TIMEOUT_MS, ...(ca === undefined ? {} : { ca }) },
      maxResponseSize: BYTES_MAX,
      connections: 1,
    })
  }

  /** Attacker-controlled, should the issuer be: the answer. Throws IssuerUnavailable. */
  async json(url: string): Promise<unknown> {
    if (!isSafeUrl(url)) throw unavailable(url, 'is no https URL')
    try {
      const { statusCode, body } = await request(url, {
        dispatcher: this.#agent,
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      if (statusCode === 200) return await body.json()
      await body.dump()
      throw unavailable(url, `answers with status ${statusCode}`)
    } catch (cause) {
      if (cause instanceof IssuerUnavailable) throw cause
      throw unavailable(url, cause instanceof SyntaxError ? 'serves no JSON' : (cause as Error).message, { cause })
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

export function unavailable(url: string, what: string, options?: ErrorOptions): IssuerUnavailable {
  return new IssuerUnavailable('issuer_unavailable', `${url} ${what}`, {}, options)
}
