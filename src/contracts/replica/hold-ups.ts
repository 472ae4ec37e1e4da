import { type HistorySource, withHistory } from '../../agreement/history/looking-back.ts'
import type { Handle, RequestRef } from '../../events/ids.ts'
import type { HoldUp } from '../../gossip/message.ts'
import { standingOfRequest } from '../requests/progress.ts'
import { type HeldUp, heldUpBy } from '../requests/submission.ts'

/** Why parties leave uncovered what they hold: this one as it knows, each other as it has said of itself in its last exchange. */
export class HoldUps {
  readonly #self: Handle
  readonly #own: () => HoldUp | undefined
  readonly #said = new Map<Handle, HoldUp>()

  constructor(self: Handle, own: () => HoldUp | undefined) {
    this.#self = self
    this.#own = own
  }

  of(party: Handle): HoldUp | undefined {
    return party === this.#self ? this.#own() : this.#said.get(party)
  }

  /** A party has said it, of itself; undefined: that nothing holds it up any more. */
  said(party: Handle, why: HoldUp | undefined): void {
    if (why === undefined) this.#said.delete(party)
    else this.#said.set(party, why)
  }

  /** For whom a request of this party waits. */
  async ofRequest(live: HistorySource, request: RequestRef): Promise<HeldUp> {
    const among = (parties: readonly Handle[]) => heldUpBy(parties, (party) => this.of(party))
    if (this.#own() !== undefined) return among([this.#self])
    const standing = await withHistory(live, (state) => standingOfRequest(state, request, undefined))
    return among(standing?.waitsFor?.of ?? [])
  }
}
