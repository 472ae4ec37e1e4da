import { evaluate as feelin } from 'feelin'
import { childrenOf, type Element, entriesOf } from '../../src/aggregates/contract/document/element.ts'
import { builtInOf } from '../../src/aggregates/contract/document/types.ts'
import { OpenedDocument } from '../../src/aggregates/contract/rules/document-view.ts'
import { eachInstanceOf, schemaOf } from '../../src/aggregates/contract/rules/rule-schema.ts'
import { find } from '../../src/aggregates/contract/state.ts'
import { type Compiled, compile, isCompiled } from '../../src/aggregates/rules/compile.ts'
import { type Evaluation, evaluate } from '../../src/aggregates/rules/evaluate.ts'
import { RULE_STEPS } from '../../src/aggregates/rules/limits.ts'
import { parentOf } from '../../src/aggregates/rules/schema.ts'
import type { RuleType } from '../../src/aggregates/rules/types.ts'
import { itemOf } from '../../src/aggregates/rules/values/conform.ts'
import { ruleTypeOf } from '../../src/aggregates/rules/values/field-values.ts'
import { Money, Nothing } from '../../src/aggregates/rules/values/values.ts'
import type { RuleWritten } from '../../src/documents/written-rule.ts'
import type { Scenario } from '../../src/scenario/scenario.ts'
import {
  bindingAuthority,
  carHireAgreement,
  reinsuranceSlip,
  sharedRecords,
} from '../../src/scenario/worked-contracts.ts'
import type { Document } from '../support/document.ts'
import { elementNamed, jsonOf, workedDocument } from '../support/worked-document.ts'

/** An expression of a rule, where it stands, and the first entry that it is evaluated in. */
export interface WorkedExpression {
  readonly text: string
  compile(): Compiled
  evaluate(): Evaluation
  /** The same by feelin, which parses it each time: it has nothing else. */
  feelin(): unknown
  /** Whether that is the same value, in the digits that a double has. */
  isAlike(): boolean
}

/** All expressions of the worked contracts, on the documents that their scenarios come to. */
export function workedExpressions(): WorkedExpression[] {
  const scenarios = [reinsuranceSlip(), bindingAuthority(), carHireAgreement(), sharedRecords()]
  return scenarios.flatMap((scenario) => expressionsOf(scenario, workedDocument(scenario)))
}

function expressionsOf({ rules }: Scenario, document: Document): WorkedExpression[] {
  const { state } = document
  const schema = schemaOf(state)
  const view = new OpenedDocument(state, document.open, new Set())
  const root = forFeelin(document, state.document)
  return rules.flatMap(({ at, says }) => {
    const text = textOf(says)
    if (text === undefined) return []
    const place = elementNamed(says.kind === 'assignment' ? says.target : at, state)
    const block = place.kind === 'block' ? place.id : parentOf(place.id)
    const expected = says.kind === 'assignment' && place.kind === 'field' ? typeOf(place, document) : BOOLEAN
    const draft = () => {
      const compiled = compile(text, schema, { block, expected })
      if (!isCompiled(compiled)) throw new Error(`${text}: ${compiled[0]?.message}`)
      return compiled
    }
    const { program } = draft()
    const [instance] = eachInstanceOf(state, block)
    const here = instance === undefined ? undefined : find(state, instance)
    if (here === undefined || instance === undefined) return []
    const own = forFeelin(document, here) as object
    const context = { ...own, _: root, here: own, money: (amount: number, _currency: string) => amount }
    return {
      text,
      compile: draft,
      evaluate: () => evaluate(program, view, RULE_STEPS, instance),
      feelin: () => feelin(text, context, 'camunda').value,
      isAlike: () =>
        isAlike(evaluate(program, view, RULE_STEPS, instance), () => feelin(text, context, 'camunda').value),
    }
  })
}

/** Some feelin does not evaluate, but throws. */
function isAlike(ours: Evaluation, evaluated: () => unknown): boolean {
  let theirs: unknown
  try {
    theirs = evaluated()
  } catch {
    return false
  }
  if (ours.kind !== 'value') return false
  const value = itemOf(ours.value)
  const other = Array.isArray(theirs) ? theirs[0] : theirs
  if (value instanceof Nothing) return other === null || other === undefined
  const number = value instanceof Money ? value.amount : value
  return typeof other === 'number'
    ? Number(number).toPrecision(12) === other.toPrecision(12)
    : String(value) === String(other)
}

const BOOLEAN: RuleType = { kind: 'boolean' }

function textOf(says: RuleWritten): string | undefined {
  if (says.kind === 'assignment') return says.expression
  return says.kind === 'constraint' || says.kind === 'trigger' ? says.condition : undefined
}

function typeOf(field: Extract<Element, { kind: 'field' }>, { state }: Document): RuleType {
  return ruleTypeOf(builtInOf(field.field, state.types))
}

/** Values as feelin has them: of money, which it has not, the amount. */
function forFeelin(document: Document, element: Element): unknown {
  if (element.kind === 'list') return [...entriesOf(element)].map((entry) => forFeelin(document, entry))
  if (element.kind === 'block') {
    return Object.fromEntries([...childrenOf(element)].map((child) => [child.name, forFeelin(document, child)]))
  }
  const value = jsonOf(document, element)
  if (value === null) return null
  switch (builtInOf(element.field, document.state.types).type) {
    case 'decimal':
    case 'integer':
      return Number(value)
    case 'money':
      return Number((value as { amount: string }).amount)
    case 'date':
      return feelin(`date("${value}")`).value
    case 'date-time':
      return feelin(`date and time("${value}")`).value
    case 'duration':
      return feelin(`duration("${value}")`).value
    default:
      return value
  }
}
