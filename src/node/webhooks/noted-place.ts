import type { Clock } from '../../runtime/clock.ts'
import type { Message } from './messages.ts'

/** How long what a receiver has taken may not be written down, while there is more to send. Milliseconds. */
const UNNOTED_MS = 10

/**
 * How far a lane has been told, written while a receiver is waited for, and not for each message: that would take as long as to send one. Whatever ends
 * the process before it is written has the last few sent again, under their ids.
 */
export class NotedPlace {
  readonly #clock: Clock
  readonly #write: (revision: number, part: number, mark: string | null) => void
  #waits: (() => void) | undefined
  #notedAt: number

  constructor(clock: Clock, write: (revision: number, part: number, mark: string | null) => void) {
    this.#clock = clock
    this.#write = write
    this.#notedAt = clock.now()
  }

  /** `next`: what comes behind it. */
  told({ mark, part, revision }: Message, next: Message | undefined): void {
    const hasMore = next?.revision === revision
    this.#waits = hasMore ? () => this.#write(revision, part + 1, null) : () => this.#write(revision + 1, 0, mark)
  }

  /** What is due is written while something is sent. Where it cannot be, nothing is under way any more when this throws. */
  async during<Result>(sending: Promise<Result>): Promise<Result> {
    try {
      this.#noteIfDue()
    } catch (error) {
      await sending
      throw error
    }
    return sending
  }

  #noteIfDue(): void {
    const sinceMs = this.#clock.now() - this.#notedAt
    if (sinceMs < 0 || sinceMs >= UNNOTED_MS) this.note()
  }

  note(): void {
    this.#waits?.()
    this.#waits = undefined
    this.#notedAt = this.#clock.now()
  }
}
