import { childrenOf, type Element } from '../../../aggregates/contract/document/element.ts'
import { isErased } from '../../../aggregates/contract/erased-values.ts'
import type { Acknowledged } from '../../../agreement/ledger.ts'
import type { AgreementState } from '../../../agreement/state.ts'
import { canonicalJson } from '../../../crypto/canonical-json.ts'
import type { Hash } from '../../../crypto/hash.ts'
import { isComputed, type LedgerIndex } from '../../../events/ids.ts'
import { computedSealsIn } from '../../../events/ledger-entry.ts'
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
import type { LacksComputed } from '../inbound/late-computed.ts'

/** How many values the store is asked for at once. */
const AT_ONCE = 1_000

/**
 * Restores values that rules have computed and the store has lost: they follow from the ledger. Covers the values that
 * stand and those that the settled entries computed. `isAlone`: no other process erases meanwhile; otherwise nothing
 * is written. Returns what is missing of entries that others have given, since the giver may have lost the values as
 * well. Throws HistoryPruned if a view without its history depends on what is lost.
 */
export async function restoreComputed(
  store: Store,
  { contract, ledger }: AgreementState,
  settled: readonly Acknowledged[],
  isAlone: boolean,
): Promise<LacksComputed> {
  const missing = new Map<LedgerIndex, Set<Hash>>()
  if (ledger.document.rules.since === 0) return missing
  const payloads = new Map<Hash, Payload>()
  const wanted = new Map<string, PayloadRef>()
  const want = (ref: PayloadRef) => wanted.set(`${ref.group} ${ref.seal}`, ref)
  for (const ref of computedIn(ledger.document.document)) want(ref)
  const taken = new Map<PayloadGroup, LedgerIndex>()
  for (const { entry } of ledger.known.values()) {
    const { index } = entry
    if (index >= ledger.log.size) continue
    taken.set(computedGroup(index), index)
    for (const seal of computedSealsIn(entry)) want({ group: computedGroup(index), seal })
  }
  for (const { computed, entry } of settled) {
    for (const [seal, payload] of computed) {
      payloads.set(seal, payload)
      want({ group: computedGroup(entry.index), seal })
    }
  }
  const refs = [...wanted.values()]
  const lost = new Map<PayloadGroup, PayloadEntry[]>()
  for (let from = 0; from < refs.length; from += AT_ONCE) {
    const some = refs.slice(from, from + AT_ONCE)
    const held = await store.payloads.get(contract, some)
    for (const { group, seal } of some) {
      if (held.has(seal) || isErased(ledger.document, seal)) continue
      const payload = payloads.get(seal) ?? ledger.computed.get(seal)
      if (payload === undefined) {
        const index = taken.get(group)
        if (index === undefined && isAlone) throw new HistoryPruned('what rules have computed')
        if (index !== undefined) missing.set(index, (missing.get(index) ?? new Set()).add(seal))
        continue
      }
      const entries = lost.get(group) ?? []
      entries.push({ seal, text: canonicalJson(payload) })
      lost.set(group, entries)
    }
  }
  if (isAlone) for (const [group, entries] of lost) await store.payloads.put(contract, group, entries)
  return missing
}

function* computedIn(element: Element): Generator<PayloadRef> {
  if (element.kind !== 'field') for (const child of childrenOf(element)) yield* computedIn(child)
  else if (element.agreed !== null && element.agreed.seal !== null && isComputed(element.agreed.id)) {
    yield refOf(element.agreed)
  }
}
