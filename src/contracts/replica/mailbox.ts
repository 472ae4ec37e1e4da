import type { Completion } from '../../agreement/completing.ts'
import type { KnownEntry } from '../../agreement/values/known-entries.ts'
import type { SignedStatement, StatementRefused } from '../../events/statement-codec.ts'
import type { Credit } from '../../gossip/credit.ts'
import type { Clock } from '../../runtime/clock.ts'

/** What became of statements handed to a contract. */
export type DeliveryResult = { readonly refused: readonly StatementRefused[] }

/** Something handed to a contract from outside. */
export interface Delivery {
  readonly statements: readonly SignedStatement[]
  /** What came with them and is for others. */
  readonly foreign?: readonly StatementRefused[]
  /** Payloads that came by themselves. */
  readonly payloads: readonly Completion[]
  /** Of whoever had the values of their requests. */
  readonly entries: readonly KnownEntry[]
  /** Of who has brought them. Undefined: they are this node's own concern. */
  readonly credit: Credit | undefined
  readonly done: PromiseWithResolvers<DeliveryResult>
}

/** What was refused, by the delivery that brought it. */
export type Refused = ReadonlyMap<Delivery, readonly StatementRefused[]>

/** How long a turn that has nothing to say on what has come waits for more, while users here wait for others (decision 0139). Milliseconds. */
const LULL_MS = 20

/** What waits for the next turn of a contract. */
export class Mailbox {
  #deliveries: Delivery[] = []
  /** Who waits for the history to be in memory. */
  #recalls: PromiseWithResolvers<void>[] = []
  /** Ends the wait for more. */
  #endLull: (() => void) | undefined

  get isEmpty(): boolean {
    return this.#deliveries.length + this.#recalls.length === 0
  }

  deliver(content: Omit<Delivery, 'done'>): Promise<DeliveryResult> {
    const done = Promise.withResolvers<DeliveryResult>()
    this.#deliveries.push({ ...content, done })
    return done.promise
  }

  recall(): Promise<void> {
    const done = Promise.withResolvers<void>()
    this.#recalls.push(done)
    return done.promise
  }

  /** No turn takes it any more. */
  fail(error: unknown): void {
    const { deliveries, recalls } = this.take()
    for (const { done } of deliveries) done.reject(error)
    for (const done of recalls) done.reject(error)
  }

  /** What comes in a moment, until something has, or `interrupt`. */
  async more(clock: Clock): Promise<Delivery[]> {
    if (this.isEmpty) {
      await new Promise<void>((resolve) => {
        const stop = clock.after(LULL_MS, resolve)
        this.#endLull = () => {
          stop()
          resolve()
        }
      })
      this.#endLull = undefined
    }
    return this.#deliveries.splice(0)
  }

  /** There is something else to do. */
  interrupt(): void {
    this.#endLull?.()
  }

  /** All that has come, for one turn. */
  take(): { readonly deliveries: Delivery[]; readonly recalls: readonly PromiseWithResolvers<void>[] } {
    const taken = { deliveries: this.#deliveries, recalls: this.#recalls }
    this.#deliveries = []
    this.#recalls = []
    return taken
  }
}

/** Without the statements: the store may have them already, and what comes of the others comes again. */
export function valuesOf(arrived: readonly Delivery[]): Delivery[] {
  return arrived.map((delivery) => ({ ...delivery, statements: [] }))
}
