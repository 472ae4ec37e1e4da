import type { Map as ImmutableMap } from 'immutable'
import type { Open } from '../../aggregates/contract/rules/document-view.ts'
import type { Hash } from '../../crypto/hash.ts'
import { computedAt, isComputed, type LedgerIndex, requestOf } from '../../events/ids.ts'
import type { Payload } from '../../events/statement.ts'
import { HistoryPruned } from '../../runtime/history-pruned.ts'
import { type Feeds, statementAt } from '../feeds.ts'

/**
 * Opens the values that stand in the document of a ledger: those that statements brought, and those that rules have computed (decision 0117).
 * Throws HistoryPruned for what is left out of memory.
 */
export function openIn({ computed, computedFrom }: ComputedValues, feeds: Feeds): Open {
  return ({ id, revealedBy, seal }) => {
    if (!isComputed(id)) return openSealed(revealedBy ?? id, seal, feeds)
    const payload = computed.get(seal)
    if (payload !== undefined || computedAt(id) >= computedFrom) return payload
    throw new HistoryPruned('what rules have computed')
  }
}

/** The part of a ledger that says what rules have computed. */
interface ComputedValues {
  readonly computed: ImmutableMap<Hash, Payload>
  readonly computedFrom: LedgerIndex
}

function openSealed(name: string, seal: Hash, feeds: Feeds): Payload | undefined {
  const { handle, seq } = requestOf(name)
  return statementAt(feeds, handle, seq)?.payloads[seal]
}
