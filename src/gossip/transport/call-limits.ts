import { ConcordataError } from '../../runtime/errors.ts'
import { RateLimit } from '../../runtime/rate-limit.ts'
import type { ReceiverLimits } from './receiver-limits.ts'

/** A caller has to wait. Evidence: `retryAfterMs`. */
export class TooMuch extends ConcordataError {
  readonly retryAfterMs: number

  constructor(code: 'exchange_rate_limited' | 'exchange_too_many', message: string, retryAfterMs: number) {
    super(code, message, { retryAfterMs })
    this.retryAfterMs = retryAfterMs
  }
}

/** What is asked of a party for which another of its exchanges has to end first. */
const BUSY_RETRY_MS = 1000

/**
 * Who may call now. Every approved party has buckets and places of its own, so that what one takes is not taken from
 * another; strangers have theirs by address (decision 0081).
 */
export class Admission {
  readonly #limits: ReceiverLimits
  readonly #calls: RateLimit<string>
  readonly #bytes: RateLimit<string>
  readonly #strangers: RateLimit<string>
  readonly #underWay = new Map<string, number>()
  #allUnderWay = 0

  /** `now`: milliseconds of a clock that does not go back. */
  constructor(limits: ReceiverLimits, now: () => number) {
    const { partyCallsPerSecond, partyBytesPerSecond, strangerCallsPerMinute } = limits
    this.#limits = limits
    this.#calls = new RateLimit({ perSecond: partyCallsPerSecond, burst: 10 * partyCallsPerSecond }, now)
    this.#bytes = new RateLimit({ perSecond: partyBytesPerSecond, burst: 10 * partyBytesPerSecond }, now)
    this.#strangers = new RateLimit({ perSecond: strangerCallsPerMinute / 60, burst: strangerCallsPerMinute }, now)
  }

  /** A call of somebody who is not approved. Milliseconds that it has to wait: 0, it may go on. */
  stranger(address: string): number {
    const waitMs = this.#strangers.waitMs(address)
    if (waitMs === 0) this.#strangers.take(address, 1)
    return waitMs
  }

  /** A call of an approved party that is no exchange. Throws TooMuch. */
  call(party: string): void {
    const waitMs = this.#calls.waitMs(party)
    if (waitMs > 0) throw tooFast('calls', waitMs)
    this.#calls.take(party, 1)
  }

  /** An exchange of an approved party begins; what is answered ends it, and may be called again. Throws TooMuch. */
  exchange(party: string): () => void {
    const own = this.#underWay.get(party) ?? 0
    const { partyExchangesMax, allExchangesMax } = this.#limits
    if (own >= partyExchangesMax || (own > 0 && this.#allUnderWay >= allExchangesMax)) {
      throw new TooMuch('exchange_too_many', 'too many exchanges are under way', BUSY_RETRY_MS)
    }
    // The bytes of this call are counted as they come: here, whether those of earlier calls leave room for more.
    const waitMs = this.#bytes.waitMs(party)
    if (waitMs > 0) throw tooFast('bytes', waitMs)
    this.call(party)
    this.#underWay.set(party, own + 1)
    this.#allUnderWay++
    let isUnderWay = true
    return () => {
      if (!isUnderWay) return
      isUnderWay = false
      this.#allUnderWay--
      const left = (this.#underWay.get(party) ?? 1) - 1
      if (left === 0) this.#underWay.delete(party)
      else this.#underWay.set(party, left)
    }
  }

  received(party: string, bytes: number): void {
    this.#bytes.take(party, bytes)
  }
}

function tooFast(what: string, waitMs: number): TooMuch {
  return new TooMuch('exchange_rate_limited', `more ${what} than this node takes from one caller`, waitMs)
}
