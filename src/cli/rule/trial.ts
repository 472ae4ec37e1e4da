import { AT_ROOT, type Compiled, compile, isCompiled } from '../../aggregates/rules/compile.ts'
import { evaluate } from '../../aggregates/rules/evaluate.ts'
import type { Fault } from '../../aggregates/rules/fault.ts'
import { RULE_STEPS } from '../../aggregates/rules/limits.ts'
import type { Reason } from '../../aggregates/rules/reasons.ts'
import type { RuleType } from '../../aggregates/rules/types.ts'
import { conformed } from '../../aggregates/rules/values/conform.ts'
import { Nothing, type Value } from '../../aggregates/rules/values/values.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { TrialDocument } from './trial-document.ts'

/** The expression is none of the language, does not fit the document, or costs too much. */
export class ExpressionRefused extends ConcordataError {
  readonly faults: readonly Fault[]
  constructor(faults: readonly [Fault, ...Fault[]] | readonly Fault[]) {
    const [first] = faults as readonly [Fault]
    super(first.code, messageOf(first))
    this.faults = faults
  }
}

export function messageOf({ message, suggestion }: Fault): string {
  return suggestion === undefined ? message : `${message}: did you mean ${suggestion}?`
}

export interface Trial {
  readonly value: Value
  readonly type: RuleType
  readonly reason?: Reason
  readonly steps: number
}

/** Drafts an expression at the root of a document and evaluates it there. Throws ExpressionRefused. */
export function tryExpression(text: string, document: TrialDocument, declared?: RuleType): Trial {
  const compiled = compile(text, document, AT_ROOT)
  if (!isCompiled(compiled)) throw new ExpressionRefused(compiled)
  return run(compiled, document, declared)
}

function run({ program, type }: Compiled, document: TrialDocument, declared: RuleType | undefined): Trial {
  const outcome = evaluate(program, document, RULE_STEPS)
  if (outcome.kind === 'over_budget') {
    const message = `it takes more than ${RULE_STEPS} steps`
    throw new ExpressionRefused([{ code: 'expression_over_budget', message, from: 0, to: 0 }])
  }
  const value = declared === undefined ? outcome.value : conformed(outcome.value, declared)
  const reason = value instanceof Nothing ? value.reason : undefined
  return { value, type: declared ?? type, ...(reason === undefined ? {} : { reason }), steps: outcome.steps }
}
