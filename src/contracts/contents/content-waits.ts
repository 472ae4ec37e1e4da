import type { ContentName, NamedContent } from '../../events/attachments/content.ts'
import type { Clock } from '../../runtime/clock.ts'
import { Waits } from '../../runtime/waits.ts'

/** Who brings less than that in the long run is not waited for any longer, however steadily it brings something. */
const BYTES_PER_SECOND_MIN = 64 * 1024

/** Of a wait that is under way. */
interface Progress {
  /** However much comes. */
  leftMs: number
  hasProgressed: boolean
}

/**
 * For which contents this node's answers wait. A wait is over when nothing has come for as long as a value is waited for, and in any
 * case after a time that follows from the length of the content: so whoever names one cannot prolong it at will.
 */
export class ContentWaits {
  readonly #waitMs: number
  readonly #byName: Waits<ContentName>
  /** Of those that `#byName` has. */
  readonly #progress = new Map<ContentName, Progress>()

  /** `over` is called when one has come to its end. */
  constructor(waitMs: number, clock: Clock, over: () => void) {
    this.#waitMs = waitMs
    this.#byName = new Waits(clock, over)
  }

  /** Whether none is under way. */
  get isIdle(): boolean {
    return this.#byName.isIdle
  }

  /** Whether there is still time for it; if nobody has asked before, the wait begins. */
  isWaitingFor({ name, bytes }: NamedContent): boolean {
    if (!this.#byName.has(name)) this.#begin(name, this.#waitMs + (bytes / BYTES_PER_SECOND_MIN) * 1000)
    return this.#byName.isUnderWay(name)
  }

  /** A piece of it has come. */
  progressed(name: ContentName): void {
    const progress = this.#progress.get(name)
    if (progress !== undefined) progress.hasProgressed = true
  }

  /** It is not fetched any more: there is no time left for it, whether somebody has asked or not. */
  giveUp(name: ContentName): void {
    this.#byName.giveUp(name)
  }

  /** A wait that is under way is over. */
  end(name: ContentName): void {
    this.#byName.end(name)
  }

  /** Nothing that names it is open any more: whoever names it again has the whole time anew. */
  forget(name: ContentName): void {
    this.#byName.forget(name)
    this.#progress.delete(name)
  }

  close(): void {
    this.#byName.close()
    this.#progress.clear()
  }

  #begin(name: ContentName, leftMs: number): void {
    const progress: Progress = { leftMs, hasProgressed: false }
    this.#progress.set(name, progress)
    const pause = () => {
      const pauseMs = Math.min(this.#waitMs, progress.leftMs)
      progress.leftMs -= pauseMs
      progress.hasProgressed = false
      return pauseMs
    }
    this.#byName.begin(name, pause(), () => (progress.hasProgressed && progress.leftMs > 0 ? pause() : undefined))
  }
}
