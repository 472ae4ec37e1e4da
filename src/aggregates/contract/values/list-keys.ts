import { canonicalJson } from '../../../crypto/canonical-json.ts'
import type { Hash } from '../../../crypto/hash.ts'
import type { ContractEvent } from '../../../events/contract-events.ts'
import { type ElementId, ordinalOf, parentIdOf, ROOT } from '../../../events/ids.ts'
import { childAt, entriesOf, type List } from '../document/element.ts'
import { isErased } from '../erased-values.ts'
import { Rejection } from '../rejection.ts'
import type { Open } from '../rules/document-view.ts'
import { type ContractState, find } from '../state.ts'

/**
 * Whether an entry has got a key that another one of its list has. Judged on the document after a request: what one command takes and
 * another gives back is taken by nobody (decision 0119). `lacking` gets the seals of keys that are not held here: then the answer says nothing.
 */
export function takenKey(
  state: ContractState,
  events: readonly ContractEvent[],
  open: Open,
  lacking: Set<Hash>,
): Rejection | undefined {
  for (const [list, changed] of changedKeys(state, events)) {
    const holders = new Map<string, ElementId>()
    for (const entry of entriesOf(list)) {
      const key = childAt(entry, 0)
      if (key?.kind !== 'field' || key.agreed === null || isErased(state, key.agreed.seal)) continue
      const opened = open(key.agreed)
      if (opened === undefined) {
        lacking.add(key.agreed.seal)
        continue
      }
      const value = canonicalJson(opened.value)
      const holder = holders.get(value)
      if (holder !== undefined) return new Rejection('key_taken', [changed.has(holder) ? entry.id : holder])
      holders.set(value, entry.id)
    }
  }
  return undefined
}

/** Whether a field is the key of an entry, and another entry of the list has this very key. What cannot be opened counts as another one. */
export function isKeyHeld(state: ContractState, id: ElementId, value: unknown, open: Open): boolean {
  const entry = parentIdOf(id)
  const list = ordinalOf(id) !== 0 || entry === ROOT ? undefined : find(state, parentIdOf(entry))
  if (list?.kind !== 'list' || !list.keyed) return false
  const wanted = canonicalJson(value)
  return [...entriesOf(list)].some((other) => {
    const key = other.id === entry ? undefined : childAt(other, 0)
    const opened =
      key?.kind === 'field' && key.agreed !== null && !isErased(state, key.agreed.seal) ? open(key.agreed) : undefined
    return opened !== undefined && canonicalJson(opened.value) === wanted
  })
}

const noLists: ReadonlyMap<List, Set<ElementId>> = new Map()

/** The lists of which entries have got another key, and those entries. */
function changedKeys(state: ContractState, events: readonly ContractEvent[]): ReadonlyMap<List, Set<ElementId>> {
  let entries: Set<ElementId> | undefined
  for (const event of events) {
    if (event.type !== 'ProposalAgreed' && event.type !== 'ValueComputed') continue
    const entry = parentIdOf(event.field)
    if (ordinalOf(event.field) === 0 && entry !== ROOT && ordinalOf(entry) !== 0)
      entries = (entries ?? new Set()).add(entry)
  }
  if (entries === undefined) return noLists
  const changed = new Map<List, Set<ElementId>>()
  const lists = new Map<ElementId, List>()
  for (const entry of entries) {
    const id = parentIdOf(entry)
    const list = lists.get(id) ?? find(state, id)
    if (list?.kind !== 'list' || !list.keyed) continue
    lists.set(id, list)
    changed.set(list, (changed.get(list) ?? new Set()).add(entry))
  }
  return changed
}
