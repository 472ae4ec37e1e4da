import { utf8Length } from '../../crypto/bytes.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import { ENTRY_EVENTS_BYTES_MAX, ENTRY_EVENTS_MAX } from '../../events/limits.ts'

/** Fixed for engine 1: beside what else an entry has, in bytes of canonical JSON. With it every store takes the entry in one append. */
const RESERVED_BYTES = 64 * 1024
const ENDED_SETS_BYTES = 128 * 1024

/** Room for some of the events of an entry. What has not fitted once has closed it: so what is left out is all that comes behind. */
export class Share {
  readonly #bytesMax: number
  #events = 0
  #bytes = 0
  #isFull = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get isFull(): boolean {
    return this.#isFull
  }

  close(): void {
    this.#isFull = true
  }

  /** Of what is there in any case. */
  count(events: readonly ContractEvent[]): void {
    this.#events += events.length
    this.#bytes += bytesOf(events)
  }

  /** All of these, or none. */
  takes(...events: readonly ContractEvent[]): boolean {
    if (this.#isFull) return false
    const bytes = bytesOf(events)
    if (this.#events + events.length > ENTRY_EVENTS_MAX || this.#bytes + bytes > this.#bytesMax) {
      this.#isFull = true
      return false
    }
    this.#events += events.length
    this.#bytes += bytes
    return true
  }
}

/**
 * What an entry has room for whose commands no rule makes void: what follows from them and does not fit is left out (decision 0150).
 * `made`: what its commands have made.
 */
export class EntryRoom {
  readonly events = new Share(ENTRY_EVENTS_BYTES_MAX)
  /** Blocks and rule sets: they are switched also where what is computed has no room. */
  readonly switches = new Share(RESERVED_BYTES)
  /** Of rules that are not judged wherever they have to be. */
  readonly marks = new Share(RESERVED_BYTES)

  constructor(made: readonly ContractEvent[]) {
    this.events.count(made)
  }
}

/** Room for the end of change sets that have all votes and do not take effect. */
export function roomForEndedSets(): Share {
  return new Share(ENDED_SETS_BYTES)
}

export function bytesOf(events: readonly ContractEvent[]): number {
  return events.reduce((bytes, event) => bytes + utf8Length(canonicalJson(event)), 0)
}
