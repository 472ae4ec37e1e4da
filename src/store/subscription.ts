import { type EventsPiece, START } from './embedded/engine.ts'
import type { EventHandler, Subscription } from './port.ts'

/**
 * A subscription that pulls: it reads the next piece when the handler is done with the last, so nothing is ever
 * buffered for it. `wake` tells it that there may be news; one wake too many does no harm.
 */
export class PullSubscription implements Subscription {
  readonly closed: Promise<void>
  /** Resolves when `closed` is decided, either way. Whoever only waits for the end takes no rejection from its owner. */
  readonly ended: Promise<void>
  readonly #next: (after: number) => Promise<EventsPiece>
  readonly #pause: () => Promise<void>
  readonly #handler: EventHandler
  #position: number | undefined
  #through: number
  #isClosing = false
  #news: PromiseWithResolvers<void> | undefined

  /** `pause` is awaited after each piece. */
  constructor(
    after: number | undefined,
    handler: EventHandler,
    next: (after: number) => Promise<EventsPiece>,
    pause: () => Promise<void>,
  ) {
    this.#position = after
    this.#through = after ?? START
    this.#handler = handler
    this.#next = next
    this.#pause = pause
    const ended = Promise.withResolvers<void>()
    this.ended = ended.promise
    this.closed = this.#run().finally(ended.resolve)
  }

  get position(): number | undefined {
    return this.#position
  }

  wake(): void {
    this.#news?.resolve()
  }

  close(): void {
    this.#isClosing = true
    this.wake()
  }

  async #run(): Promise<void> {
    // The subscriber has the subscription in its hands before the first event comes.
    await this.#pause()
    while (!this.#isClosing) {
      // Before it looks, so that what comes while it does is not missed.
      const news = Promise.withResolvers<void>()
      this.#news = news
      const { events, through } = await this.#next(this.#through)
      if (through === this.#through) {
        if (!this.#isClosing) await news.promise
        continue
      }
      for (const event of events) {
        if (this.#isClosing) return
        await this.#handler(event)
        this.#position = event.position
      }
      this.#through = through
      await this.#pause()
    }
  }
}
