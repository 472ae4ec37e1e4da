import type { ContentName, NamedContent } from '../../events/attachments/content.ts'
import type { Clock } from '../../runtime/clock.ts'

/** Who brings less than that in the long run is not waited for any longer, however steadily it brings something. */
const BYTES_PER_SECOND_MIN = 64 * 1024

interface Wait {
  /** However much comes. */
  leftMs: number
  hasProgressed: boolean
  isOver: boolean
  cancel: () => void
}

/**
 * For which contents this node's answers wait. A wait is over when nothing has come for as long as a value is waited for, and in any
 * case after a time that follows from the length of the content: so whoever names one cannot prolong it at will.
 */
export class ContentWaits {
  readonly #waitMs: number
  readonly #clock: Clock
  readonly #over: () => void
  readonly #waits = new Map<ContentName, Wait>()

  /** `over` is called when one has come to its end. */
  constructor(waitMs: number, clock: Clock, over: () => void) {
    this.#waitMs = waitMs
    this.#clock = clock
    this.#over = over
  }

  /** Whether none is under way. */
  get isIdle(): boolean {
    return [...this.#waits.values()].every(({ isOver }) => isOver)
  }

  /** Whether there is still time for it; if nobody has asked before, the wait begins. */
  isWaitingFor({ name, bytes }: NamedContent): boolean {
    const known = this.#waits.get(name)
    if (known !== undefined) return !known.isOver
    const leftMs = this.#waitMs + (bytes / BYTES_PER_SECOND_MIN) * 1000
    const wait: Wait = { leftMs, hasProgressed: false, isOver: false, cancel: () => {} }
    this.#waits.set(name, wait)
    this.#schedule(wait)
    return true
  }

  /** A piece of it has come. */
  progressed(name: ContentName): void {
    const wait = this.#waits.get(name)
    if (wait !== undefined) wait.hasProgressed = true
  }

  /** It is not fetched any more: there is no time left for it, whether somebody has asked or not. */
  giveUp(name: ContentName): void {
    this.end(name)
    if (!this.#waits.has(name))
      this.#waits.set(name, { cancel: () => {}, hasProgressed: false, isOver: true, leftMs: 0 })
  }

  /** A wait that is under way is over. */
  end(name: ContentName): void {
    const wait = this.#waits.get(name)
    if (wait === undefined || wait.isOver) return
    wait.cancel()
    wait.isOver = true
    this.#over()
  }

  /** Nothing that names it is open any more: whoever names it again has the whole time anew. */
  forget(name: ContentName): void {
    this.#waits.get(name)?.cancel()
    this.#waits.delete(name)
  }

  close(): void {
    for (const { cancel } of this.#waits.values()) cancel()
    this.#waits.clear()
  }

  #schedule(wait: Wait): void {
    const pauseMs = Math.min(this.#waitMs, wait.leftMs)
    wait.leftMs -= pauseMs
    wait.hasProgressed = false
    wait.cancel = this.#clock.after(pauseMs, () => {
      if (wait.hasProgressed && wait.leftMs > 0) {
        this.#schedule(wait)
        return
      }
      wait.isOver = true
      this.#over()
    })
  }
}
