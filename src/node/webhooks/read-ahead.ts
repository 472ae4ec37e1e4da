import type { Chunk } from './messages.ts'
import type { Lane, LaneKey } from './webhook-file.ts'

/** How long what was read ahead may be told: what has been erased since is in it. Milliseconds. */
const GOOD_FOR_MS = 5_000

interface Begun extends Pick<Lane, 'next' | 'until'> {
  readonly at: number
  readonly chunk: Promise<Chunk | undefined>
}

/** For how many lanes of a webhook: as many as are told at once. */
const LANES_MAX = 4

/** What comes behind what is told at the moment, read while a receiver is waited for: of each lane one chunk. */
export class ReadAhead {
  readonly #now: () => number
  readonly #begun = new Map<string, Begun>()

  /** `now`: milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  begin({ replay, stream, until }: Lane, next: number, read: () => Promise<Chunk | undefined>): void {
    const chunk = read()
    // Whoever takes it hears of it; whoever does not reads once more.
    chunk.catch(() => {})
    for (const oldest of this.#begun.keys()) {
      if (this.#begun.size < LANES_MAX) break
      this.#begun.delete(oldest)
    }
    this.#begun.set(`${replay} ${stream}`, { next, until, at: this.#now(), chunk })
  }

  /** Nothing is told for now. */
  drop({ replay, stream }: LaneKey): void {
    this.#begun.delete(`${replay} ${stream}`)
  }

  /** Undefined: nothing that is good was read ahead. In any case nothing is there any more. What has come since is not in it, so there may be more. */
  async take({ next, part, replay, stream, until }: Lane): Promise<Chunk | undefined> {
    const name = `${replay} ${stream}`
    const begun = this.#begun.get(name)
    this.#begun.delete(name)
    if (begun?.next !== next || begun.until !== until || part !== 0) return undefined
    const age = this.#now() - begun.at
    const chunk = age >= 0 && age <= GOOD_FOR_MS ? await begun.chunk : undefined
    return chunk && { ...chunk, more: true }
  }
}
