import { base64url } from '../../../crypto/bytes.ts'
import { type Hash, hashJson, hashToBytes } from '../../../crypto/hash.ts'
import { ancestorAt, depthOf, type ElementId } from '../../../events/ids.ts'
import { SALT_BYTES } from '../../../events/seal.ts'
import type { Read } from '../../rules/references.ts'
import { sharedEntry } from '../../rules/schema.ts'
import type { DecideContext } from '../decider.ts'
import { type ContractState, find } from '../state.ts'
import { isActive } from './activity.ts'
import type { CompiledRule } from './compiled-rule.ts'
import type { OpenedDocument } from './document-view.ts'
import { ruleHash } from './rule-book.ts'
import { instancesOf } from './rule-schema.ts'
import { isPublishable, rulesInForce } from './rules-in-force.ts'

/** The fields that an expression reads, in the order of its nodes, lists by their ordinals (design §5a *Inputs*). `block`: where it is evaluated. */
export function inputsOf(
  { lists, reads }: Pick<CompiledRule, 'lists' | 'reads'>,
  block: ElementId,
  state: ContractState,
): Read[] {
  return reads.flatMap(({ id: schemaId, isOfList, from }) => {
    const entry = from === undefined ? undefined : sharedEntry(from, lists)
    const part = entry && { under: ancestorAt(block, depthOf(entry)), of: entry }
    const ids = instancesOf(state, schemaId, part)
    const fields = ids.filter((id) => find(state, id)?.kind === 'field')
    return fields.map((id) => ({ id, isOfList, from }))
  })
}

/** Of an input that has no value. */
const NO_SALT = base64url(new Uint8Array(SALT_BYTES))

/** Of a value computed at `target`: from the salts of what it is computed from, and nothing secret besides (decision 0116). */
export function computedSalt(
  { terms }: CompiledRule,
  reads: readonly Read[],
  target: ElementId,
  view: OpenedDocument,
  { contract, index }: Pick<DecideContext, 'contract' | 'index'>,
): string {
  const inputs = reads.map(({ id }) => view.payload(id)?.salt ?? NO_SALT)
  const of = { contract, index, inputs, rule: ruleHash(terms), target }
  return base64url(hashToBytes(hashJson('computed', of)).subarray(0, SALT_BYTES))
}

/** Where an assignment is evaluated for one of its targets: the target's block, or the target, if it is an entry. */
export function placeOfTarget({ block }: CompiledRule, target: ElementId): ElementId {
  return ancestorAt(target, depthOf(block))
}

/** The seals of the values that a rule has computed a field from. `state`: right before the event that says so. */
export function inputSealsOf(state: ContractState, rule: number, field: ElementId): Hash[] {
  const rules = rulesInForce(state)
  const assigning = isPublishable(rules) ? rules.rules.find(({ terms }) => terms.id === rule) : undefined
  if (assigning === undefined) return []
  return inputsOf(assigning, placeOfTarget(assigning, field), state).flatMap(({ id }) => {
    const input = find(state, id)
    return input?.kind === 'field' && input.agreed !== null && isActive(state, id) ? [input.agreed.seal] : []
  })
}
