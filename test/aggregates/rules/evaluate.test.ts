import fc from 'fast-check'
import t from 'tap'
import { AT_ROOT, type Compiled, check, compile, isCompiled } from '../../../src/aggregates/rules/compile.ts'
import { evaluate } from '../../../src/aggregates/rules/evaluate.ts'
import { RULE_STEPS } from '../../../src/aggregates/rules/limits.ts'
import { type DateTime, parseDateTime } from '../../../src/aggregates/rules/values/calendar.ts'
import { formatValue } from '../../../src/aggregates/rules/values/format-value.ts'
import type { ElementId } from '../../../src/events/ids.ts'
import { sampleSlip } from './sample-document.ts'
import { anyTree } from './trees.ts'

const slip = sampleSlip()
/** Where a rule stands, and an entry's place of the same. */
const places: readonly (readonly [ElementId, ElementId])[] = [
  [slip.id(), slip.id()],
  [slip.id('Insured'), slip.id('Insured')],
  [slip.id('Lines', 0), slip.id('Lines', 2)],
  [slip.id('Lines', 0, 'Layers', 0), slip.id('Lines', 1, 'Layers', 1)],
]

function compiled(text: string, block = AT_ROOT.block): Compiled {
  const result = compile(text, slip, { block })
  if (!isCompiled(result)) throw new Error(`${text}: ${JSON.stringify(result)}`)
  return result
}

function resultOf(text: string, [block, at] = places[0] as readonly [ElementId, ElementId]): string {
  const outcome = evaluate(compiled(text, block).program, slip, RULE_STEPS, at)
  if (outcome.kind === 'over_budget') return 'over budget'
  return outcome.reason === undefined ? formatValue(outcome.value) : `null: ${outcome.reason.code}`
}

t.test('evaluation has a value or runs out of steps, the same each time, and within the worst case', async (t) => {
  const cases = fc
    .constantFrom(...places)
    .chain(([block, at]) => fc.tuple(anyTree(slip, block), fc.constant(block), fc.constant(at)))
  let evaluated = 0
  fc.assert(
    fc.property(cases, fc.integer({ min: 0, max: 60 }), ([ast, block, at], budget) => {
      const result = check(ast, slip, { block })
      if (!isCompiled(result)) return
      const { program, worstCost } = result
      const whole = evaluate(program, slip, RULE_STEPS, at)
      const again = evaluate(program, slip, RULE_STEPS, at)
      const some = evaluate(program, slip, budget, at)
      const said = (outcome: typeof whole) =>
        outcome.kind === 'value'
          ? `${formatValue(outcome.value)} ${JSON.stringify(outcome.reason)} ${outcome.steps}`
          : 'over'
      if (said(whole) !== said(again)) throw new Error(`${said(whole)}, then ${said(again)}`)
      if (whole.steps > RULE_STEPS || whole.steps > worstCost())
        throw new Error(`${whole.steps} of ${worstCost()} steps`)
      const isEnough = whole.kind === 'value' && whole.steps <= budget
      if (said(some) !== (isEnough ? said(whole) : 'over') || some.steps > budget)
        throw new Error(`${some.steps} of ${budget}`)
      evaluated++
    }),
    { numRuns: Number(process.env.RUNS ?? 3_000) },
  )
  t.ok(evaluated > 2_000, `${evaluated} trees`)
})

