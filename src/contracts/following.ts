import { lackingIn } from '../agreement/completing.ts'
import { feedOf } from '../agreement/feeds.ts'
import { type Reception, receive } from '../agreement/receive.ts'
import type { AgreementState } from '../agreement/state.ts'
import type { Handle } from '../events/ids.ts'
import type { Decoded } from '../events/statement-codec.ts'
import type { Store } from '../store/port.ts'
import { assertNothingRefused, readFeed } from './persistence.ts'

/** How often the feeds are read again for what something read covers: each writer stores causes before effects. */
const READINGS_MAX = 5
/** How many feeds are read at once: each is a wait for the store. */
const FEEDS_AT_ONCE = 16

/** Whose feeds in the store have statements that this process has not taken in yet: other processes wrote them. */
export class Following {
  readonly #store: Store
  #news = new Set<Handle>()

  constructor(store: Store) {
    this.#store = store
  }

  get hasNews(): boolean {
    return this.#news.size > 0
  }

  /** The store has more of that feed than is held. */
  hears(handle: Handle): void {
    this.#news.add(handle)
  }

  /** What is held may be behind the store in any feed: after a lost race, or a write of unknown outcome. */
  doubts(state: AgreementState): void {
    for (const handle of namedIn(state)) this.#news.add(handle)
  }

  /**
   * Takes in what the store has and this view does not: verified like everything else. Undefined: nothing. What is left
   * waiting will be read with the next news. Throws ContractDamaged.
   */
  async read(before: AgreementState): Promise<Reception | undefined> {
    const news = this.#news
    this.#news = new Set()
    try {
      return await this.#read(before, news)
    } catch (error) {
      for (const handle of news) this.#news.add(handle)
      throw error
    }
  }

  async #read(before: AgreementState, news: ReadonlySet<Handle>): Promise<Reception | undefined> {
    const stored = new Map<string, Decoded>()
    let handles = [...news]
    let reception: Reception | undefined
    const isLacking = lackingIn(before).length > 0
    for (let reading = 0; reading < READINGS_MAX && (handles.length > 0 || (isLacking && reading === 0)); reading++) {
      for (const decoded of await this.#lacking(reception?.state ?? before)) stored.set(decoded.hash, decoded)
      for (const decoded of await this.#tails(before, handles, stored)) stored.set(decoded.hash, decoded)
      if (stored.size === 0) return undefined
      reception = receive(before, [...stored.values()])
      assertNothingRefused(reception, before.contract)
      // Someone who has come in since, or the rest of what something covers.
      const { state, waiting } = reception
      const unread = namedIn(state).filter((handle) => !before.feeds.has(handle) && !handles.includes(handle))
      handles = waiting.length > 0 ? namedIn(state) : reading === 0 ? unread : []
    }
    return reception
  }

  /** The statements that lack values, which another process may have got since. */
  async #lacking(state: AgreementState): Promise<Decoded[]> {
    const found: Decoded[] = []
    for (const { statement } of lackingIn(state)) {
      for (const decoded of await readFeed(this.#store, state.contract, statement.party, statement.seq, 1))
        found.push(decoded)
    }
    return found
  }

  async #tails(before: AgreementState, handles: readonly Handle[], read: ReadonlyMap<string, Decoded>) {
    const tailOf = (handle: Handle) => {
      const { size } = feedOf(before.feeds, handle)
      const isKnown = ({ statement }: Decoded) => statement.party === handle && statement.seq >= size
      const from = size + [...read.values()].filter(isKnown).length
      return readFeed(this.#store, before.contract, handle, from)
    }
    const tails: Decoded[] = []
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
