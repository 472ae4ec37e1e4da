import { ConcordataError } from '../../../runtime/errors.ts'
import { RateLimit } from '../../../runtime/rate-limit.ts'

/** What callers of the inward API may take; what is left out stands as in `defaultInwardLimits`. */
export interface InwardLimits {
  /** Of each key, or subject of tokens; ten seconds' worth at once. */
  readonly callerCallsPerSecond?: number
  /** Calls of one address that show no good key or token; a minute's worth at once. */
  readonly addressFailuresPerMinute?: number
  /** Calls of each key, or subject of tokens, that are under way: whoever writes waits for the others. */
  readonly callerCallsUnderWayMax?: number
  /** Connections of `/live`, event streams and calls that wait for changes, of each key, or subject of tokens. */
  readonly callerConnectionsMax?: number
  /** How often one that stays is shown that it lives, and asked whether its other end does. */
  readonly heartbeatSeconds?: number
}

/** A program that writes as fast as its answers come stays below the first; a person with a wrong key below the second. */
export const defaultInwardLimits = {
  callerCallsPerSecond: 1_000,
  addressFailuresPerMinute: 60,
  callerCallsUnderWayMax: 1_000,
  callerConnectionsMax: 100,
  heartbeatSeconds: 30,
}

/** A caller has to wait. Evidence: `retryAfterSeconds`. */
export class ApiRateLimited extends ConcordataError {
  readonly retryAfterSeconds: number

  constructor(what: string, waitMs: number) {
    const retryAfterSeconds = Math.ceil(waitMs / 1000)
    const message = `${what} than this node takes; come again in ${retryAfterSeconds} s`
    super('api_rate_limited', message, { retryAfterSeconds })
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** A caller has too many calls under way. Evidence: `max`. */
export class ApiTooManyCalls extends ConcordataError {}

/**
 * Who may call now: every caller has a bucket of its own, so that what one takes is not taken from another. Bad keys are
 * counted by address and never stand in the way of good ones: behind a proxy, and on loopback, all have one address (decision 0083).
 */
export class CallLimits {
  readonly #calls: RateLimit<string>
  readonly #failures: RateLimit<string>
  readonly #underWayMax: number
  readonly #underWay = new Map<string, number>()

  /** `now`: milliseconds of a clock that does not go back. */
  constructor(limits: InwardLimits | undefined, now: () => number) {
    const { callerCallsPerSecond, callerCallsUnderWayMax, addressFailuresPerMinute } = {
      ...defaultInwardLimits,
      ...limits,
    }
    this.#underWayMax = callerCallsUnderWayMax
    this.#calls = new RateLimit({ perSecond: callerCallsPerSecond, burst: 10 * callerCallsPerSecond }, now)
    this.#failures = new RateLimit({ perSecond: addressFailuresPerMinute / 60, burst: addressFailuresPerMinute }, now)
  }

  /** Throws ApiRateLimited. */
  called(name: string): void {
    count(this.#calls, name, 'more calls with this key')
  }

  /** A call begins; the answer is to be called when it has ended. Throws ApiTooManyCalls. */
  begins(name: string): () => void {
    const max = this.#underWayMax
    const others = this.#underWay.get(name) ?? 0
    if (others >= max) {
      const message = `${max} calls with this key are under way; another has to end first`
      throw new ApiTooManyCalls('api_too_many_calls', message, { max })
    }
    this.#underWay.set(name, others + 1)
    return () => {
      const left = (this.#underWay.get(name) ?? 1) - 1
      if (left > 0) this.#underWay.set(name, left)
      else this.#underWay.delete(name)
    }
  }

  /** Throws ApiRateLimited. */
  failed(address: string): void {
    count(this.#failures, address, 'more calls without a good key')
  }
}

function count(limit: RateLimit<string>, key: string, what: string): void {
  const waitMs = limit.takeOne(key)
  if (waitMs > 0) throw new ApiRateLimited(what, waitMs)
}
