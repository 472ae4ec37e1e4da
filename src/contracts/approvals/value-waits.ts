import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import type { Clock } from '../../runtime/clock.ts'

/** How long a node waits for the values of a statement, unless it is configured otherwise. Milliseconds. */
export const PAYLOAD_WAIT_MS = 10_000

/**
 * For which statements this node waits that came without all of their values. A wait begins when the statement comes, or the
 * contract is loaded: a restart begins it anew, so it never lasts longer than a life of the process and one wait (decision 0020).
 */
export class ValueWaits {
  readonly #waitMs: number
  readonly #clock: Clock
  readonly #over: () => void
  readonly #waits = new Map<string, { isOver: boolean; readonly cancel: () => void }>()

  /** `over` is called when one has come to its end. */
  constructor(waitMs: number, clock: Clock, over: () => void) {
    this.#waitMs = waitMs
    this.#clock = clock
    this.#over = over
  }

  /** Whether none is under way. */
  get isIdle(): boolean {
    return [...this.#waits.values()].every(({ isOver }) => isOver)
  }

  /** These lack values, and no others do: for what is new the wait begins. */
  lacking(statements: readonly VerifiedStatement[]): void {
    if (statements.length + this.#waits.size === 0) return
    const hashes = new Set<string>(statements.map(({ hash }) => hash))
    for (const [hash, { cancel }] of this.#waits) {
      if (hashes.has(hash)) continue
      cancel()
      this.#waits.delete(hash)
    }
    for (const hash of hashes) if (!this.#waits.has(hash)) this.#begin(hash)
  }

  /** Whether there is still time for the values of that statement, which is one of those that lack some. */
  isWaitingFor({ hash }: VerifiedStatement): boolean {
    return this.#waits.get(hash)?.isOver === false
  }

  close(): void {
    for (const { cancel } of this.#waits.values()) cancel()
    this.#waits.clear()
  }

  #begin(hash: string): void {
    const cancel = this.#clock.after(this.#waitMs, () => {
      const wait = this.#waits.get(hash)
      if (wait === undefined) return
      wait.isOver = true
      this.#over()
    })
    this.#waits.set(hash, { isOver: false, cancel })
  }
}
