import type { ContractState } from '../../../aggregates/contract/state.ts'
import type { Contracts } from '../../../contracts/registry/contracts.ts'
import type { LiveContract } from '../../../contracts/replica/live-contract.ts'
import type { LedgerIndex, Uid } from '../../../events/ids.ts'
import type { Batch } from './telling.ts'

/** Whoever is told what settles. `from`: the first entry of it. `batch` undefined: it is in the store. */
interface Watcher {
  settled(contract: Uid, from: LedgerIndex, batch: Batch | undefined): void
}

/** Hears of all contracts, and passes on what settles in them. */
export class LiveHub {
  /** Of contracts in memory, as they have it themselves. */
  readonly #newest = new Map<Uid, { readonly size: number; readonly document: ContractState }>()
  readonly #watchers = new Set<Watcher>()
  readonly #stop: () => void

  constructor(contracts: Contracts) {
    this.#stop = contracts.listen({
      activated: (live) => this.#isNow(live),
      passivated: (contract) => this.#newest.delete(contract),
      settled: (live, acknowledged) => {
        const { contract } = live
        const before = this.#newest.get(contract)
        this.#isNow(live)
        const [first] = acknowledged
        if (first === undefined || this.#watchers.size === 0) return
        const entries = acknowledged.map(({ entry }) => entry)
        const from = first.entry.index
        const documents = before && [before.document, ...acknowledged.map(({ document }) => document)]
        const batch = documents && before.size === from ? { documents, entries, from, told: new Map() } : undefined
        for (const watcher of this.#watchers) watcher.settled(contract, from, batch)
      },
    })
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  close(): void {
    this.#stop()
  }

  #isNow({ contract, state: { settling } }: LiveContract): void {
    this.#newest.set(contract, { size: settling.settled, document: settling.agreed })
  }
}
