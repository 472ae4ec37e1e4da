import { type Static, Type } from 'typebox'
import type { Element } from '../aggregates/contract/document/element.ts'
import { builtInOf } from '../aggregates/contract/document/types.ts'
import { compiledRule, placeOf } from '../aggregates/contract/rules/compiled-rule.ts'
import type { RuleTerms } from '../aggregates/contract/rules/rule-book.ts'
import { schemaOf } from '../aggregates/contract/rules/rule-schema.ts'
import { type ContractState, find } from '../aggregates/contract/state.ts'
import { compile, isCompiled } from '../aggregates/rules/compile.ts'
import { print } from '../aggregates/rules/text/print.ts'
import type { RuleType } from '../aggregates/rules/types.ts'
import { validateAst } from '../aggregates/rules/validate-ast.ts'
import { ruleTypeOf } from '../aggregates/rules/values/field-values.ts'
import { type ElementId, HandleSchema } from '../events/ids.ts'
import { accessRights, type Expression, type RuleBody, RuleNumberSchema, type Who } from '../events/rule.ts'
import { ConcordataError, type ErrorCode } from '../runtime/errors.ts'
import { AgreedView } from './agreed-view.ts'
import { PathSchema, pathTo } from './path.ts'

/** An expression cannot be read. Evidence: `from`, `to` (UTF-16 units of the text), `suggestion`, `faults` (all of them). */
export class ExpressionUnfit extends ConcordataError {}

const closed = { additionalProperties: false }
const Text = Type.String({ minLength: 1, maxLength: 2_000 })
const WhoWritten = Type.Object(
  {
    parties: Type.Optional(Type.Array(HandleSchema, { maxItems: 1000 })),
    fields: Type.Optional(Type.Array(PathSchema, { maxItems: 1000 })),
  },
  closed,
)
const SwitchedWritten = Type.Optional(
  Type.Object(
    {
      blocks: Type.Optional(Type.Array(PathSchema, { maxItems: 1000 })),
      ruleSets: Type.Optional(Type.Array(RuleNumberSchema, { maxItems: 1000 })),
    },
    closed,
  ),
)

/** What a rule says, as people write and read it: expressions are texts, elements stand by their paths. */
export const RuleWrittenSchema = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('constraint'),
      condition: Text,
      severity: Type.Optional(Type.Union([Type.Literal('reject'), Type.Literal('warn')])),
    },
    closed,
  ),
  Type.Object({ kind: Type.Literal('assignment'), target: PathSchema, expression: Text }, closed),
  Type.Object(
    {
      kind: Type.Literal('access'),
      who: WhoWritten,
      what: Type.Array(Type.Enum(accessRights), { minItems: 1, maxItems: accessRights.length }),
    },
    closed,
  ),
  Type.Object(
    {
      kind: Type.Literal('validation'),
      who: WhoWritten,
      notify: Type.Optional(Type.Array(HandleSchema, { maxItems: 1000 })),
    },
    closed,
  ),
  Type.Object({ kind: Type.Literal('required'), before: Type.Union([Type.Literal('live'), RuleNumberSchema]) }, closed),
  Type.Object({ kind: Type.Literal('single') }, closed),
  Type.Object(
    { kind: Type.Literal('trigger'), condition: Text, activates: SwitchedWritten, deactivates: SwitchedWritten },
    closed,
  ),
])
export type RuleWritten = Static<typeof RuleWrittenSchema>

const BOOLEAN: RuleType = { kind: 'boolean' }

type Named = (path: string) => Element

