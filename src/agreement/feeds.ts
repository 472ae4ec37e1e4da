import { Map as ImmutableMap, List } from 'immutable'
import { orderedObject } from '../crypto/canonical-json.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Handle, Seq } from '../events/ids.ts'
import { type Frontier, placesOf } from '../events/statement.ts'
import type { SignedStatement } from '../events/statement-codec.ts'
import { assert } from '../runtime/assert.ts'
import { HistoryPruned } from '../runtime/history-pruned.ts'
import type { VerifiedStatement } from './verified-statement.ts'
import { covers, emptyVector, type VersionVector } from './version-vector.ts'

/**
 * One party's statements from seq 0 without gaps: an immutable value. Statements before `base` may be pruned: access
 * to one of them throws HistoryPruned, and never returns anything else than the whole feed would. The newest is
 * always there.
 */
export class Feed {
  static readonly empty = new Feed(0, List(), undefined)
  /** The first seq in memory. 0: all statements are. */
  readonly base: Seq
  readonly #kept: List<VerifiedStatement>
  /** Of the pruned statements, the newest with a note. */
  readonly #noted: VerifiedStatement | undefined

  private constructor(base: Seq, kept: List<VerifiedStatement>, noted: VerifiedStatement | undefined) {
    this.base = base
    this.#kept = kept
    this.#noted = noted
  }

  /** A feed of which only these statements are in memory, the first at `base`. `noted`: of those before, the newest with a note. */
  static from(base: Seq, kept: readonly VerifiedStatement[], noted: VerifiedStatement | undefined): Feed {
    assert(base === 0 || kept.length > 0, 'the newest statement is kept')
    return new Feed(base, List(kept), noted)
  }

  /** Of all statements, kept or not; the next one has this seq. */
  get size(): number {
    return this.base + this.#kept.size
  }

  /** Undefined: there is none yet. Throws HistoryPruned. */
  get(seq: Seq): VerifiedStatement | undefined {
    this.#require(seq)
    return this.#kept.get(seq - this.base)
  }

  last(): VerifiedStatement | undefined {
    return this.#kept.last()
  }

