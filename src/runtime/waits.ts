import type { Clock } from './clock.ts'

interface Wait {
  isOver: boolean
  cancel: () => void
}

/** What is waited for, by its name. A wait that is over stays known, so that it does not begin anew, until it is forgotten. */
export class Waits<Name> {
  readonly #clock: Clock
  readonly #over: () => void
  readonly #waits = new Map<Name, Wait>()

  /** `over` is called when one has come to its end. */
  constructor(clock: Clock, over: () => void) {
    this.#clock = clock
    this.#over = over
  }

  /** Whether none is under way. */
  get isIdle(): boolean {
    return [...this.#waits.values()].every(({ isOver }) => isOver)
  }

  /** Those that are known, over or not. */
  get names(): readonly Name[] {
    return [...this.#waits.keys()]
  }

  has(name: Name): boolean {
    return this.#waits.has(name)
  }

  isUnderWay(name: Name): boolean {
    return this.#waits.get(name)?.isOver === false
  }

  /** Requires that it is not known. `goOnMs`: how much longer it is waited for when that time is up; undefined: no longer. */
  begin(name: Name, waitMs: number, goOnMs: () => number | undefined = () => undefined): void {
    const wait: Wait = { isOver: false, cancel: () => {} }
    this.#waits.set(name, wait)
    const schedule = (ms: number) => {
      wait.cancel = this.#clock.after(ms, () => {
        const more = goOnMs()
        if (more !== undefined) return schedule(more)
        wait.isOver = true
        this.#over()
      })
    }
    schedule(waitMs)
  }

  /** One that is under way is over. */
  end(name: Name): void {
    const wait = this.#waits.get(name)
    if (wait === undefined || wait.isOver) return
    wait.cancel()
    wait.isOver = true
    this.#over()
  }

  /** It is not waited for, whether somebody has begun to or not. */
  giveUp(name: Name): void {
    this.end(name)
    if (!this.#waits.has(name)) this.#waits.set(name, { isOver: true, cancel: () => {} })
  }

  /** Whoever waits for it again has the whole time. */
  forget(name: Name): void {
    this.#waits.get(name)?.cancel()
    this.#waits.delete(name)
  }

  close(): void {
    for (const { cancel } of this.#waits.values()) cancel()
    this.#waits.clear()
  }
}
