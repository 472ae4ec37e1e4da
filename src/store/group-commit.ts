import type { Engine } from './engine.ts'
import type { Appended, Write } from './port.ts'

interface Waiting {
  readonly batch: readonly Write[]
  readonly done: PromiseWithResolvers<readonly Appended[]>
}

/**
 * Gathers the batches that arrive in one turn of the event loop and commits them together: they share one wait for the
 * disk, and nobody is answered before it is over.
 */
export class GroupCommit {
  readonly #engine: Engine
  readonly #committed: () => void
  #waiting: Waiting[] = []

  /** `committed` is called when something has been committed, before those who wait for it go on. */
  constructor(engine: Engine, committed: () => void) {
    this.#engine = engine
    this.#committed = committed
  }

  /** Resolves with the result of each append of the batch, when they are durable. */
  add(batch: readonly Write[]): Promise<readonly Appended[]> {
    const done = Promise.withResolvers<readonly Appended[]>()
    this.#waiting.push({ batch, done })
    if (this.#waiting.length === 1) this.#engine.defer(() => this.flush())
    return done.promise
  }

  /** Commits what waits, now. */
  flush(): void {
    const group = this.#waiting
    if (group.length === 0) return
    this.#waiting = []
    try {
      const outcomes = this.#engine.commit(group.map(({ batch }) => batch))
      group.forEach(({ done }, index) => {
        const outcome = outcomes[index]
        if (outcome !== undefined && 'appended' in outcome) done.resolve(outcome.appended)
        else done.reject(outcome?.error)
      })
      this.#committed()
    } catch (error) {
      for (const { done } of group) done.reject(error)
    }
  }
}
