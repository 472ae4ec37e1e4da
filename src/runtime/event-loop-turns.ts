import type { Turns } from './turns.ts'

/** How long this process works on without letting anything else have its turn. Milliseconds. */
const SLICE_MS = 5

/** A turn of the event loop, as Node has it. */
export class EventLoopTurns implements Turns {
  /** When somebody was first asked in this turn of the event loop. */
  #began: number | undefined
  #queue: (() => void)[] = []

  get isOver(): boolean {
    if (this.#began !== undefined) return performance.now() - this.#began >= SLICE_MS
    this.#begin()
    return false
  }

  next(): Promise<void> {
    const turn = Promise.withResolvers<void>()
    this.#queue.push(turn.resolve)
    if (this.#began === undefined) this.#begin()
    return turn.promise
  }

  #begin(): void {
    this.#began = performance.now()
    setImmediate(() => {
      this.#began = undefined
      const next = this.#queue.shift()
      if (next === undefined) return
      // One after another: what it does for now is done before the event loop goes on.
      this.#begin()
      next()
    })
  }
}
