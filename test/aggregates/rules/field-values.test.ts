import { readFile } from 'node:fs/promises'
import t from 'tap'
import { AT_ROOT, compile, isCompiled } from '../../../src/aggregates/rules/compile.ts'
import { evaluate } from '../../../src/aggregates/rules/evaluate.ts'
import { fieldValueOf, ruleTypeOf, valueOfField } from '../../../src/aggregates/rules/values/field-values.ts'
import { kindOf, Nothing } from '../../../src/aggregates/rules/values/values.ts'
import type { BuiltInType } from '../../../src/events/field-type.ts'
import { SampleDocument } from './sample-document.ts'

interface Vector {
  readonly type: BuiltInType
  readonly fit: readonly unknown[]
}

const vectors = JSON.parse(
  await readFile(new URL('../../vectors/values/field-values.json', import.meta.url), 'utf8'),
) as readonly Vector[]

t.test('every value of a field is read, and written as the same value', async (t) => {
  for (const { type: field, fit } of vectors) {
    for (const json of fit) {
      const value = valueOfField(field, json)
      if (field.type === 'duration' && value instanceof Nothing) {
        t.match(value.reason, { code: /^duration_(mixed|range)$/ }, JSON.stringify(json))
        continue
      }
      t.not(kindOf(value), 'null', JSON.stringify(json))
      const written = fieldValueOf(field, value)
      if (field.type === 'duration' && written === undefined) continue
      t.same(
        kindOf(valueOfField(field, written)) === kindOf(value) && fieldValueOf(field, valueOfField(field, written)),
        written,
        JSON.stringify([json, written]),
      )
    }
  }
})

const money: BuiltInType = { type: 'money', currency: 'GBP' }
for (const [field, text, written] of [
  [{ type: 'decimal' }, '1.50 + 1', '2.5'],
  [{ type: 'decimal' }, '10 ** 33', '1000000000000000000000000000000000'],
  [{ type: 'decimal' }, '10 ** 34', undefined],
  [{ type: 'decimal' }, '10 ** -40', undefined],
  [{ type: 'decimal' }, '0 * -1', '0'],
  [{ type: 'integer' }, '2 ** 53 - 1', 9007199254740991],
  [{ type: 'integer' }, '2 ** 53', '9007199254740992'],
  [{ type: 'integer' }, '1.5', undefined],
  [money, 'money(10, "GBP") / 4', { amount: '2.50', currency: 'GBP' }],
  [money, 'money(10, "GBP") / 3', undefined],
  [money, 'round half up(money(10, "GBP") / 3, 2)', { amount: '3.33', currency: 'GBP' }],
  [{ type: 'money' }, 'money(10, "JPY")', { amount: '10', currency: 'JPY' }],
  [money, 'money(10, if true then "EUR" else "GBP")', undefined],
  [{ type: 'date' }, '@"2026-01-31" + @"P1M"', '2026-02-28'],
  [{ type: 'date-time' }, '@"2026-01-31T10:00:00.50Z"', '2026-01-31T10:00:00.5Z'],
  [{ type: 'date-time' }, '@"2026-01-31T10:00:00"', undefined],
  [{ type: 'duration' }, '@"P1Y" + @"P14M"', 'P2Y2M'],
  [{ type: 'duration' }, '@"PT90M" * 2', 'PT3H'],
  [{ type: 'choice', options: ['a', 'b'] }, '"a"', 'a'],
  [{ type: 'choice', options: ['a', 'b'] }, '"a" + ""', 'a'],
  [{ type: 'choice', options: ['a', 'b'] }, '"c" + ""', undefined],
  [{ type: 'boolean' }, 'not(true)', false],
  [{ type: 'text' }, 'string(1)', '1'],
] as readonly [BuiltInType, string, unknown][]) {
  t.test(`${text} in a field of ${JSON.stringify(field)}`, async (t) => {
    const document = new SampleDocument()
    const compiled = compile(text, document, { ...AT_ROOT, expected: ruleTypeOf(field) })
    if (!isCompiled(compiled)) return t.fail(JSON.stringify(compiled))
    const outcome = evaluate(compiled.program, document, 1_000)
    t.same(outcome.kind === 'value' ? fieldValueOf(field, outcome.value) : outcome, written)
  })
}

t.test('what a field never takes is refused before anybody votes on it', async (t) => {
  const document = new SampleDocument()
  for (const [field, text, suggestion] of [
    [{ type: 'boolean' }, '1'],
    [{ type: 'money', currency: 'GBP' }, '10', 'money(…, "GBP")'],
    [{ type: 'money', currency: 'GBP' }, 'money(1, "EUR")'],
    [{ type: 'choice', options: ['a', 'b'] }, '"c"'],
    [{ type: 'date' }, '@"2026-01-31T10:00:00Z"'],
  ] as readonly [BuiltInType, string, string?][]) {
    const faults = compile(text, document, { ...AT_ROOT, expected: ruleTypeOf(field) })
    if (isCompiled(faults)) t.fail(text)
    else t.match(faults, [{ code: 'expression_type_unfit', ...(suggestion && { suggestion }) }], text)
  }
})
