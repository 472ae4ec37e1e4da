import { Map as ImmutableMap, List } from 'immutable'
import type { Hash } from '../crypto/hash.ts'
import type { Handle, Seq } from '../events/ids.ts'
import type { Frontier } from '../events/statement.ts'
import type { Held } from './held.ts'
import { covers, emptyPast, type Past } from './past.ts'

/** The feeds that are held, one a party, from seq 0 without gaps. Where a party equivocated: the branch held first. */
export type Feeds = ImmutableMap<Handle, List<Held>>

export const noFeeds: Feeds = ImmutableMap<Handle, List<Held>>()

const emptyFeed: List<Held> = List()

export function feedOf(feeds: Feeds, handle: Handle): List<Held> {
  return feeds.get(handle) ?? emptyFeed
}

export function newestOf(feeds: Feeds, handle: Handle): Held | undefined {
  return feeds.get(handle)?.last()
}

export function statementAt(feeds: Feeds, handle: Handle, seq: Seq): Held | undefined {
  return feeds.get(handle)?.get(seq)
}

/** The causal past of a party's newest statement: what it has said that it holds. */
export function saidToHold(feeds: Feeds, handle: Handle): Past {
  return newestOf(feeds, handle)?.past ?? emptyPast
}

export function appended(feeds: Feeds, held: Held): Feeds {
  const { party } = held.statement
  return feeds.set(party, feedOf(feeds, party).push(held))
}

/** The newest statement of every party. Shape: `{ [handle]: { seq, hash } }`. */
export function frontierOf(feeds: Feeds): Frontier {
  const frontier: { [handle: Handle]: { seq: Seq; hash: Hash } } = {}
  for (const [handle, feed] of feeds) {
    const newest = feed.last()
    if (newest !== undefined) frontier[handle] = { seq: newest.statement.seq, hash: newest.hash }
  }
  return frontier
}

/** All that is held and that `past` does not have, in an order in which a receiver can take it in. */
export function beyond(feeds: Feeds, past: Past): Held[] {
  const news: Held[] = []
  for (const [handle, feed] of feeds) {
    for (let seq = (past.get(handle) ?? -1) + 1; seq < feed.size; seq++) news.push(feed.get(seq) as Held)
  }
  return news.sort(byClock)
}

/** What a statement covers has a smaller clock, so this is an order of causes before effects. */
function byClock(one: Held, other: Held): number {
  return one.statement.clock - other.statement.clock || (one.statement.party < other.statement.party ? -1 : 1)
}

/** A party's first statement that covers statement `seq` of `author`, or undefined. What a party covers never shrinks. */
export function firstCovering(feed: List<Held>, author: Handle, seq: Seq): Held | undefined {
  const newest = feed.last()
  if (newest === undefined || !covers(newest.past, author, seq)) return undefined
  let low = 0
  let high = feed.size - 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (covers((feed.get(middle) as Held).past, author, seq)) high = middle
    else low = middle + 1
  }
  return feed.get(low)
}
