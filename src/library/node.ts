import type { ApiCalls, WriteOptions } from './calls/api-calls.ts'
import type { Call } from './calls/calls.ts'
import { contractBy } from './contract.ts'
import type { ConcordataNode, Contract, ContractSummary, Party } from './interface.ts'

/** A node as a program uses it, by calls of its inward API. `close`: what is to be stopped. */
export function nodeBy(api: ApiCalls, close: () => Promise<void>): ConcordataNode {
  return {
    contracts: async () => (await api.read('/api/Contract')) as readonly ContractSummary[],
    contract: <Document>(uid: string) => contractBy<Document>(api, uid),
    async open<Document>(
      title: string,
      { charter, ...options }: WriteOptions & { readonly charter?: object } = {},
    ): Promise<Contract<Document>> {
      const body = { title, ...(charter && { charter }) }
      const { contract } = (await api.call('POST', '/api/Contract', body, options)) as ContractSummary
      return contractBy<Document>(api, contract)
    },
    parties: async () => (await api.read('/api/Party')) as readonly Party[],
    call: (method: Call['method'], path: string, body?: unknown, options?: WriteOptions) =>
      api.call(method, path, body, options),
    close,
  }
}
