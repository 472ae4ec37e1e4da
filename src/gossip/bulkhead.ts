import type { Uid } from '../events/ids.ts'
import type { Clock } from '../runtime/clock.ts'

/** How long one contract may hold up an exchange that others are in, too. Milliseconds. */
const PATIENCE_MS = 5_000

/** What is done in a contract takes so long that nobody waits for it any more. It goes on. */
export class TakesTooLong extends Error {}

export interface BulkheadPorts {
  readonly clock: Clock
  failed(contract: Uid, error: unknown): void
  /** What took too long has come to an end: the contract may have something to say. */
  recovered(contract: Uid): void
}

/**
 * Isolates contracts, so that a slow or failing one does not delay the others: an error is reported, and work that
 * takes too long is no longer awaited. Until that work ends the contract is skipped (decision 0058).
 */
export class Bulkhead {
  readonly #ports: BulkheadPorts
  /** By contract, how many are under way that nobody waits for. */
  readonly #late = new Map<Uid, number>()

  constructor(ports: BulkheadPorts) {
    this.#ports = ports
  }

  /** Undefined: it has failed, takes too long, or the contract is skipped. */
  async do<Result>(contract: Uid, work: () => Promise<Result>): Promise<Result | undefined> {
    if (this.#late.has(contract)) return undefined
    const tooLong = Promise.withResolvers<never>()
    const done = Promise.try(work)
    const cancel = this.#ports.clock.after(PATIENCE_MS, () => {
      this.#leave(contract, done)
      tooLong.reject(new TakesTooLong(`an exchange goes on without ${contract}`))
    })
    try {
      return await Promise.race([done, tooLong.promise])
    } catch (error) {
      this.#ports.failed(contract, error)
      return undefined
    } finally {
      cancel()
    }
  }

  #leave(contract: Uid, done: Promise<unknown>): void {
    this.#late.set(contract, (this.#late.get(contract) ?? 0) + 1)
    const ended = () => {
      const others = (this.#late.get(contract) ?? 1) - 1
      if (others > 0) this.#late.set(contract, others)
      else this.#late.delete(contract)
      if (others === 0) this.#ports.recovered(contract)
    }
    done.then(ended, ended)
  }
}
