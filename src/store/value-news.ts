import type { Uid } from '../events/ids.ts'
import type { Store } from './port.ts'

/**
 * The same store, which tells of each contract whose values are put or erased through it: before, and once that is done or has failed. So whoever
 * keeps what it has read, and lets go of it then, keeps nothing that was read meanwhile.
 */
export function tellingValueNews(store: Store, tell: (contract: Uid) => void): Store {
  const around = async <Result>(contracts: Iterable<Uid>, work: () => Promise<Result>): Promise<Result> => {
    for (const contract of contracts) tell(contract)
    try {
      return await work()
    } finally {
      for (const contract of contracts) tell(contract)
    }
  }
  const { events, isAtomic, payloads } = store
  return {
    events,
    isAtomic,
    payloads: {
      get: (contract, refs) => payloads.get(contract, refs),
      groups: (contract) => payloads.groups(contract),
      put: (contract, group, entries) => around([contract], () => payloads.put(contract, group, entries)),
      erase: (contract, refs) => around([contract], () => payloads.erase(contract, refs)),
    },
    write(batch) {
      const contracts = new Set<Uid>()
      for (const write of batch) if (write.kind === 'payloads') contracts.add(write.contract)
      return contracts.size === 0 ? store.write(batch) : around(contracts, () => store.write(batch))
    },
    close: () => store.close(),
  }
}
