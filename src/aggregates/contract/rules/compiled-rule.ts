import type { ElementId } from '../../../events/ids.ts'
import type { Expression, Who } from '../../../events/rule.ts'
import { type Compiled, check, isCompiled } from '../../rules/compile.ts'
import { type Read, readsOf, readsRequestTime } from '../../rules/references.ts'
import { isWithin, listsOn, parentOf } from '../../rules/schema.ts'
import type { RuleType } from '../../rules/types.ts'
import { isMalformed, validateAst } from '../../rules/validate-ast.ts'
import { ruleTypeOf } from '../../rules/values/field-values.ts'
import type { Element, Field } from '../document/element.ts'
import { builtInOf } from '../document/types.ts'
import { type ContractState, find } from '../state.ts'
import { audienceAt } from '../values/effective-audience.ts'
import { type RuleTerms, ruleSetNumbered } from './rule-book.ts'
import { schemaOf } from './rule-schema.ts'

/** A rule against the structure of a document. */
export interface CompiledRule {
  readonly kind: 'fit'
  readonly terms: RuleTerms
  /** In which its expression stands: of an assignment that of its target. Below a list it is the prototype's, or the prototype. */
  readonly block: ElementId
  /** The lists on the way to that: it is evaluated once for each entry. */
  readonly lists: readonly ElementId[]
  /** Its condition, or what it assigns. */
  readonly expression: Compiled | undefined
  /** What that reads, each once, in the order of its nodes. Ids of the schema. */
  readonly reads: readonly Read[]
  readonly readsTime: boolean
}

/** Why what a rule says has no meaning in a document; `why` is a code, and stands in the ledger. */
export interface UnfitRule {
  readonly kind: 'unfit'
  readonly why: string
}

const BOOLEAN: RuleType = { kind: 'boolean' }

/** Attacker-controlled: the body, beyond its schema. */
export function compiledRule(terms: RuleTerms, state: ContractState): CompiledRule | UnfitRule {
  const at = find(state, terms.at)
  if (at === undefined || at.instance !== undefined) return unfit('place')
  const { body } = terms
  switch (body.kind) {
    case 'constraint':
      return compiled(terms, placeOf(at, state), state, { expression: body.condition, expected: BOOLEAN })
    case 'trigger': {
      const { activates, deactivates } = body
      const blocks = [...activates.blocks, ...deactivates.blocks]
      const ruleSets = [...activates.ruleSets, ...deactivates.ruleSets]
      const block = placeOf(at, state)
      if ((listsOn(block, schemaOf(state)) ?? []).length > 0) return unfit('trigger_in_list')
      if (blocks.length + ruleSets.length === 0) return unfit('switches_nothing')
      if (!blocks.every((id) => isSwitchable(find(state, id), terms.at, state))) return unfit('switched_block')
      if (!ruleSets.every((id) => ruleSetNumbered(state.rules, id))) return unfit('switched_rule_set')
      const trigger = compiled(terms, block, state, { expression: body.condition, expected: BOOLEAN })
      // What is on or off follows from the document alone, at any time.
      return trigger.kind === 'fit' && trigger.readsTime ? unfit('time_in_trigger') : trigger
    }
    case 'assignment': {
      const target = find(state, body.target)
      if (target?.kind !== 'field' || target.instance !== undefined) return unfit('target')
      if (!isWithin(target.id, terms.at)) return unfit('target_outside')
      if (audienceAt(state, target.id) !== undefined) return unfit('target_confidential')
      const expected = ruleTypeOf(builtInOf(target.field, state.types))
      if (expected.kind === 'attachment') return unfit('target_attachment')
      return compiled(terms, placeOf(target, state), state, { expression: body.expression, expected })
    }
    case 'access':
    case 'validation':
      return isWhoFit(body.who, terms.at, state) ? compiled(terms, placeOf(at, state), state) : unfit('who')
    case 'required':
      if (body.before !== 'live' && ruleSetNumbered(state.rules, body.before) === undefined) return unfit('before')
      return compiled(terms, placeOf(at, state), state)
    case 'single':
      return compiled(terms, placeOf(at, state), state)
  }
}

function compiled(
  terms: RuleTerms,
  block: ElementId,
  state: ContractState,
  says?: { readonly expression: Expression; readonly expected: RuleType },
): CompiledRule | UnfitRule {
  const schema = schemaOf(state)
  const lists = listsOn(block, schema) ?? []
  if (says === undefined)
    return { kind: 'fit', terms, block, lists, expression: undefined, reads: [], readsTime: false }
  const ast = validateAst(says.expression)
  if (isMalformed(ast)) return unfit(ast.code)
  const expression = check(ast, schema, { block, expected: says.expected })
  if (isCompiled(expression)) {
    const { ast } = expression
    return {
      kind: 'fit',
      terms,
      block,
      lists,
      expression,
      reads: readsOf(ast, schema),
      readsTime: readsRequestTime(ast),
    }
  }
  return unfit(expression[0]?.code ?? 'expression_malformed')
}

/**
 * Where a rule that stands at an element, or assigns it, is evaluated: a block; for a field, or a list, the block that it stands in;
 * for an entry that is a field, the entry.
 */
export function placeOf({ id, kind }: Element, state: ContractState): ElementId {
  if (kind === 'block') return id
  const parent = parentOf(id)
  return find(state, parent)?.kind === 'list' ? id : parent
}

/** A block under the trigger's own place, in no list, and not the root. */
function isSwitchable(element: Element | undefined, at: ElementId, state: ContractState): boolean {
  if (element === undefined || element.kind === 'field' || element.instance !== undefined) return false
  const { id } = element
  return id.includes('.') && isWithin(id, at) && (listsOn(id, schemaOf(state)) ?? [id]).length === 0
}

/** Fields of the type party, each one and the same for whatever the rule governs: in no list, or in an entry with it. */
function isWhoFit({ fields }: Who, at: ElementId, state: ContractState): boolean {
  const schema = schemaOf(state)
  return fields.every((id) => {
    const field = find(state, id)
    if (field?.kind !== 'field' || field.instance !== undefined || !isOfParties(field, state)) return false
    return (listsOn(id, schema) ?? [id]).every((list) => isWithin(at, `${list}.0` as ElementId))
  })
}

function isOfParties({ field }: Field, { types }: ContractState): boolean {
  return builtInOf(field, types).type === 'party'
}

function unfit(why: string): UnfitRule {
  return { kind: 'unfit', why }
}