/** What a person has written, with ids for names. `named`: what each of `pathsIn` names. Throws ExpressionUnfit. */
export function ruleBody(rule: RuleWritten, at: Element, state: ContractState, named: Named): RuleBody {
  const block = placeOf(at, state)
  switch (rule.kind) {
    case 'constraint':
      return {
        ...rule,
        condition: expressionOf(rule.condition, block, BOOLEAN, state),
        severity: rule.severity ?? 'reject',
      }
    case 'assignment': {
      const target = named(rule.target)
      const expected = target.kind === 'field' ? ruleTypeOf(builtInOf(target.field, state.types)) : undefined
      return {
        kind: rule.kind,
        target: target.id,
        expression: expressionOf(rule.expression, placeOf(target, state), expected, state),
      }
    }
    case 'access':
      return { ...rule, who: whoOf(rule.who, named) }
    case 'validation':
      return { ...rule, who: whoOf(rule.who, named) }
    case 'trigger': {
      const switched = ({ blocks = [], ruleSets = [] }: NonNullable<typeof rule.activates> = {}) => {
        return { blocks: blocks.map((path) => named(path).id), ruleSets }
      }
      const condition = expressionOf(rule.condition, block, BOOLEAN, state)
      return {
        kind: rule.kind,
        condition,
        activates: switched(rule.activates),
        deactivates: switched(rule.deactivates),
      }
    }
    default:
      return rule
  }
}

/** The inverse, with the names of today. */
export function ruleWritten(terms: RuleTerms, state: ContractState): RuleWritten {
  const { body } = terms
  const compiled = compiledRule(terms, state)
  const block = compiled.kind === 'fit' ? compiled.block : terms.at
  const text = (expression: Expression) => textOf(expression, block, state)
  const path = (id: ElementId) => pathOf(id, state)
  const who = ({ parties, fields }: Who) => ({ parties, fields: fields.map(path) })
  switch (body.kind) {
    case 'constraint':
      return { ...body, condition: text(body.condition) }
    case 'assignment':
      return { kind: body.kind, target: path(body.target), expression: text(body.expression) }
    case 'access':
    case 'validation':
      return { ...body, who: who(body.who) } as RuleWritten
    case 'trigger': {
      const switched = ({ blocks, ruleSets }: typeof body.activates) => ({ blocks: blocks.map(path), ruleSets })
      const { activates, deactivates } = body
      const condition = text(body.condition)
      return { kind: body.kind, condition, activates: switched(activates), deactivates: switched(deactivates) }
    }
    default:
      return body
  }
}

/** Names from the root on with slashes between, escaped as in a URL; the id of what is not there any more. */
export function pathOf(id: ElementId, state: ContractState): string {
  const names = AgreedView.namesOf(state, id)
  return names === undefined ? id : pathTo(names)
}

/** What a rule names beside the element that it stands at. */
export function pathsIn(rule: RuleWritten): string[] {
  switch (rule.kind) {
    case 'assignment':
      return [rule.target]
    case 'access':
    case 'validation':
      return rule.who.fields ?? []
    case 'trigger':
      return [...(rule.activates?.blocks ?? []), ...(rule.deactivates?.blocks ?? [])]
    default:
      return []
  }
}

function whoOf({ parties = [], fields = [] }: Static<typeof WhoWritten>, named: Named): Who {
  return { parties, fields: fields.map((path) => named(path).id) }
}

function expressionOf(
  text: string,
  block: ElementId,
  expected: RuleType | undefined,
  state: ContractState,
): Expression {
  const compiled = compile(text, schemaOf(state), { block, ...(expected && { expected }) })
  if (isCompiled(compiled)) return compiled.ast as unknown as Expression
  const [first] = compiled
  const { code, message, from, to, suggestion } = first as NonNullable<typeof first>
  const meant = suggestion === undefined ? {} : { suggestion }
  throw new ExpressionUnfit(code satisfies ErrorCode, message, { text, from, to, ...meant, faults: compiled })
}

/** What is left of the language by a removal is shown as its tree. */
function textOf(expression: Expression, block: ElementId, state: ContractState): string {
  const ast = validateAst(expression)
  if ('code' in ast || find(state, block) === undefined) return JSON.stringify(expression)
  return print(ast, schemaOf(state), block)
}
