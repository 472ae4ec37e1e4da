import { partyOf } from '../aggregates/contract/state.ts'
import { emptyPast, type Past, union } from '../agreement/past.ts'
import type { AgreementState } from '../agreement/state.ts'
import type { Handle, Uid } from '../events/ids.ts'
import type { Frontier } from '../events/statement.ts'
import type { Decoded } from '../events/statement-codec.ts'
import { forksAgainst, isUpToDate, linesFor, newsFor, pastOf } from './exchange.ts'

/** Whether the peer is the party that the contract knows by this handle. */
export function isPartyTo(state: AgreementState, peer: { handle: Handle; signingKey: string }): boolean {
  return partyOf(state.ledger.document, peer.handle)?.card.keys.signing === peer.signingKey
}

/** What this node believes that one peer holds, contract by contract. A belief: every call replaces it by the peer's word. */
export class Knowledge {
  readonly #handle: Handle
  readonly #frontiers = new Map<Uid, Frontier>()
  readonly #holds = new Map<Uid, Past>()

  constructor(handle: Handle) {
    this.#handle = handle
  }

  /** The peer itself says what it holds, and has sent these on top. */
  told(contract: Uid, frontier: Frontier, sent: readonly Decoded[]): void {
    this.#frontiers.set(contract, frontier)
    let past = pastOf(frontier)
    for (const { statement } of sent) {
      if (statement.contract === contract) past = union(past, emptyPast.set(statement.party, statement.seq))
    }
    this.#holds.set(contract, past)
  }

  /** Whether it lacks anything that it may see. */
  lacksNews(state: AgreementState): boolean {
    return !isUpToDate(state, this.#handle, this.holds(state.contract))
  }

  /** The lines of what it lacks, as many as fit one message; from now on it is believed to hold them. */
  takeLines(state: AgreementState): string[] {
    const holds = this.holds(state.contract)
    const forks = forksAgainst(state.feeds, this.#frontiers.get(state.contract) ?? {})
    const { lines, then } = linesFor([...forks, ...newsFor(state, this.#handle, holds)], holds)
    this.#holds.set(state.contract, then)
    return lines
  }

  /** Whether it holds statements that we lack. */
  isAhead(state: AgreementState): boolean {
    return this.holds(state.contract).some((seq, handle) => seq >= (state.feeds.get(handle)?.size ?? 0))
  }

  /** A call failed: what was sent with it may not have arrived. */
  forget(contract: Uid): void {
    const frontier = this.#frontiers.get(contract)
    if (frontier === undefined) this.#holds.delete(contract)
    else this.#holds.set(contract, pastOf(frontier))
  }

  holds(contract: Uid): Past {
    return this.#holds.get(contract) ?? emptyPast
  }
}
