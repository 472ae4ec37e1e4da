import type { Appended, NewEvent, RecordedEvent } from '../port.ts'

/** How many events are kept for those who read what has just been appended. */
const EVENTS_MAX = 4096
const CHARACTERS_MAX = 4 * 1024 * 1024

/**
 * The newest events that this process has appended, by position without gaps: who follows the store gets them as they were given to
 * it, instead of reading them again (decision 0105). What another process has appended stands in none: then they begin anew behind it.
 * Requires an engine whose positions are 1, 2, 3 …
 */
export class RecentEvents {
  #events: RecordedEvent[] = []
  #characters = 0

  /** What was appended, with the place of its last event. A repeat, which was there before, changes nothing. */
  add(stream: string, events: readonly NewEvent[], { revision, position }: Appended): void {
    const first = position - events.length + 1
    const last = this.#events.at(-1)?.position
    if (last !== undefined && first <= last) return
    if (last !== undefined && first > last + 1) this.clear()
    events.forEach(({ type, data }, index) => {
      const behind = events.length - 1 - index
      this.#events.push({ stream, revision: revision - behind, position: position - behind, type, data })
      this.#characters += data.length
    })
    // Half of it goes at once, so that moving the rest costs little.
    if (this.#events.length > EVENTS_MAX || this.#characters > CHARACTERS_MAX) this.#forget()
  }

  /** The next events after a position, in pieces of at most that number of events or characters; undefined if what follows it is not all here. */
  after(position: number, eventsMax: number, charactersMax: number): readonly RecordedEvent[] | undefined {
    const first = this.#events[0]?.position
    if (first === undefined || position < first - 1 || position - first + 1 >= this.#events.length) return undefined
    const piece: RecordedEvent[] = []
    let characters = 0
    for (let at = position - first + 1; at < this.#events.length; at++) {
      if (piece.length >= eventsMax || characters >= charactersMax) break
      const event = this.#events[at] as RecordedEvent
      piece.push(event)
      characters += event.data.length
    }
    return piece
  }

  /** The position of the newest; undefined: there is none. */
  get last(): number | undefined {
    return this.#events.at(-1)?.position
  }

  clear(): void {
    this.#events = []
    this.#characters = 0
  }

  #forget(): void {
    let kept = this.#events.length
    let characters = 0
    while (kept > 0 && this.#events.length - kept < EVENTS_MAX / 2 && characters < CHARACTERS_MAX / 2) {
      characters += (this.#events[--kept] as RecordedEvent).data.length
    }
    this.#events = this.#events.slice(kept)
    this.#characters = characters
  }
}
