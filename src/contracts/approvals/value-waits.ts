import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import type { Clock } from '../../runtime/clock.ts'
import { Waits } from '../../runtime/waits.ts'

/** How long a node waits for the values of a statement, unless it is configured otherwise. Milliseconds. */
export const PAYLOAD_WAIT_MS = 10_000

/**
 * For which statements this node waits that came without all of their values. A wait begins when the statement comes, or the
 * contract is loaded: a restart begins it anew, so it never lasts longer than a life of the process and one wait (decision 0020).
 */
export class ValueWaits {
  readonly #waitMs: number
  readonly #byHash: Waits<string>

  /** `over` is called when one has come to its end. */
  constructor(waitMs: number, clock: Clock, over: () => void) {
    this.#waitMs = waitMs
    this.#byHash = new Waits(clock, over)
  }

  /** Whether none is under way. */
  get isIdle(): boolean {
    return this.#byHash.isIdle
  }

  /** These lack values, and no others do: for what is new the wait begins. */
  lacking(statements: readonly VerifiedStatement[]): void {
    const hashes = new Set<string>(statements.map(({ hash }) => hash))
    for (const hash of this.#byHash.names) if (!hashes.has(hash)) this.#byHash.forget(hash)
    for (const hash of hashes) if (!this.#byHash.has(hash)) this.#byHash.begin(hash, this.#waitMs)
  }

  /** Whether there is still time for the values of that statement, which is one of those that lack some. */
  isWaitingFor({ hash }: VerifiedStatement): boolean {
    return this.#byHash.isUnderWay(hash)
  }

  close(): void {
    this.#byHash.close()
  }
}
