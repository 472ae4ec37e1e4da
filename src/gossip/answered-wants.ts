import type { WantedEntries } from '../agreement/values/known-entries.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Handle, Uid } from '../events/ids.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Wanted } from './message.ts'
import type { WantedPieces } from './piece-line.ts'

/**
 * First pause before values are looked up for the same peer once more; it doubles each time, up to `AGAIN_MAX_MS`. Whoever
 * lacks them asks again after twice as long (`ASK_AGAIN_MS`), so no honest peer is put off. Milliseconds.
 */
const AGAIN_MS = 250
const AGAIN_MAX_MS = 5_000
/** What nobody has asked for again begins anew. */
const FORGOTTEN_MS = 60_000
/** How many are remembered, in equal shares for the peers that ask. A peer that asks for more waits until some are forgotten. */
export const ANSWERED_WANTS_MAX = 16_384

interface Answered {
  readonly at: number
  readonly pauseMs: number
}

/**
 * The values that each peer was given lately, or was found not to be given: who wants the same with every exchange must not be
 * answered each time, for ever.
 */
export class AnsweredWants {
  readonly #clock: Clock
  readonly #sizeMax: number
  /** Of each peer those that it asked for, the latest answer last. None is empty. */
  readonly #of = new Map<Handle, Map<string, Answered>>()
  #size = 0

  constructor(clock: Clock, sizeMax = ANSWERED_WANTS_MAX) {
    this.#clock = clock
    this.#sizeMax = sizeMax
  }

  get size(): number {
    return this.#size
  }

  /** Those that the peer may be answered now. */
  due(peer: Handle, contract: Uid, wanted: readonly Wanted[]): Wanted[] {
    this.#forgetOld(peer)
    const answered = this.#of.get(peer)
    let room = this.#roomOf(peer)
    return wanted.filter((one) => {
      const known = answered?.get(keyOf(contract, one))
      return known === undefined ? room-- > 0 : this.#sinceMs(known) >= known.pauseMs
    })
  }

  /** They were looked up for the peer. Requires that they were due. */
  answered(peer: Handle, contract: Uid, wanted: readonly Wanted[]): void {
    const answered = this.#of.get(peer) ?? new Map<string, Answered>()
    const at = this.#clock.now()
    for (const one of wanted) {
      const key = keyOf(contract, one)
      const before = answered.get(key)
      const pauseMs = before === undefined ? AGAIN_MS : Math.min(AGAIN_MAX_MS, 2 * before.pauseMs)
      if (!answered.delete(key)) this.#size++
      answered.set(key, { at, pauseMs })
    }
    if (answered.size > 0) this.#of.set(peer, answered)
    while (this.#size > this.#sizeMax) this.#makeRoom()
  }

  /** It is no peer any more. */
  drop(peer: Handle): void {
    this.#size -= this.#of.get(peer)?.size ?? 0
    this.#of.delete(peer)
  }

  /** What there is no room for in all goes from who has most: it has more than its share, and gets nothing new before it has less. */
  #makeRoom(): void {
    const [first, ...others] = [...this.#of.values()]
    const most = others.reduce((one, other) => (other.size > one.size ? other : one), first as Map<string, Answered>)
    most.delete(most.keys().next().value as string)
    this.#size--
  }

  #roomOf(peer: Handle): number {
    const own = this.#of.get(peer)?.size
    const peers = this.#of.size + (own === undefined ? 1 : 0)
    return Math.floor(this.#sizeMax / peers) - (own ?? 0)
  }

  #forgetOld(peer: Handle): void {
    const answered = this.#of.get(peer)
    if (answered === undefined) return
    for (const [key, one] of answered) {
      if (this.#sinceMs(one) < FORGOTTEN_MS) break
      answered.delete(key)
      this.#size--
    }
    if (answered.size === 0) this.#of.delete(peer)
  }

  /** A clock that was set back makes nobody wait. */
  #sinceMs({ at }: Answered): number {
    return Math.abs(this.#clock.now() - at)
  }
}

/** What stands in there for entries: no statement's values have that name. */
export function asWanted({ computed, from }: WantedEntries): Wanted {
  return { party: '' as Handle, seals: [`entries.${computed.join('.')}` as Hash], seq: from }
}

/** The same for pieces of a content: no seal has that name. */
export function piecesFrom({ content, from, party, seq }: WantedPieces): Wanted {
  return { party, seals: [`${content}.${from}` as Hash], seq }
}

/** Of a statement with more values than one message asks for, others are asked for next. */
function keyOf(contract: Uid, { party, seq, seals }: Wanted): string {
  return `${contract} ${party} ${seq} ${seals[0]}`
}
