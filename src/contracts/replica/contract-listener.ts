import type { EngineUnknown } from '../../aggregates/contract/engines.ts'
import type { Acknowledged } from '../../agreement/ledger.ts'
import type { Equivocation, OtherBranch, Reception } from '../../agreement/reception.ts'
import type { Divergence } from '../../agreement/settlement.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import type { Uid } from '../../events/ids.ts'
import type { ConcordataError } from '../../runtime/errors.ts'
import type { ObstacleCode } from '../obstacles/obstacles.ts'

/** What a contract in memory tells, and what it says with it. All of it is durable when it is told. */
export interface ContractNews {
  /** Statements were taken in or made: there may be something to carry to others. */
  news: [change: { readonly made: VerifiedStatement | undefined; readonly taken: readonly VerifiedStatement[] }]
  /** Values are missing: the others are to be asked for them, again and again until it has them. */
  wanting: []
  /** Pieces of contents are missing: whoever may have them is to be asked. It is told with the end of each call. */
  lacksPieces: []
  settled: [entries: readonly Acknowledged[]]
  refused: [refused: Reception['refused']]
  equivocated: [equivocations: readonly Equivocation[]]
  diverged: [divergences: readonly Divergence[]]
  /** It goes on in an engine that this node does not have; told once. */
  engineUnknown: [error: EngineUnknown]
  /** Why this node signs nothing in this contract, when that begins; undefined when it ends. */
  signingBlocked: [obstacle: ObstacleCode | undefined]
  /** Each signer once, as long as there is no proof of what it means. */
  otherBranch: [branches: readonly OtherBranch[]]
  /** The store failed; the contract goes on from what it holds. */
  failed: [error: unknown]
  /** It is taken from under whoever waits for something in it. */
  closed: [error: ConcordataError]
}

type NewsListener<Contract> = {
  readonly [Name in keyof ContractNews]?: (contract: Contract, ...said: ContractNews[Name]) => void
}

/** What others in the node want to hear of a contract. */
export type ListenerOf<Contract> = NewsListener<Contract> & {
  /** It has been loaded, again or for the first time. `hasNews`: while it was at rest, others have stored something of it. */
  readonly activated?: (contract: Contract, hasNews: boolean) => void
  /** It is not in memory any more. */
  readonly passivated?: (contract: Uid) => void
}

/** What came of a turn. */
export interface TurnNews extends Pick<Reception, 'taken' | 'refused' | 'equivocations' | 'otherBranches'> {
  readonly made: VerifiedStatement | undefined
  readonly settled: readonly Acknowledged[]
  readonly divergences: readonly Divergence[]
}

/** Tells whoever listens to one contract. */
export interface Teller {
  tell<Name extends keyof ContractNews>(name: Name, ...said: ContractNews[Name]): void
  /** Whatever there is; each listener hears all of it before the next one does. */
  tellTurn(news: TurnNews): void
}

export class ContractListeners<Contract> implements Teller {
  readonly #contract: Contract
  readonly #listeners = new Set<ListenerOf<Contract>>()

  constructor(contract: Contract) {
    this.#contract = contract
  }

  add(listener: ListenerOf<Contract>): () => void {
    this.#listeners.add(listener)
    return () => this.remove(listener)
  }

  remove(listener: ListenerOf<Contract>): void {
    this.#listeners.delete(listener)
  }

  tell<Name extends keyof ContractNews>(name: Name, ...said: ContractNews[Name]): void {
    for (const listener of this.#listeners) {
      const all: NewsListener<Contract> = listener
      all[name]?.(this.#contract, ...said)
    }
  }

  tellTurn({ made, taken, settled, refused, equivocations, divergences, otherBranches }: TurnNews): void {
    const contract = this.#contract
    for (const listener of this.#listeners) {
      if (settled.length > 0) listener.settled?.(contract, settled)
      if (made !== undefined || taken.length > 0) listener.news?.(contract, { made, taken })
      if (refused.length > 0) listener.refused?.(contract, refused)
      if (equivocations.length > 0) listener.equivocated?.(contract, equivocations)
      if (divergences.length > 0) listener.diverged?.(contract, divergences)
      if (otherBranches.length > 0) listener.otherBranch?.(contract, otherBranches)
    }
  }
}
