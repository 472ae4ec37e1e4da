import { type Element, type Field, fieldsWithCandidates } from '../../aggregates/contract/document/element.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import { audienceAt } from '../../aggregates/contract/values/effective-audience.ts'
import { type Candidate, isInConflict } from '../../aggregates/contract/values/standing.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ElementId, Handle } from '../../events/ids.ts'
import { valueUnder } from '../../events/seal.ts'
import { refOf } from '../../store/payload-group.ts'
import type { PayloadStore } from '../../store/port.ts'
import type { Awaited } from './fates.ts'

/** A value that a party has put up already, and that waits for nothing but votes. Null: that the field be emptied. */
export interface OwnCandidate extends Awaited {
  readonly value: unknown
}

/** Those of a party at and below some elements, as far as they are held here. By their fields. */
export async function ownCandidatesIn(
  elements: readonly Element[],
  party: Handle,
  document: ContractState,
  payloads: PayloadStore,
): Promise<Map<ElementId, OwnCandidate>> {
  const found: [Field, Candidate][] = []
  for (const field of elements.flatMap((element) => [...fieldsWithCandidates(element)])) {
    const own = field.candidates.find(({ by }) => by === party)
    if (own !== undefined && isToCome(own, field, document)) found.push([field, own])
  }
  const sealed = found.flatMap(([, { seal, ...candidate }]) => (seal === null ? [] : refOf({ ...candidate, seal })))
  const opened = await payloads.get(document.contract, sealed)
  const candidates = new Map<ElementId, OwnCandidate>()
  for (const [{ id: field }, { id: proposal, seal, yes }] of found) {
    const text = opened.get(seal as Hash)
    if (seal !== null && text === undefined) continue
    candidates.set(field, { field, proposal, yes, value: seal === null ? null : valueUnder(seal, text as string) })
  }
  return candidates
}

/** With its votes it would be agreed, for those whom a value is for that is put up there now. */
function isToCome(candidate: Candidate, { agreed, id }: Field, document: ContractState): boolean {
  const { audience, by, seen } = candidate
  if (isInConflict(candidate)) return false
  if (agreed !== null && agreed.by !== by && !seen.includes(agreed.id)) return false
  return canonicalJson(audience ?? null) === canonicalJson(audienceAt(document, id)?.parties ?? null)
}