  push(held: VerifiedStatement): Feed {
    return new Feed(this.base, this.#kept.push(held), this.#noted)
  }

  /** With another one in place of the newest. */
  withLast(held: VerifiedStatement): Feed {
    return new Feed(this.base, this.#kept.set(-1, held), this.#noted)
  }

  /** With that one in the place of the statement with its seq. Throws HistoryPruned. */
  replace(held: VerifiedStatement): Feed {
    this.#require(held.statement.seq)
    return new Feed(this.base, this.#kept.set(held.statement.seq - this.base, held), this.#noted)
  }

  /** All of them. Throws HistoryPruned. */
  [Symbol.iterator](): Generator<VerifiedStatement> {
    return this.between(0)
  }

  /** Statements `from` up to, without, `end`. Throws HistoryPruned. */
  *between(from: Seq, end: Seq = this.size): Generator<VerifiedStatement> {
    for (let seq = from; seq < Math.min(end, this.size); seq++) yield this.get(seq) as VerifiedStatement
  }

  /** The oldest statement that satisfies it. Throws HistoryPruned. */
  find(isIt: (held: VerifiedStatement) => boolean): VerifiedStatement | undefined {
    this.#require(0)
    return this.#kept.find(isIt)
  }

  /** The newest one that carries a note. */
  newestNoted(): VerifiedStatement | undefined {
    return this.#kept.findLast(hasNote) ?? this.#noted
  }

  /** The statements that are kept, the first at `base`. */
  get kept(): readonly VerifiedStatement[] {
    return this.#kept.toArray()
  }

  /** Of those that are not kept, the newest with a note. */
  get forgottenNote(): VerifiedStatement | undefined {
    return this.#noted
  }

  /** Without those before that seq, in memory. */
  forgetting(base: Seq): Feed {
    const from = Math.min(base, this.size - 1)
    if (from <= this.base) return this
    const dropped = this.#kept.slice(0, from - this.base)
    return new Feed(from, List(this.#kept.slice(from - this.base)), dropped.findLast(hasNote) ?? this.#noted)
  }

  #require(seq: Seq): void {
    if (seq < this.base) throw new HistoryPruned(`statement ${seq} of a feed`)
  }
}

function hasNote({ statement }: VerifiedStatement): boolean {
  return statement.note !== undefined
}

/** A feed as far as nobody has to look back for it: what this returns never depends on statements that may be pruned. */
export type HeldFeed = Pick<Feed, 'base' | 'size' | 'last' | 'newestNoted' | 'kept' | 'forgottenNote'>

/** The feeds that are held, by party. Where a party equivocated: the branch held first. */
export type Feeds = ImmutableMap<Handle, Feed>

export type HeldFeeds = ImmutableMap<Handle, HeldFeed>

export const noFeeds: Feeds = ImmutableMap<Handle, Feed>()

export function feedOf(feeds: Feeds, handle: Handle): Feed
export function feedOf(feeds: HeldFeeds, handle: Handle): HeldFeed
export function feedOf(feeds: HeldFeeds, handle: Handle): HeldFeed {
  return feeds.get(handle) ?? Feed.empty
}

export function newestOf(feeds: HeldFeeds, handle: Handle): VerifiedStatement | undefined {
  return feeds.get(handle)?.last()
}

export function statementAt(feeds: Feeds, handle: Handle, seq: Seq): VerifiedStatement | undefined {
  return feeds.get(handle)?.get(seq)
}

/** The causal past of a party's newest statement: what the party has announced that it holds. */
export function saidToHold(feeds: HeldFeeds, handle: Handle): VersionVector {
  return newestOf(feeds, handle)?.past ?? emptyVector
}

export function appended(feeds: Feeds, held: VerifiedStatement): Feeds {
  const { party } = held.statement
  return feeds.set(party, feedOf(feeds, party).push(held))
}

/** The newest statement of every party. Shape: `{ [handle]: { seq, hash } }`. */
export function frontierOf(feeds: HeldFeeds): Frontier {
  const places: [Handle, { readonly hash: Hash; readonly seq: Seq }][] = []
  for (const [handle, feed] of feeds) {
    const newest = feed.last()
    if (newest !== undefined) places.push([handle, { hash: newest.hash, seq: newest.statement.seq }])
  }
  return orderedObject(places)
}

/** All held statements that are not in `past`, causes before effects. */
export function beyond(feeds: Feeds, past: VersionVector): VerifiedStatement[] {
  const news: VerifiedStatement[] = []
  for (const [handle, feed] of feeds) {
    for (const held of feed.between((past.get(handle) ?? -1) + 1)) news.push(held)
  }
  return news.sort(byClock)
}

/** What a statement covers has a smaller clock, so this is an order of causes before effects. */
function byClock(one: VerifiedStatement, other: VerifiedStatement): number {
  return one.statement.clock - other.statement.clock || (one.statement.party < other.statement.party ? -1 : 1)
}

/** A party's first statement that covers statement `seq` of `author`, or undefined. What a party covers never shrinks. */
export function firstCovering(feed: Feed, author: Handle, seq: Seq): VerifiedStatement | undefined {
  const newest = feed.last()
  if (newest === undefined || !covers(newest.past, author, seq)) return undefined
  let low = feed.base
  let high = feed.size - 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (covers((feed.get(middle) as VerifiedStatement).past, author, seq)) high = middle
    else low = middle + 1
  }
  if (low === feed.base && low > 0) throw new HistoryPruned('whether an earlier statement covers it')
  return feed.get(low)
}

/**
 * Of statements that cannot be taken in, by clock, those that cover, however far back, what is neither held nor among them. The others
 * wait for values.
 */
export function withoutPast(feeds: Feeds, waiting: readonly SignedStatement[]): ReadonlySet<SignedStatement> {
  const without = new Set<SignedStatement>()
  const pending = new Map(waiting.map((decoded) => [decoded.hash, decoded]))
  const isMissing = (handle: Handle, seq: Seq, hash: Hash | null): boolean => {
    if (seq < feedOf(feeds, handle).size) return false
    const covered = hash === null ? undefined : pending.get(hash)
    return covered === undefined || without.has(covered)
  }
  for (const decoded of waiting) {
    const { party, prev, seen, seq } = decoded.statement
    const covered: [Handle, Seq, Hash | null][] = placesOf(seen).map(([of, at]) => [of, at.seq, at.hash])
    if (seq > 0) covered.push([party, seq - 1, prev])
    if (covered.some((place) => isMissing(...place))) without.add(decoded)
  }
  return without
}
