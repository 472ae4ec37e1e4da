import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import type { RequestRef, Seq } from '../../events/ids.ts'
import { keyIn } from './keyed-id.ts'

/**
 * Where the newest own request of an id, or under a key of its caller, stands in the feed: so that what comes back is not signed
 * twice. Where no other process signs for this party, ids do not come back, and only keys are kept.
 */
export class RequestPlaces {
  readonly #places = new Map<string, RequestRef>()
  readonly #older: (name: string) => RequestRef | undefined
  readonly #keepsIds: boolean

  /** `own`: what is in memory of the own feed. `older`: finds the requests that are not. */
  constructor(
    own: Iterable<VerifiedStatement>,
    older: (name: string) => RequestRef | undefined,
    { keepsIds }: { readonly keepsIds: boolean },
  ) {
    this.#older = older
    this.#keepsIds = keepsIds
    this.rememberAll(own)
  }

  /** `name`: an id, or the key in one. */
  of(name: string): RequestRef | undefined {
    return this.#places.get(name) ?? this.#older(name)
  }

  set(id: string, place: RequestRef): void {
    const key = keyIn(id)
    if (key !== undefined) this.#places.set(key, place)
    if (this.#keepsIds) this.#places.set(id, place)
  }

  rememberAll(own: Iterable<VerifiedStatement>): void {
    for (const held of own) this.remember(held)
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
