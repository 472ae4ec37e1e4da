import { feedOf } from '../../agreement/feeds.ts'
import { noneKnown } from '../../agreement/values/known-entries.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { requestKey } from '../../events/ids.ts'
import type { SignedStatement } from '../../events/statement-codec.ts'
import type { ContractView } from '../contract-view.ts'
import { EntriesContradicted } from './inbound/intake.ts'
import { type Loaded, loadContract, recallHistory } from './opening/load.ts'
import type { ReplicaParts, Replicated } from './opening/replica-parts.ts'

type Reloaded = Pick<Loaded, 'state' | 'isCutShort'>

/** Brings what is held back to what the store says: after a write of unknown outcome, and where history is not in memory. */
export class Reloading {
  readonly #view: ContractView
  readonly #replicated: Replicated
  readonly #parts: ReplicaParts
  readonly #holds: (reloaded: Reloaded) => void
  /** What a write was to make durable; after one that failed, what the own statement covers that was to be in it. */
  #uncommitted: readonly SignedStatement[] = []
  /** The keys of the requests that the own statement in it decides. */
  #deciding: readonly string[] = []
  /** What peers have given in place of erased values may be false: it is forgotten, and asked for again. */
  #isDeceived = false

  /** `holds`: that is held from now on. */
  constructor(view: ContractView, replicated: Replicated, parts: ReplicaParts, holds: (reloaded: Reloaded) => void) {
    this.#view = view
    this.#replicated = replicated
    this.#parts = parts
    this.#holds = holds
  }

  /** A write of it begins. */
  commits(taken: readonly SignedStatement[], made: VerifiedStatement | undefined): void {
    this.#uncommitted = taken
    this.#deciding = made?.statement.decided.map(({ request }) => requestKey(request)) ?? []
  }

  /** The write has come to its end. */
  committed(): void {
    this.#uncommitted = []
    this.#deciding = []
  }

  /** Puts the last statement that was signed back into the feed, should the store have lost it. */
  restoreLost(): void {
    const { mailbox, protection } = this.#parts
    const { lost } = protection
    if (lost === undefined) return
    // Nobody waits for it; a turn that fails is told to the listeners.
    const statements = [...this.#uncommitted, lost]
    mailbox.deliver({ statements, payloads: [], entries: [], credit: undefined }).catch(() => {})
  }

  async recallHistory(): Promise<void> {
    const { store, turns } = this.#replicated.ports
    this.#holds(await recallHistory(store, this.#view.state, turns))
    // It was made from what had let go of the same history.
    this.#parts.approvals.forgetView()
  }

  /**
   * Beside other processes of this party: what peers have given in place of erased values is false. What stands behind it is read again
   * when the true has come. Where the store fails, the next turn says the same once more.
   */
  async forgetGiven(): Promise<void> {
    const { store, turns } = this.#replicated.ports
    const { state } = this.#view
    try {
      this.#holds(await recallHistory(store, { ...state, ledger: { ...state.ledger, known: noneKnown } }, turns))
      this.#parts.computed.forgetFrom(this.#view.state.ledger.log.size)
      this.#parts.approvals.forgetView()
    } catch (error) {
      this.#parts.recovery.failed(error)
    }
  }

  /** Where nobody else writes and intents are in memory only: a store that failed just once is read again at once. */
  async isSureAfter(error: unknown): Promise<boolean> {
    const { protection, recovery, requests } = this.#parts
    const { ledger, settling } = this.#view.state
    this.#isDeceived = error instanceof EntriesContradicted || ledger.takenUntil > settling.settled
    // What the statement decides that may come back from the guard may be decided.
    const open = new Set(this.#deciding)
    this.#deciding = []
    requests.queue.failAll(error, open)
    if (!recovery.isInDoubt) {
      recovery.isInDoubt = true
      try {
        await this.readAgain()
      } catch {
        // The next turn begins with it, and says what is in the way.
      }
    }
    const decided = recovery.isInDoubt ? [] : (protection.lost?.statement.decided ?? [])
    for (const { request } of decided) open.delete(requestKey(request))
    requests.queue.failSigned(open, error)
    return !recovery.isInDoubt
  }

  /** After a write of unknown outcome only the store knows what stands: nothing was emitted, so that is what counts. */
  async readAgain(): Promise<void> {
    const { contract, self, founder, ports } = this.#replicated
    const { store, engines, turns } = ports
    const { ledger, settling } = this.#view.state
    const known = this.#isDeceived ? noneKnown : ledger.known
    const loaded = await loadContract(store, contract, founder, 'alone', undefined, engines, turns, known)
    const { ahead, isCutShort, state } = loaded
    const { computed, intake, protection, recovery, requests, untold, values } = this.#parts
    await protection.reopen(state, self === founder && state.feeds.size === 0, ahead)
    this.#holds(loaded)
    // A write that failed may have settled something all the same.
    untold.add(loaded.settled.filter(({ entry }) => entry.index >= settling.settled))
    untold.stored(loaded.ledgerSize)
    this.#parts.ahead.reset(ahead)
    computed.reset(loaded.lacksComputed)
    intake.keepStored(ahead)
    requests.queue.holds(feedOf(state.feeds, self).kept)
    this.#isDeceived = false
    recovery.isSure(protection.lost === undefined)
    this.restoreLost()
    // What stands behind values that have come may lack others.
    if (isCutShort) values.seek(true)
  }
}
