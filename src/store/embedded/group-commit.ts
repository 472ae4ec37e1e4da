import type { Appended, Write } from '../port.ts'
import type { StoreEngine } from './engine.ts'
import { Patience } from './patience.ts'

/** A batch that was committed, with the result of each of its appends. */
export interface Committed {
  readonly batch: readonly Write[]
  readonly appended: readonly Appended[]
}

interface Waiting {
  readonly batch: readonly Write[]
  readonly done: PromiseWithResolvers<readonly Appended[]>
}

/**
 * Gathers the batches that arrive in one turn of the event loop and commits them together: they share one wait for the
 * disk, and nobody is answered before it is over.
 */
export class GroupCommit {
  readonly #engine: StoreEngine
  readonly #committed: (committed: readonly Committed[]) => void
  readonly #lockedMs: number
  #waiting: Waiting[] = []
  /** While another process has the store locked. */
  #patience: Patience | undefined

  /**
   * `committed` is told what has been committed, in order, in a later turn: those who wait for it go on first. `lockedMs`: how long
   * the store may be locked before those who wait are told StoreLocked, also those that have come last.
   */
  constructor(engine: StoreEngine, lockedMs: number, committed: (committed: readonly Committed[]) => void) {
    this.#engine = engine
    this.#lockedMs = lockedMs
    this.#committed = committed
  }

  /** Resolves with the result of each append of the batch, when they are durable. */
  add(batch: readonly Write[]): Promise<readonly Appended[]> {
    const done = Promise.withResolvers<readonly Appended[]>()
    this.#waiting.push({ batch, done })
    if (this.#waiting.length === 1) this.#engine.defer(() => this.flush())
    return done.promise
  }

  /** Commits what waits, now. The answer: the end of what waits nevertheless, since the store is locked; undefined: nothing does. */
  flush(): Promise<unknown> | undefined {
    if (this.#patience === undefined) this.#attempt()
    if (this.#waiting.length === 0) return undefined
    return Promise.allSettled(this.#waiting.map(({ done }) => done.promise))
  }

  #attempt(): void {
    const group = this.#waiting
    if (group.length === 0) return
    this.#waiting = []
    try {
      const outcomes = this.#engine.commit(group.map(({ batch }) => batch))
      const committed: Committed[] = []
      group.forEach(({ batch, done }, index) => {
        const outcome = outcomes[index]
        if (outcome !== undefined && 'appended' in outcome) {
          committed.push({ batch, appended: outcome.appended })
          done.resolve(outcome.appended)
        } else done.reject(outcome?.error)
      })
      this.#patience = undefined
      this.#engine.defer(() => this.#committed(committed))
    } catch (error) {
      this.#patience ??= new Patience(this.#lockedMs)
      const pauseMs = this.#patience.pauseAfter(error)
      if (pauseMs === undefined) {
        this.#patience = undefined
        for (const { done } of group) done.reject(error)
        return
      }
      this.#waiting = group
      setTimeout(() => this.#attempt(), pauseMs)
    }
  }
}
