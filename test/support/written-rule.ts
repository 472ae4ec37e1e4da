import { placeOf } from '../../src/aggregates/contract/rules/compiled-rule.ts'
import { ruleHash, ruleNumbered } from '../../src/aggregates/contract/rules/rule-book.ts'
import { schemaOf } from '../../src/aggregates/contract/rules/rule-schema.ts'
import { find } from '../../src/aggregates/contract/state.ts'
import { compile, isCompiled } from '../../src/aggregates/rules/compile.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { ElementId, Handle } from '../../src/events/ids.ts'
import type { AccessRight, Expression, RuleBody } from '../../src/events/rule.ts'
import { assert } from '../../src/runtime/assert.ts'
import type { Document } from './document.ts'

interface WrittenWho {
  readonly parties?: readonly string[]
  /** Paths of fields. */
  readonly fields?: readonly string[]
}
interface WrittenSwitched {
  readonly blocks?: readonly string[]
  readonly ruleSets?: readonly number[]
}

/** A rule as a person writes it: expressions as text, elements by their paths. */
export type WrittenRule =
  | { readonly constraint: string; readonly severity?: 'warn' }
  | { readonly assign: string; readonly to: string }
  | { readonly access: readonly AccessRight[]; readonly who: WrittenWho }
  | { readonly validation: WrittenWho }
  | { readonly required: 'live' | number }
  | 'single'
  | { readonly trigger: string; readonly activates?: WrittenSwitched; readonly deactivates?: WrittenSwitched }

/** `path`: of the element that the rule stands at. */
export function bodyOf(rule: WrittenRule, path: string, document: Document): RuleBody {
  if (rule === 'single') return { kind: 'single' }
  const placeAt = (id: ElementId) => {
    const element = find(document.state, id)
    return element === undefined ? id : placeOf(element, document.state)
  }
  const block = placeAt(document.idAt(path))
  const expression = (text: string, within: ElementId) => written(text, within, document)
  if ('constraint' in rule) {
    return { kind: 'constraint', condition: expression(rule.constraint, block), severity: rule.severity ?? 'reject' }
  }
  if ('assign' in rule) {
    const target = document.idAt(rule.to)
    return { kind: 'assignment', target, expression: expression(rule.assign, placeAt(target)) }
  }
  if ('access' in rule) return { kind: 'access', what: [...rule.access], who: whoOf(rule.who, document) }
  if ('validation' in rule) return { kind: 'validation', who: whoOf(rule.validation, document) }
  if ('required' in rule) return { kind: 'required', before: rule.required }
  const switched = ({ blocks = [], ruleSets = [] }: WrittenSwitched = {}) => ({
    blocks: blocks.map((one) => document.idAt(one)),
    ruleSets: [...ruleSets],
  })
  return {
    kind: 'trigger',
    condition: expression(rule.trigger, block),
    activates: switched(rule.activates),
    deactivates: switched(rule.deactivates),
  }
}

function whoOf({ parties = [], fields = [] }: WrittenWho, document: Document) {
  return { parties: parties as Handle[], fields: fields.map((field) => document.idAt(field)) }
}

function written(text: string, block: ElementId, { state }: Document): Expression {
  assert(find(state, block) !== undefined, 'the block is there')
  const compiled = compile(text, schemaOf(state), { block })
  assert(isCompiled(compiled), `${text}: ${isCompiled(compiled) ? '' : JSON.stringify(compiled)}`)
  return compiled.ast as unknown as Expression
}

export function hashOfRule({ state }: Document, id: number): Hash {
  const rule = ruleNumbered(state.rules, id)
  assert(rule !== undefined, 'the rule is there')
  return ruleHash(rule.terms)
}
