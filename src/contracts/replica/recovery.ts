import type { Clock } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { ObstacleCode } from '../obstacles/obstacles.ts'

/** How long a store that has failed is left alone; it doubles each time, up to `STORE_RETRY_MAX_MS`. Milliseconds. */
const STORE_RETRY_MS = 250
const STORE_RETRY_MAX_MS = 30_000
/** How long a failure is told after which nobody has tried again. Milliseconds. */
const TROUBLE_KEPT_MS = 10 * 60_000

/** What a contract knows of the turns that came to nothing: why, how many in a row, and when it tries again. */
export class Recovery {
  readonly #clock: Clock
  /** How many turns in a row have come to nothing. */
  #failures = 0
  /** Ends the time in which the store is left alone. */
  #endPause: (() => void) | undefined
  #trouble: ObstacleCode | undefined
  #failedAt = 0
  /** The store has been read since the last failure, which says nothing of whether it can be written to. */
  #isReadable = false
  /** A write has failed, and may have taken effect all the same: nothing is signed before the store has been read again (decision 0045). */
  isInDoubt = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Why the last turn came to nothing, as long as none has written anything since. Who had something to write tries again, so where
   * nobody does for long, and the store can be read, it is over.
   */
  get trouble(): ObstacleCode | undefined {
    const isOver = this.#isReadable && this.#clock.now() - this.#failedAt >= TROUBLE_KEPT_MS
    return isOver ? undefined : this.#trouble
  }

  get isFailing(): boolean {
    return this.#failures > 0
  }

  failed(error: unknown): void {
    this.#trouble = troubleOf(error)
    this.#failedAt = this.#clock.now()
    this.#isReadable = false
  }

  /** Something has become durable. */
  wrote(): void {
    this.#failures = 0
    this.#trouble = undefined
  }

  /** A turn has come to its end: the next failure is a first one. */
  succeeded(): void {
    this.#failures = 0
  }

  /** The store has been read again: what it says counts. `isWhole`: nothing that was signed has to come back into it. */
  isSure(isWhole: boolean): void {
    this.isInDoubt = false
    if (!isWhole) return
    this.#failures = 0
    this.#isReadable = true
  }

  /** Leaves the store alone, longer each time, or until `interrupt`. */
  async pause(): Promise<void> {
    const pauseMs = Math.min(STORE_RETRY_MAX_MS, STORE_RETRY_MS * 2 ** this.#failures++)
    await new Promise<void>((resolve) => {
      const stop = this.#clock.after(pauseMs, resolve)
      this.#endPause = () => {
        stop()
        resolve()
      }
    })
    this.#endPause = undefined
  }

  /** The store is asked again now. */
  interrupt(): void {
    this.#endPause?.()
  }
}

/** That another one signs the guard remembers, and an engine that is missing the contract. */
function troubleOf(error: unknown): ObstacleCode | undefined {
  const code = error instanceof ConcordataError ? error.code : undefined
  switch (code) {
    case 'guard_refused':
    case 'engine_unknown':
      return undefined
    case 'signer_unreachable':
    case 'signer_refused':
      return 'signer_unreachable'
    case 'contract_damaged':
      return 'contract_damaged'
    default:
      return 'store_failing'
  }
}
