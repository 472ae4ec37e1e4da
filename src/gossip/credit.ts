import type { Handle } from '../events/ids.ts'
import type { Clock } from '../runtime/clock.ts'
import { RateLimit } from '../runtime/rate-limit.ts'

/** Statements of one peer that may be refused at once, and each second from then on. A signature that fails costs milliseconds. */
export const REFUSED_AT_ONCE_MAX = 128
export const REFUSED_PER_SECOND = 8

/**
 * How much invalid input a peer may still send. An honest peer brings only what it has verified, and the validity of
 * a statement depends on its bytes and its past alone: so a member that forges costs the carriers of its statements
 * nothing. Once the credit is spent, the rest of a message is skipped; it comes again when there is credit again
 * (decision 0080).
 */
export interface Credit {
  readonly peer: Handle
  readonly isSpent: boolean
  /** That number of statements was refused, or not signed by their parties. */
  spend(refused: number): void
}

/** That of each peer. */
export class Credits {
  readonly #limit: RateLimit<Handle>

  constructor(clock: Clock) {
    const rate = { perSecond: REFUSED_PER_SECOND, burst: REFUSED_AT_ONCE_MAX }
    this.#limit = new RateLimit(rate, () => clock.now())
  }

  /** Milliseconds until the peer has credit again; 0: it has. */
  waitMs(peer: Handle): number {
    return this.#limit.waitMs(peer)
  }

  of(peer: Handle): Credit {
    const limit = this.#limit
    return {
      peer,
      get isSpent() {
        return limit.waitMs(peer) > 0
      },
      spend: (refused) => {
        if (refused > 0) limit.take(peer, refused)
      },
    }
  }
}
