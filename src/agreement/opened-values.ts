import type { Map as ImmutableMap } from 'immutable'
import type { Open } from '../aggregates/contract/document-view.ts'
import type { Hash } from '../crypto/hash.ts'
import { isComputed, type ProposalId, requestOf } from '../events/ids.ts'
import type { Payload } from '../events/statement.ts'
import { HistoryPruned } from '../runtime/history-pruned.ts'
import { type Feeds, statementAt } from './feeds.ts'

/**
 * Opens the values that stand in the document of a ledger: those that statements brought, and those that rules have computed.
 * Throws HistoryPruned for what is left out of memory.
 */
export function openIn({ computed }: { readonly computed: ImmutableMap<Hash, Payload> }, feeds: Feeds): Open {
  return ({ id, seal }) => (isComputed(id) ? openComputed(computed.get(seal), feeds) : openSealed(id, seal, feeds))
}

function openSealed(id: ProposalId, seal: Hash, feeds: Feeds): Payload | undefined {
  const { handle, seq } = requestOf(id)
  return statementAt(feeds, handle, seq)?.payloads[seal]
}

/** A view without its history lacks what was computed in it. */
function openComputed(payload: Payload | undefined, feeds: Feeds): Payload | undefined {
  if (payload !== undefined || feeds.every(({ base }) => base === 0)) return payload
  throw new HistoryPruned('what rules have computed')
}
