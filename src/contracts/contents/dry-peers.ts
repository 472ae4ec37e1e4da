import type { Handle } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'

/** A peer that has brought nothing is asked again after a pause that doubles, up to `DRY_MAX_MS`. Milliseconds. */
export const DRY_MS = 500
const DRY_MAX_MS = 10_000

/** Peers that had nothing to give, and are left alone for a while. */
export class DryPeers {
  readonly #clock: Clock
  readonly #peers = new Map<Handle, { readonly until: number; readonly pauseMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(peer: Handle): void {
    const pauseMs = Math.min(DRY_MAX_MS, 2 * (this.#peers.get(peer)?.pauseMs ?? DRY_MS / 2))
    this.#peers.set(peer, { until: this.#clock.now() + pauseMs, pauseMs })
  }

  /** It has brought something. */
  delete(peer: Handle): void {
    this.#peers.delete(peer)
  }

  /** There is something new to ask for. */
  clear(): void {
    this.#peers.clear()
  }

  /** Whether its pause is under way. A clock that has been set back ends it. */
  has(peer: Handle): boolean {
    const dry = this.#peers.get(peer)
    if (dry === undefined) return false
    const left = dry.until - this.#clock.now()
    return left > 0 && left <= dry.pauseMs
  }
}
