import type { AllStreamSubscription, ResolvedEvent } from '@eventstore/db-client'
import { StoreUnavailable } from '../errors.ts'
import type { EventHandler, RecordedEvent, Subscription } from '../port.ts'
import { toStoreError } from './client-errors.ts'

const BACK_OFF_MIN_MS = 20
const BACK_OFF_MAX_MS = 5_000

export interface Source {
  /** Opens the server's subscription, behind a position. */
  open(after: number | undefined): AllStreamSubscription
  /** The event as the port has it, undefined if it is not wanted. */
  convert(event: ResolvedEvent): RecordedEvent | undefined
}

/**
 * A subscription that outlives those of the server: one that is dropped, for the consumer was too slow (its buffer has 32
 * events), the connection was cut or the server stopped, is opened anew behind the last event handled. Events wait in the
 * stream's own bounded queue, and beyond that with the server.
 */
export class CatchUpSubscription implements Subscription {
  readonly closed: Promise<void>
  /** Resolves when `closed` is decided, either way. */
  readonly ended: Promise<void>
  readonly #source: Source
  readonly #handler: EventHandler
  #position: number | undefined
  #isClosing = false
  #interrupt: () => void = () => {}

  constructor(after: number | undefined, source: Source, handler: EventHandler) {
    this.#position = after
    this.#source = source
    this.#handler = handler
    const ended = Promise.withResolvers<void>()
    this.ended = ended.promise
    this.closed = this.#run().finally(ended.resolve)
  }

  get position(): number | undefined {
    return this.#position
  }

  close(): void {
    this.#isClosing = true
    this.#interrupt()
  }

  async #run(): Promise<void> {
    // The subscriber has the subscription in its hands before the first event comes.
    await new Promise((resolve) => setImmediate(resolve))
    let backOffMs = BACK_OFF_MIN_MS
    while (!this.#isClosing) {
      const before = this.#position
      const failure = await this.#follow()
      if (this.#isClosing) return
      if (failure !== undefined && !(failure instanceof StoreUnavailable)) throw failure
      backOffMs = this.#position === before ? Math.min(backOffMs * 2, BACK_OFF_MAX_MS) : BACK_OFF_MIN_MS
      await this.#pause(backOffMs)
    }
  }

  /** Until the server's subscription ends; the answer says why, if that is known. Throws what the handler throws. */
  async #follow(): Promise<Error | undefined> {
    const subscription = this.#source.open(this.#position)
    subscription.on('error', () => {})
    this.#interrupt = () => subscription.destroy()
    const iterator = subscription[Symbol.asyncIterator]() as AsyncIterator<ResolvedEvent>
    try {
      while (!this.#isClosing) {
        const next = await iterator.next().catch((error: unknown) => toStoreError(error, 'subscription'))
        if (next instanceof Error) return next
        if (next.done === true) return undefined
        if (!this.#isClosing) await this.#handle(next.value)
      }
      return undefined
    } finally {
      subscription.unsubscribe().catch(() => {})
      subscription.destroy()
    }
  }

  async #handle(resolved: ResolvedEvent): Promise<void> {
    const event = this.#source.convert(resolved)
    if (event === undefined) return
    await this.#handler(event)
    this.#position = event.position
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs)
      this.#interrupt = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
