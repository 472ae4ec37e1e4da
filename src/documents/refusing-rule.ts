import type { Field } from '../aggregates/contract/document/element.ts'
import { compiledRule, type Read } from '../aggregates/contract/rules/compiled-rule.ts'
import { ruleNumbered } from '../aggregates/contract/rules/rule-book.ts'
import { eachInstanceOf } from '../aggregates/contract/rules/rule-schema.ts'
import { type ContractState, find } from '../aggregates/contract/state.ts'
import type { Intent } from '../contracts/requests/submission.ts'
import type { Hash } from '../crypto/hash.ts'
import type { Uid } from '../events/ids.ts'
import type { Outcome, VoidCode } from '../events/outcome.ts'
import { valueUnder } from '../events/seal.ts'
import { refOf } from '../store/payload-group.ts'
import type { PayloadStore } from '../store/port.ts'
import { pathOf, type RuleWritten, ruleWritten } from './written-rule.ts'

/** The rule by which a request is void, for the people of its author. */
export interface RefusingRule {
  readonly number: number
  readonly at: string
  readonly says: RuleWritten
  /** What its expression reads, with the values of the request, and those that stand beside them. */
  readonly inputs: readonly { readonly path: string; readonly value: unknown }[]
}

/** Codes whose `with` begins with the number of a rule. */
const byRule: ReadonlySet<VoidCode> = new Set<VoidCode>([
  'access_denied',
  'computed_unfit',
  'field_assigned',
  'required_missing',
  'rule_broken',
  'rule_governed',
  'rule_over_budget',
])

/** As many inputs as are shown. */
const INPUTS_MAX = 100

/** The leaf names rule and elements by their ids: what they are, and what the values are, only a node that holds them can say. */
export async function refusingRule(
  outcome: Outcome,
  { request, payloads }: Pick<Intent, 'request' | 'payloads'>,
  state: ContractState,
  contract: Uid,
  store: PayloadStore,
): Promise<RefusingRule | undefined> {
  if (outcome.kind !== 'void' || !byRule.has(outcome.reason.code)) return undefined
  const number = Number(outcome.reason.with?.[0])
  const rule = ruleNumbered(state.rules, number)
  if (rule === undefined) return undefined
  const { terms } = rule
  const compiled = compiledRule(terms, state)
  const fields = inputsOf(compiled.kind === 'fit' ? compiled.reads : [], state)
  const proposed = new Map<string, unknown>()
  for (const command of request.commands) {
    if (command.type === 'ProposeValue' && 'field' in command && 'seal' in command && !('audience' in command)) {
      proposed.set(command.field as string, payloads[command.seal as Hash]?.value)
    }
    if (command.type === 'EmptyField' && 'field' in command) proposed.set(command.field as string, null)
  }
  const refs = fields.flatMap(({ agreed }) => (agreed === null ? [] : refOf(agreed)))
  const opened = await store.get(contract, refs)
  const inputs = fields.map(({ id, agreed }) => {
    const text = agreed === null ? undefined : opened.get(agreed.seal)
    // As the rule reads it.
    const isRead = agreed !== null && agreed.audience === undefined && text !== undefined
    const standing = isRead ? valueUnder(agreed.seal, text) : null
    return { path: pathOf(id, state), value: proposed.has(id) ? proposed.get(id) : standing }
  })
  return { number, at: pathOf(terms.at, state), says: ruleWritten(terms, state), inputs }
}

/** The first of them: a list that is read may have thousands of entries. */
function inputsOf(reads: readonly Read[], state: ContractState): Field[] {
  const fields: Field[] = []
  for (const { id } of reads) {
    for (const instance of eachInstanceOf(state, id)) {
      if (fields.length === INPUTS_MAX) return fields
      const field = find(state, instance)
      if (field?.kind === 'field') fields.push(field)
    }
  }
  return fields
}
