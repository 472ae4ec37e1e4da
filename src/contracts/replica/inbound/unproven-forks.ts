import type { Equivocation, OtherBranch } from '../../../agreement/reception.ts'
import type { AgreementState } from '../../../agreement/state.ts'
import { isSignedBy } from '../../../agreement/verify-statement.ts'
import type { Handle } from '../../../events/ids.ts'

/**
 * Statements that their signers sent and that cover another branch of a feed than the one held. Either the party of that feed
 * has signed two statements, or the signer made the other one up: until it is shown, nobody is convicted (design §3). Such a
 * statement comes with every exchange: each signer is reported once, and not at all where a proof tells the reason.
 */
export class UnprovenForks {
  /** The first of each signer, so that nobody makes them many. */
  readonly #first = new Map<Handle, OtherBranch>()

  /** Those that are news. `evidence`: all proofs, those that have just come included. */
  notice(
    state: AgreementState,
    branches: readonly OtherBranch[],
    evidence: readonly Equivocation[],
  ): readonly OtherBranch[] {
    const proven = new Set(evidence.map(({ party }) => party))
    for (const [signer, { party }] of this.#first) if (proven.has(party)) this.#first.delete(signer)
    const news: OtherBranch[] = []
    for (const branch of branches) {
      if (proven.has(branch.party) || this.#first.has(branch.signer) || !isSignedBy(state, branch.by)) continue
      this.#first.set(branch.signer, branch)
      news.push(branch)
    }
    return news
  }

  get all(): readonly OtherBranch[] {
    return [...this.#first.values()]
  }
}
