import { childrenOf, type Element } from '../../../aggregates/contract/document/element.ts'
import { isErased } from '../../../aggregates/contract/erased-values.ts'
import type { Acknowledged } from '../../../agreement/ledger.ts'
import type { AgreementState } from '../../../agreement/state.ts'
import { canonicalJson } from '../../../crypto/canonical-json.ts'
import type { Hash } from '../../../crypto/hash.ts'
import { isComputed } from '../../../events/ids.ts'
import type { Payload } from '../../../events/statement.ts'
import { HistoryPruned } from '../../../runtime/history-pruned.ts'
import {
  computedGroup,
  type PayloadEntry,
  type PayloadGroup,
  type PayloadRef,
  refOf,
} from '../../../store/payload-group.ts'
import type { Store } from '../../../store/port.ts'

/** So many values are asked of the store at once. */
const AT_ONCE = 1_000

/**
 * Writes again what rules have computed and the store has lost: it follows from the ledger. Looks for what stands, and for what the
 * settled entries computed. What others have computed who gave the entry may be erased there by now, before this party hears of it: it
 * is left out. Nobody else may erase meanwhile. Throws HistoryPruned if a view without its history stands on what is lost.
 */
export async function restoreComputed(
  store: Store,
  { contract, ledger }: AgreementState,
  settled: readonly Acknowledged[],
): Promise<void> {
  if (ledger.document.rules.since === 0) return
  const payloads = new Map<Hash, Payload>()
  const taken = new Set(Array.from(ledger.known.keys(), computedGroup))
  const refs: PayloadRef[] = [...computedIn(ledger.document.document)]
  for (const { computed, entry } of settled) {
    for (const [seal, payload] of computed) {
      payloads.set(seal, payload)
      refs.push({ group: computedGroup(entry.index), seal })
    }
  }
  const lost = new Map<PayloadGroup, PayloadEntry[]>()
  for (let from = 0; from < refs.length; from += AT_ONCE) {
    const some = refs.slice(from, from + AT_ONCE)
    const held = await store.payloads.get(contract, some)
    for (const { group, seal } of some) {
      if (held.has(seal) || isErased(ledger.document, seal)) continue
      const payload = payloads.get(seal) ?? ledger.computed.get(seal)
      if (payload === undefined) {
        if (taken.has(group)) continue
        throw new HistoryPruned('what rules have computed')
      }
      const entries = lost.get(group) ?? []
      entries.push({ seal, text: canonicalJson(payload) })
      lost.set(group, entries)
    }
  }
  for (const [group, entries] of lost) await store.payloads.put(contract, group, entries)
}

function* computedIn(element: Element): Generator<PayloadRef> {
  if (element.kind !== 'field') for (const child of childrenOf(element)) yield* computedIn(child)
  else if (element.agreed !== null && element.agreed.seal !== null && isComputed(element.agreed.id)) {
    yield refOf(element.agreed)
  }
}
