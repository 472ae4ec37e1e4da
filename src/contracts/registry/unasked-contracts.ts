import type { Handle, Uid } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import { RateLimit } from '../../runtime/rate-limit.ts'

/** How many contracts that nobody here asked for are held. */
export interface UnaskedBounds {
  /** Contracts that one party has brought. */
  readonly ofPartyMax: number
  readonly inAllMax: number
}

export const defaultUnaskedBounds: UnaskedBounds = { ofPartyMax: 1_024, inAllMax: 8_192 }

/**
 * How many times what one party brings may take the place of something older: at once, and in an hour from then on: each time the
 * `contracts` stream gets longer, which nothing makes shorter again.
 */
const REPLACED_AT_ONCE_MAX = 32
const REPLACED_PER_HOUR = 6

/** How many of those that were given up are remembered. */
const GIVEN_UP_KNOWN_MAX = 8_192

/**
 * Contracts that others have brought and in which this party has said nothing: it is not named there, or has an invitation
 * that it has not accepted. Where there is not room for all, the oldest of the party that has brought most goes, so that no party
 * takes room from another that has less. What went once comes again only where there is room (decision 0070).
 */
export class Unasked {
  readonly #bounds: UnaskedBounds
  readonly #replacing: RateLimit<Handle>
  /** By who has brought them, oldest first. */
  readonly #of = new Map<Handle, Set<Uid>>()
  readonly #broughtBy = new Map<Uid, Handle>()
  readonly #gone = new Set<Uid>()
  readonly #givenUp = new Map<Handle, number>()

  constructor(clock: Clock, bounds: UnaskedBounds = defaultUnaskedBounds) {
    this.#bounds = bounds
    const rate = { perSecond: REPLACED_PER_HOUR / 3_600, burst: REPLACED_AT_ONCE_MAX }
    this.#replacing = new RateLimit(rate, () => clock.now())
  }

  get size(): number {
    return this.#broughtBy.size
  }

  has(contract: Uid): boolean {
    return this.#broughtBy.has(contract)
  }

  /** By who had brought them, how many were given up in this life of the process. */
  get givenUp(): ReadonlyMap<Handle, number> {
    return this.#givenUp
  }

  add(contract: Uid, from: Handle): void {
    this.remove(contract)
    this.#gone.delete(contract)
    this.#broughtBy.set(contract, from)
    const theirs = this.#of.get(from) ?? new Set<Uid>()
    this.#of.set(from, theirs.add(contract))
  }

  /** This party has joined it, or wants to; or it is not held any more. */
  remove(contract: Uid): void {
    const from = this.#broughtBy.get(contract)
    if (from === undefined) return
    this.#broughtBy.delete(contract)
    const theirs = this.#of.get(from)
    theirs?.delete(contract)
    if (theirs?.size === 0) this.#of.delete(from)
  }

  hasRoomFor(from: Handle): boolean {
    return this.#sizeOf(from) < this.#bounds.ofPartyMax && this.size < this.#bounds.inAllMax
  }

  /** Whether a contract may take the place of an older one at all. */
  mayReplace(contract: Uid, from: Handle): boolean {
    return !this.#gone.has(contract) && this.#replacing.waitMs(from) === 0
  }

  /** The one that goes to make room for what this party brings, of those that may go. */
  oldestFor(from: Handle, mayGo: (contract: Uid) => boolean): Uid | undefined {
    const own = this.#sizeOf(from)
    const [fullest] = [...this.#of].sort(([, one], [, other]) => other.size - one.size)
    const isOwn = own >= this.#bounds.ofPartyMax || fullest === undefined || fullest[1].size <= own
    for (const contract of (isOwn ? this.#of.get(from) : fullest[1]) ?? []) if (mayGo(contract)) return contract
    return undefined
  }

  /**
   * The oldest contract that can make room for one that this party brings: a contract in which nobody here works, and
   * in which this party has signed nothing.
   */
  async oldestToGo(
    from: Handle,
    cache: { isInUse(contract: Uid): boolean },
    hasSigned: (contract: Uid) => Promise<boolean>,
  ): Promise<Uid | undefined> {
    for (;;) {
      const oldest = this.oldestFor(from, (contract) => !cache.isInUse(contract))
      if (oldest === undefined) return undefined
      const isSigned = await hasSigned(oldest)
      // Somebody may have begun to work in it meanwhile.
      if (!isSigned && !cache.isInUse(oldest)) return oldest
      if (isSigned) this.remove(oldest)
      if (this.hasRoomFor(from)) return undefined
    }
  }

  /** Whether it was given up, as far as is remembered. */
  isGone(contract: Uid): boolean {
    return this.#gone.has(contract)
  }

  /** It goes now, for one that `by` has brought. */
  giveUp(contract: Uid, by: Handle): void {
    const from = this.#broughtBy.get(contract)
    if (from !== undefined) this.#givenUp.set(from, (this.#givenUp.get(from) ?? 0) + 1)
    this.#replacing.take(by, 1)
    this.wentBefore(contract)
  }

  /** It had gone before this process began. */
  wentBefore(contract: Uid): void {
    this.remove(contract)
    this.#gone.add(contract)
    if (this.#gone.size > GIVEN_UP_KNOWN_MAX) this.#gone.delete(this.#gone.values().next().value as Uid)
  }

  #sizeOf(from: Handle): number {
    return this.#of.get(from)?.size ?? 0
  }
}
