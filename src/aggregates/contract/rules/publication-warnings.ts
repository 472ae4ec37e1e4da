import type { ElementId } from '../../../events/ids.ts'
import { ancestorsOf } from '../../../events/ids.ts'
import { type ContractState, find } from '../state.ts'
import { type CompiledRule, compiledRule } from './compiled-rule.ts'
import type { Rule } from './rule-book.ts'

/** What is allowed, and may not be meant (design §5a). */
export type PublicationWarning =
  /** In a document whose lists are full one evaluation of this rule can take more steps than `ruleSteps`. */
  | { readonly code: 'rule_may_exceed_steps'; readonly rule: number; readonly steps: number; readonly limit: number }
  /** One request that changes all that rules read can take more than `requestSteps`, all rules and entries together. */
  | { readonly code: 'request_may_exceed_steps'; readonly steps: number; readonly limit: number }
  /** Who is named in this field has rights, and no access or validation rule says who may name somebody there. */
  | { readonly code: 'rights_unguarded'; readonly rule: number; readonly field: ElementId }

/** Of rules that a publication would put into force. `steps` are 2^53 − 1 where nothing bounds them. */
export function publicationWarnings(rules: readonly Rule[], state: ContractState): PublicationWarning[] {
  const compiled = rules.flatMap(({ terms }) => {
    const rule = compiledRule(terms, state)
    return rule.kind === 'fit' ? [rule] : []
  })
  return [...costly(compiled, state), ...unguarded(compiled)]
}

function costly(rules: readonly CompiledRule[], state: ContractState): PublicationWarning[] {
  const { requestSteps, ruleSteps } = state.limits
  const warnings: PublicationWarning[] = []
  let all = 0
  for (const { expression, lists, terms } of rules) {
    if (expression === undefined) continue
    const steps = expression.worstCost()
    if (steps > ruleSteps)
      warnings.push({ code: 'rule_may_exceed_steps', rule: terms.id, steps: shown(steps), limit: ruleSteps })
    all += Math.min(steps, ruleSteps) * entriesAtMost(lists, state)
  }
  if (all > requestSteps) warnings.push({ code: 'request_may_exceed_steps', steps: shown(all), limit: requestSteps })
  return warnings
}

/** How often a rule is evaluated where all lists that it stands in are full. */
function entriesAtMost(lists: readonly ElementId[], state: ContractState): number {
  return lists.reduce((product, id) => {
    const list = find(state, id)
    return product * (list?.kind === 'list' ? list.entriesMax : 1)
  }, 1)
}

function unguarded(rules: readonly CompiledRule[]): PublicationWarning[] {
  const guarded = new Set(
    rules.flatMap(({ terms: { at, body } }) =>
      body.kind === 'validation' || (body.kind === 'access' && body.what.includes('propose')) ? at : [],
    ),
  )
  return rules.flatMap(({ terms: { body, id } }) => {
    if (body.kind !== 'access' && body.kind !== 'validation') return []
    const open = body.who.fields.filter((field) => ![...ancestorsOf(field)].some((way) => guarded.has(way)))
    return open.map((field) => ({ code: 'rights_unguarded' as const, rule: id, field }))
  })
}

function shown(steps: number): number {
  return Math.min(steps, Number.MAX_SAFE_INTEGER)
}
