import { EngineUnknown } from '../../aggregates/contract/engines.ts'
import { withHistory } from '../../agreement/history/looking-back.ts'
import type { AgreementState } from '../../agreement/state.ts'
import type { Uid } from '../../events/ids.ts'
import type { PassiveContract } from '../passive/passive-contract.ts'
import { type ContractSummary, summaryOf } from '../passive/summary.ts'
import { ContractDamaged } from '../replica/journal.ts'
import type { LiveContract } from '../replica/live-contract.ts'
import type { ContractCache } from './contract-cache.ts'

/**
 * Looks at all contracts, one after another: at those at rest as `atRest` does, or, where it answers undefined, by taking them
 * into memory. One that cannot be loaded is passed over: that has been reported.
 */
export async function* visit<Result>(
  contracts: ContractCache,
  atRest: (passive: PassiveContract, contract: Uid) => Result | undefined,
  active: (live: LiveContract, state: AgreementState) => Result,
): AsyncGenerator<Result> {
  for (const contract of contracts.uids()) {
    const passive = contracts.passive(contract)
    const result = passive === undefined ? undefined : atRest(passive, contract)
    if (result !== undefined) yield result
    else {
      try {
        yield await contracts.use(contract, (live) => withHistory(live, (state) => active(live, state)))
      } catch (error) {
        if (!(error instanceof ContractDamaged || error instanceof EngineUnknown)) throw error
      }
    }
  }
}

/** Of all contracts that have begun. */
export async function summariesOf(contracts: ContractCache): Promise<ContractSummary[]> {
  const summaries: ContractSummary[] = []
  const all = visit<ContractSummary | null>(
    contracts,
    ({ summary }) => summary,
    ({ self }, state) => summaryOf(state, self) ?? null,
  )
  for await (const summary of all) if (summary !== null) summaries.push(summary)
  return summaries
}
