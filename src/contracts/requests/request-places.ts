import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import type { RequestRef, Seq } from '../../events/ids.ts'

/** Where the newest own request of an id stands in the feed: so that an intent that comes back is not signed twice. */
export class RequestPlaces {
  readonly #places = new Map<string, RequestRef>()
  readonly #older: (id: string) => RequestRef | undefined

  /** `own`: what is in memory of the own feed. `older`: finds the requests that are not. */
  constructor(own: Iterable<VerifiedStatement>, older: (id: string) => RequestRef | undefined) {
    this.#older = older
    for (const held of own) this.remember(held)
  }

  of(id: string): RequestRef | undefined {
    return this.#places.get(id) ?? this.#older(id)
  }

  set(id: string, place: RequestRef): void {
    this.#places.set(id, place)
  }

  remember({ statement: { party, seq, requests } }: VerifiedStatement): void {
    for (const [index, { id }] of requests.entries()) this.set(id, { handle: party, index, seq })
  }

  before(seq: Seq): ReadonlyMap<string, RequestRef> {
    return new Map([...this.#places].filter(([, place]) => place.seq < seq))
  }

  forgetBefore(seq: Seq): void {
    for (const id of this.before(seq).keys()) this.#places.delete(id)
  }
}
