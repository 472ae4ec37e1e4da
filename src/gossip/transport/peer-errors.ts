import { ConcordataError } from '../../runtime/errors.ts'

/** Evidence of all of them: `endpoint`. */

/** No connection came about, or it broke before the answer was whole. */
export class PeerUnreachable extends ConcordataError {}

/** The peer answered, but did not take the call. Evidence: `status` (HTTP) and `code`, as far as the peer says it. */
export class PeerRefused extends ConcordataError {}

/** The peer has too much to do (429 or 503): it is up, and is to be called again, later. Evidence: `status`, `code`, `retryAfterMs`. */
export class PeerBusy extends ConcordataError {
  readonly retryAfterMs: number

  constructor(endpoint: string, status: number, code: string | undefined, retryAfterMs: number) {
    const message = `${endpoint} is to be called again in ${retryAfterMs} ms: status ${status}${code === undefined ? '' : ` (${code})`}`
    super('peer_busy', message, { endpoint, status, code, retryAfterMs })
    this.retryAfterMs = retryAfterMs
  }
}

/** Another certificate than the one pinned to the party. Evidence: `expected`, `presented` (undefined: none). */
export class PeerWrongCertificate extends ConcordataError {}

/** The answer was not there in time. Evidence: `timeoutMs`. */
export class PeerTimeout extends ConcordataError {}

/** The answer is not what the protocol says, or longer than it allows. */
export class PeerMalformed extends ConcordataError {}
