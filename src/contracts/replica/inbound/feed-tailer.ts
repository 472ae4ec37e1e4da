import { entriesWanted, missingFor } from '../../../agreement/completing.ts'
import { feedOf } from '../../../agreement/feeds.ts'
import { receiving } from '../../../agreement/receive.ts'
import { receivingEntries } from '../../../agreement/receive-entries.ts'
import type { Reception } from '../../../agreement/reception.ts'
import type { AgreementState } from '../../../agreement/state.ts'
import type { KnownEntry } from '../../../agreement/values/known-entries.ts'
import type { Handle, Seq } from '../../../events/ids.ts'
import type { SignedStatement } from '../../../events/statement-codec.ts'
import { inTurns, type Turns } from '../../../runtime/turns.ts'
import type { Store } from '../../../store/port.ts'
import { assertNothingRefused, decodeFeed, readFeed } from '../journal.ts'
import { storedEntries } from './known-entries.ts'

/** So often at most the feeds are read again for what a statement just read covers: each writer stores causes before effects. */
const READINGS_MAX = 5
/** How many feeds are read at once: each is a wait for the store. */
const FEEDS_AT_ONCE = 16
/** How many entries are taken at once. */
const ENTRIES_AT_ONCE = 256

/** Lines of a feed as they were heard, one after another from a place on. */
interface Heard {
  readonly first: Seq
  readonly lines: string[]
}

/** `store`: there may be more than was heard, so it is read. */
type News = Heard | 'store'

const nothingHeard: ReadonlyMap<Handle, News> = new Map()

/** How much is kept of what was heard, in characters; beyond that it is read when it is needed. */
const HEARD_MAX = 4 * 1024 * 1024

/** Whose feeds in the store have statements that this process has not taken in yet: other processes wrote them. */
export class FeedTailer {
  readonly #store: Store
  readonly #self: Handle
  readonly #turns: Turns | undefined
  #news = new Map<Handle, News>()
  #characters = 0
  /** Parties with statements that were read before what these cover: it may be stored after them (decision 0138). */
  #leftWaiting: ReadonlySet<Handle> = new Set()

  constructor(store: Store, self: Handle, turns?: Turns) {
    this.#store = store
    this.#self = self
    this.#turns = turns
  }

  get hasNews(): boolean {
    return this.#news.size > 0
  }

  /** The store has more of that feed than is held. */
  hears(handle: Handle): void {
    this.#news.set(handle, 'store')
  }

  /** The store has this at that place of the feed: it need not be read again. */
  heard(handle: Handle, seq: Seq, line: string): void {
    const news = this.#news.get(handle)
    this.#characters += line.length
    if (this.#characters > HEARD_MAX) this.hears(handle)
    else if (news === undefined) this.#news.set(handle, { first: seq, lines: [line] })
    else if (news === 'store') return
    else if (news.first + news.lines.length === seq) news.lines.push(line)
    else this.hears(handle)
  }

  /** What is held may be behind the store in any feed: after a lost race, or a write of unknown outcome. */
  doubts(state: AgreementState): void {
    for (const handle of namedIn(state)) this.hears(handle)
  }

  /**
   * Takes in what the store has and this view does not: verified like everything else. Undefined: nothing. What is left
   * waiting will be read with the next news. Throws ContractDamaged.
   */
  async read(before: AgreementState): Promise<Reception | undefined> {
    const news = this.#news
    this.#news = new Map()
    this.#characters = 0
    // What waits may be waiting for entries, which are no news of any feed.
    if (news.size > 0 || entriesWanted(before) !== undefined)
      for (const handle of this.#leftWaiting) news.set(handle, 'store')
    try {
      const reception = await this.#read(before, news)
      if (news.size > 0) this.#leftWaiting = new Set(reception?.waiting.map(({ statement }) => statement.party))
      return reception
    } catch (error) {
      for (const handle of news.keys()) this.hears(handle)
      throw error
    }
  }

  async #read(before: AgreementState, news: ReadonlyMap<Handle, News>): Promise<Reception | undefined> {
    const stored = new Map<string, SignedStatement>()
    let handles = [...news.keys()]
    let reception: Reception | undefined
    const isLacking = missingFor(before, this.#self).length > 0 || entriesWanted(before) !== undefined
    for (let reading = 0; reading < READINGS_MAX && (handles.length > 0 || (isLacking && reading === 0)); reading++) {
      const heard = reading === 0 ? news : nothingHeard
      for (const decoded of await this.#lacking(reception?.state ?? before)) stored.set(decoded.hash, decoded)
      for (const decoded of await this.#tails(before, handles, stored, heard)) stored.set(decoded.hash, decoded)
      if (stored.size === 0 && !isLacking) return undefined
      const received = await inTurns(receiving(before, [...stored.values()]), this.#turns)
      reception = await this.#withStoredEntries(received)
      assertNothingRefused(reception, before.contract)
      // Someone who has come in since, or the rest of what something covers.
      const { state, waiting } = reception
      const unread = namedIn(state).filter((handle) => !before.feeds.has(handle) && !handles.includes(handle))
      handles = waiting.length > 0 ? namedIn(state) : reading === 0 ? unread : []
    }
    return reception
  }

  /**
   * What cannot be judged here any more, since its values are erased, is taken from the ledger that another process has stored: where that
   * has settled, this one goes on, too.
   */
  async #withStoredEntries(received: Reception): Promise<Reception> {
    for (let reception = received; ; ) {
      const { contract } = reception.state
      const wanted = entriesWanted(reception.state)
      if (wanted === undefined) return reception
      const entries: KnownEntry[] = []
      for await (const entry of storedEntries(this.#store, contract, wanted, ENTRIES_AT_ONCE)) entries.push(entry)
      if (entries.length === 0) return reception
      reception = await inTurns(receivingEntries(reception, entries), this.#turns)
      const then = entriesWanted(reception.state)
      if (then === undefined || then.from <= wanted.from) return reception
    }
  }

  /** The statements that lack values, which another process may have got since. */
  async #lacking(state: AgreementState): Promise<SignedStatement[]> {
    const found: SignedStatement[] = []
    for (const { party, seq } of missingFor(state, this.#self)) {
      for (const decoded of await readFeed(this.#store, state.contract, party, {
        from: seq,
        limit: 1,
      }))
        found.push(decoded)
    }
    return found
  }

  async #tails(
    before: AgreementState,
    handles: readonly Handle[],
    read: ReadonlyMap<string, SignedStatement>,
    heard: ReadonlyMap<Handle, News>,
  ) {
    const tailOf = (handle: Handle) => {
      const { size } = feedOf(before.feeds, handle)
      const isKnown = ({ statement }: SignedStatement) => statement.party === handle && statement.seq >= size
      const from = size + [...read.values()].filter(isKnown).length
      const news = heard.get(handle)
      if (news === undefined || news === 'store' || news.first > from) {
        return readFeed(this.#store, before.contract, handle, { from }, this.#turns)
      }
      const lines = news.lines.slice(from - news.first)
      return decodeFeed(this.#store, before.contract, handle, from, lines, this.#turns)
    }
    const tails: SignedStatement[] = []
    for (let next = 0; next < handles.length; next += FEEDS_AT_ONCE) {
      const some = await Promise.all(handles.slice(next, next + FEEDS_AT_ONCE).map(tailOf))
      // One may be longer than a call takes arguments.
      for (const tail of some) for (const decoded of tail) tails.push(decoded)
    }
    return tails
  }
}

function namedIn({ ledger, feeds }: AgreementState): Handle[] {
  return [...new Set([...feeds.keys(), ...ledger.invited.keys()])]
}