for (const [text, value] of [
  ['0.1 + 0.2 = 0.3', 'true'],
  ['1 / 3', '0.3333333333333333333333333333333333'],
  ['2 ** 0.5', 'null: power_unfit'],
  ['10 ** 6144 * 10', 'null: number_range'],
  ['10 ** -6144 / 10', 'null: number_range'],
  ['1 ** 99999999999999999999', '1'],
  ['(-1) ** 99999999999999999999', '-1'],
  ['1.0001 ** 100000', 'null: power_unfit'],
  ['1 / 0', 'null: division_by_zero'],
  ['Premium * Rate', '156.3125 GBP'],
  ['round half up(Premium * Rate, 2)', '156.31 GBP'],
  ['Premium / Premium', '1'],
  ['Premium + money(1, "GBP")', '1251.5 GBP'],
  ['sum(Lines.Share)', 'null: currencies_differ'],
  ['sum(Lines[Share != null].Share)', 'null: currencies_differ'],
  ['sum(Lines.Written)', 'null: empty'],
  ['sum(Lines[Written != null].Written)', '100'],
  ['Lines[Insurer = "acme-re"].Written', '40'],
  ['Lines[Insurer = "nobody"].Written', 'null'],
  ['Lines[Written > 40].Insurer', '["cornhill-re"]'],
  ['count(Lines)', '3'],
  ['count(Lines[Insurer = null])', '1'],
  ['Lines[Insurer = Insured.Name].Written', 'null'],
  ['Lines[Insurer = if Agreed then null else "a"].Written', 'null'],
  ['Lines[Insurer = "cornhill-re"].Layers.Limit', '[1 GBP, 2 GBP]'],
  ['every line in Lines satisfies line.Written > 0', 'null: empty'],
  ['some line in Lines satisfies line.Written > 50', 'true'],
  ['some i in 1..5 satisfies i ** 2 = 16', 'true'],
  ['every i in [1..0] satisfies i >= 0', 'true'],
  ['Rate in [0..1] and Agreed', 'true'],
  ['false and Rate in [2..3] or Agreed', 'true'],
  ['Agreed and Rate in < 5 or false', 'true'],
  ['Country in ("Chile", "Mexico")', 'true'],
  ['Inception + @"P1M"', '2026-02-28'],
  ['(@"2026-03-01" - Inception) / @"P1D"', '29'],
  ['Bound + @"PT36H"', '2026-02-01T00:00:00+01:00'],
  ['@"9999-12-31" + @"P1D"', 'null: year_outside'],
  ['Insured.`Due date`', 'null: empty'],
  ['if Insured.`Due date` > Inception then 1 else 2', '2'],
  ['string length(`Terms and Conditions`)', '11'],
  ['upper case("straße")', 'STRASSE'],
  ['"\\uD83D\\uDE00" < "\\uFFFD"', 'false'],
  ['sqrt(2)', '1.414213562373095048801688724209698'],
  ['modulo(-7, 3)', '2'],
  ['before(1, [2..3]) and overlaps([1..3], [3..4]) and not(overlaps([1..3), [3..4]))', 'true'],
  ['count(Limits[item > 1])', '2'],
  ['here.here + item', '15'],
  ['every i in 1..200000 satisfies i > 0', 'over budget'],
  ['every i in 1..(10 ** 30) satisfies i > 0', 'over budget'],
  ['every i in 1..30 satisfies (9999999999999999999999999999999999 - i) ** 1000 > 0', 'over budget'],
  ['every i in 1..30 satisfies (9999999999999999999999999999999999 - i) ** 10 > 0', 'true'],
  ['every i in 1..1200 satisfies modulo(1e6000, i * 1e-6000) < 1', 'over budget'],
  ['every i in 1..1200 satisfies modulo(1e30, i) < i', 'true'],
] as const) {
  t.test(`${text} is ${value}`, async (t) => t.equal(resultOf(text), value))
}

t.test('the worst case has the most that a power or a remainder can take', async (t) => {
  for (const text of ['2 ** 11000', '3 ** -19000', '2 ** Rate', '1.23 ** 360', 'modulo(1e6000, 3e-6000)']) {
    const { program, worstCost } = compiled(text)
    const { steps } = evaluate(program, slip, RULE_STEPS)
    t.ok(steps <= worstCost(), `${text}: ${steps} of ${worstCost()}`)
  }
  t.ok(compiled('1.23 ** 360').worstCost() < compiled('1.23 ** Rate').worstCost())
})

t.test('at a prototype names are those of the entry', async (t) => {
  const line = places[2] as readonly [ElementId, ElementId]
  t.equal(resultOf('Written', line), '40')
  t.equal(resultOf('Written * 100 / sum(_.Lines[Written != null].Written)', line), '40')
  t.equal(resultOf('_.Lines[Insurer = "cornhill-re"].Written + Written', line), '100')
  t.equal(resultOf('count(_.Lines[Written > here.Written])', line), '1')
})

t.test('a key is looked up with what the rule has, not with what the entry has', async (t) => {
  t.equal(compiled('Lines[Insurer = Tom].Written').type.kind, 'number')
  t.equal(compiled('Lines[Insurer = Address.City].Written').type.kind, 'list')
  slip.set(['Lines', 3, 'Insurer'], 'acme-re')
  t.equal(resultOf('Lines[Insurer = "acme-re"].Written'), 'null: several_entries')
})

t.test('inputs are the names in their order, each once, whatever is evaluated', async (t) => {
  const { references } = compiled('if true then Rate else sum(Lines[Signed > here.Rate].Written)')
  const inLines = ['Signed', 'Written'].map((name) => slip.id('Lines', 0, name))
  t.same(references, [slip.id('Rate'), slip.id('Lines'), ...inLines])
})

t.test('the time of the request is a date and time, and null where nothing is requested', async (t) => {
  t.match(compiled('request time()').type, { kind: 'date-time' })
  t.equal(resultOf('request time()'), 'null')
  slip.time = parseDateTime('2026-06-30T12:00:00.000Z') as DateTime
  t.teardown(() => {
    slip.time = null
  })
  t.equal(resultOf('request time()'), '2026-06-30T12:00:00Z')
  t.equal(resultOf('date(request time()) + @"P1D"'), '2026-07-01')
  t.equal(resultOf('request time() < date and time("2026-06-30T14:00:01+02:00")'), 'true')
  t.match(compile('request time(1)', slip, AT_ROOT), [{ code: 'expression_arguments_unfit' }])
})
