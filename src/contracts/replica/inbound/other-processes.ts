import { feedOf, withoutPast } from '../../../agreement/feeds.ts'
import { isTakeover } from '../../../agreement/keys/key-rules.ts'
import type { Acknowledged } from '../../../agreement/ledger.ts'
import type { Equivocation, Reception } from '../../../agreement/reception.ts'
import type { AgreementState } from '../../../agreement/state.ts'
import type { VerifiedStatement } from '../../../agreement/verified-statement.ts'
import type { Handle, Seq } from '../../../events/ids.ts'
import type { Turns } from '../../../runtime/turns.ts'
import type { Store } from '../../../store/port.ts'
import type { ContractView } from '../../contract-view.ts'
import type { DoubleSignProtection } from '../../signing/double-sign-protection.ts'
import { extendLedger, isNewEvidence, loadEvidence } from '../journal.ts'
import { FeedTailer } from './feed-tailer.ts'

/** What other processes of this party have stored and this one takes in. */
export interface Followed {
  readonly reception: Reception
  /** Of this party's own feed, what another process has made. */
  readonly own: readonly VerifiedStatement[]
  readonly settled: readonly Acknowledged[]
}

/** How one process of a party keeps up with the others, which append to the same streams under the same guard. */
export class OtherProcesses {
  readonly #view: ContractView
  readonly #store: Store
  readonly #protection: DoubleSignProtection
  readonly #tailer: FeedTailer
  /** How long the own feed was when the guard was found ahead of it, and whether it was taken over in what was read since. */
  #behind: { readonly at: number; readonly revokes: boolean } | undefined
  /** The store has an own statement, and not what that covers. */
  #isOwnAhead = false
  /** Another process has found a proof of equivocation. */
  hasEvidence = false

  constructor(view: ContractView, store: Store, protection: DoubleSignProtection, turns: Turns | undefined) {
    this.#view = view
    this.#store = store
    this.#protection = protection
    this.#tailer = new FeedTailer(store, view.self, turns)
  }

  get hasNews(): boolean {
    return this.#tailer.hasNews
  }

  /** The store has this at that place of the feed. */
  feedHas(handle: Handle, seq: Seq, line: string): void {
    // Who signs, too, reads it: else two would answer at the same moment, and one of them in vain.
    if (this.#view.duties.signs) this.#tailer.hears(handle)
    else this.#tailer.heard(handle, seq, line)
  }

  /** The store has more of the own feed than is held. */
  hearsOfOwn(): void {
    this.#tailer.hears(this.#view.self)
  }

  /** What is held may be behind the store in any feed: after a lost race, or a write of unknown outcome. */
  doubts(state: AgreementState): void {
    this.#tailer.doubts(state)
  }

  /** Proofs of equivocation that another process has found, but those `known`. */
  async newEvidence(known: readonly Equivocation[]): Promise<readonly Equivocation[]> {
    if (!this.hasEvidence) return []
    const found = isNewEvidence(known, await loadEvidence(this.#store, this.#view.state))
    this.hasEvidence = false
    return found
  }

  /**
   * What the store has beyond what is held; undefined: nothing. `isMet`: false where the guard knows of more of the own feed
   * than was read, so that the store is to be read again. Throws ContractDamaged.
   */
  async read(before: AgreementState): Promise<{ readonly followed: Followed | undefined; readonly isMet: boolean }> {
    const { contract, duties, self } = this.#view
    // What it covers may have come without any news of the own feed.
    if (this.#isOwnAhead) this.hearsOfOwn()
    const reception = await this.#tailer.read(before)
    this.#isOwnAhead = reception !== undefined && this.#awaitsPast(reception)
    if (reception === undefined || !hasBrought(reception)) {
      const isMet = this.#behind === undefined || (await this.#meet(before, []))
      return { followed: undefined, isMet }
    }
    const { state, settled } = reception
    const own = reception.taken.filter(({ statement }) => statement.party === self)
    let isMet = true
    if (duties.signs) {
      const isBlocked = this.#protection.obstacle(before, this.#view.waiting) !== undefined
      if (own.length > 0 || isBlocked || this.#behind !== undefined) isMet = await this.#meet(state, own)
      const texts = settled.map(({ text }) => text)
      await extendLedger(this.#store, contract, before.settling.settled, texts)
    }
    return { followed: { reception, own, settled }, isMet }
  }

  /**
   * Whether an own statement that the store has cannot be taken in, since a crash of a process that had the store to itself has left
   * out what it covers: nothing is signed in its place (decision 0138).
   */
  #awaitsPast({ state, waiting }: Reception): boolean {
    if (waiting.length === 0) return false
    const own = [...withoutPast(state.feeds, waiting)].findLast(({ statement }) => statement.party === this.#view.self)
    if (own !== undefined) this.#protection.awaits(own)
    return own !== undefined
  }

  /** The guard first, then everybody else. False: it stands further on, and what comes before it may be shown. */
  async #meet(state: AgreementState, own: readonly VerifiedStatement[]): Promise<boolean> {
    const before = this.#behind
    const revokes = own.some(isTakeover) || before?.revokes === true
    this.#behind = undefined
    if ((await this.#protection.meet(state, revokes)) === 'met') return true
    // The guard is told after the store, so the rest must be there now; if it is not, the store was set back.
    const at = feedOf(state.feeds, this.#view.self).size
    if (at === before?.at) {
      await this.#protection.setBack(this.#view.contract)
      return true
    }
    this.#behind = { at, revokes }
    return false
  }
}

function hasBrought({ acknowledged, completions, taken }: Reception): boolean {
  return taken.length + completions.length + acknowledged.length > 0
}
