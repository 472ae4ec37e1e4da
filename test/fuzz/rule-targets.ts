import { AT_ROOT, type Compiled, check, compile, isCompiled } from '../../src/aggregates/rules/compile.ts'
import { evaluate } from '../../src/aggregates/rules/evaluate.ts'
import { print } from '../../src/aggregates/rules/text/print.ts'
import { isMalformed, validateAst } from '../../src/aggregates/rules/validate-ast.ts'
import { formatValue } from '../../src/aggregates/rules/values/format-value.ts'
import { trialLine } from '../../src/cli/rule/trial-lines.ts'
import { errorCodes } from '../../src/runtime/errors.ts'
import { sampleSlip } from '../aggregates/rules/sample-document.ts'
import { parse, type Target } from './target.ts'

const slip = sampleSlip()
const STEPS = 2_000
const texts = [
  'round half up(Premium * Rate, 2) > money(1, "GBP") and Country in ("Chile", "Mexico")',
  'every line in _.Lines[Signed != null] satisfies line.Written between 0 and 1e2 or `Terms and Conditions` = "x"',
  'if Lines[Insurer = "acme-re"].Written > -1 ** 2 then @"2026-01-31" + @"P1M" else date(2026, 2, 3)',
  '[1, 2, item][item in [0..2)] = [] // why\n',
  'years and months duration(from: Inception, to: Bound).months * 2.50 in (< 5, (7..9])',
]
const compiled = texts.map((text) => compile(text, slip, AT_ROOT)).filter(isCompiled)
if (compiled.length !== texts.length) throw new Error('a valid expression is refused')

/** It has a value, or too many steps: whatever it is. */
function run({ program }: Compiled): void {
  const outcome = evaluate(program, slip, STEPS)
  if (outcome.kind === 'value') formatValue(outcome.value)
  if (outcome.steps > STEPS) throw new Error(`${outcome.steps} steps`)
}

export const ruleTargets: readonly Target[] = [
  {
    name: 'the text of an expression',
    valid: texts,
    decode(text) {
      const result = compile(text, slip, AT_ROOT)
      if (!isCompiled(result)) {
        const unknown = result.find(({ code, message }) => !(code in errorCodes) || message === '')
        if (unknown !== undefined || result.length === 0) throw new Error(`no reason: ${JSON.stringify(result)}`)
        return null
      }
      run(result)
      const again = compile(print(result.ast, slip, AT_ROOT.block), slip, AT_ROOT)
      // What is printed is spelt out, and can be longer than a text may be.
      if (!isCompiled(again)) return undefined
      const [one, other] = [result, again].map(({ ast }) => JSON.stringify(ast)) as [string, string]
      return () => (one === other ? text : other)
    },
  },
  {
    name: 'the tree of an expression',
    valid: compiled.map(({ ast }) => JSON.stringify(ast)),
    decode(text) {
      const json = parse(text)
      if (json === undefined) return null
      const ast = validateAst(json.value)
      if (isMalformed(ast)) return null
      const result = check(ast, slip, AT_ROOT)
      if (!isCompiled(result)) return null
      run(result)
      return undefined
    },
  },
  {
    name: 'a case of `rule try --json`',
    valid: [
      '{"x": "A + B", "in": {"A": {"num": "0.1"}}, "let": {"B": "A * 2"}, "inType": {"A": "number"}, "type": "number"}',
      '{"x": "L[N = 1].M", "in": {"L": [{"ctx": {"N": {"num": "1"}, "M": {"dur": "P1Y"}}}], "D": {"date": "2026-01-31"}}}',
    ],
    decode(text) {
      const outcome = JSON.parse(trialLine(text)) as { readonly error?: { readonly code: string } }
      if (outcome.error !== undefined && !(outcome.error.code in errorCodes)) throw new Error(outcome.error.code)
      return outcome.error === undefined ? undefined : null
    },
  },
]
