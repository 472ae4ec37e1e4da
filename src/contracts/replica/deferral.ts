import type { Reception } from '../../agreement/receive.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Delivery } from './mailbox.ts'

/** How long what has been taken in waits for more, so that one write serves both. Milliseconds. */
export const DEFER_MS = 5
/** How many statements wait like that at most. */
export const DEFERRED_MAX = 64

/** What turns have taken in and not written. Nobody has been told of it, and who has brought it still waits. */
export interface Deferred {
  readonly reception: Reception
  readonly deliveries: readonly Delivery[]
}

/**
 * A write of its own is not needed for an answer or a head that arrives while another is awaited: what comes next is written
 * together with it. As long as that has not come, for a few milliseconds, nothing of it counts.
 */
export class Deferral {
  readonly #clock: Clock
  readonly #wake: () => void
  #deferred: Deferred | undefined
  #cancel: (() => void) | undefined
  #isOver = false

  /** `wake` is called when the time is over. */
  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock
    this.#wake = wake
  }

  get deferred(): Deferred | undefined {
    return this.#deferred
  }

  /** The time is over: the next turn writes it. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Whether this may wait for more: valid statements of others, in a contract where something is under way. */
  mayDefer(reception: Reception, self: string): boolean {
    const { state, taken, completions, settled, refused, unjudged, equivocations, otherBranches } = reception
    if (this.#isOver || taken.length === 0 || taken.length > DEFERRED_MAX) return false
    const found = completions.length + settled.length + refused.length + unjudged.length
    if (found + equivocations.length + otherBranches.length > 0) return false
    if (taken.some(({ lacks, statement }) => lacks.length > 0 || statement.party === self)) return false
    const { ledger, settling } = state
    return ledger.lacking === undefined && (ledger.open.length > 0 || ledger.log.size > settling.settled)
  }

  defer(deferred: Deferred): void {
    this.#deferred = deferred
    this.#cancel ??= this.#clock.after(DEFER_MS, () => this.end())
  }

  /** The time is over now. */
  end(): void {
    if (this.#deferred === undefined) return
    this.#cancel?.()
    this.#isOver = true
    this.#wake()
  }

  /** It has been written, or never will be. */
  clear(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#deferred = undefined
    this.#isOver = false
  }

  /** Nothing of it is taken in; who has brought it is told. */
  fail(error: unknown): void {
    for (const { done } of this.#deferred?.deliveries ?? []) done.reject(error)
    this.clear()
  }
}
