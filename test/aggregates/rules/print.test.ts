import fc from 'fast-check'
import t from 'tap'
import { compile, isCompiled } from '../../../src/aggregates/rules/compile.ts'
import { print } from '../../../src/aggregates/rules/text/print.ts'
import { BLOCK_IS_NO_VALUE, typed } from '../../../src/aggregates/rules/typer.ts'
import type { ElementId } from '../../../src/events/ids.ts'
import { sampleSlip } from './sample-document.ts'
import { anyTree } from './trees.ts'

const slip = sampleSlip()
const layers = slip.id('Lines', 0, 'Layers', 0)
const blocks = [
  slip.id(),
  slip.id('Insured'),
  slip.id('Lines', 0),
  layers,
  slip.id('Lines', 0, 'Address'),
  slip.id('Limits', 0),
]

t.test('parsing what is printed gives the same tree, wherever the rule stands', async (t) => {
  const cases = fc.constantFrom(...blocks).chain((block) => fc.tuple(fc.constant(block), anyTree(slip, block)))
  let [drafted, nodes] = [0, 0]
  fc.assert(
    fc.property(cases, ([block, ast]) => {
      if (typed(ast, slip, block).faults.length > 0) return
      const text = print(ast, slip, block)
      // Names of more than one letter can make a text longer than a text may be.
      if (text.length > 2_000) return
      const compiled = compile(text, slip, { block })
      if (!isCompiled(compiled)) {
        // A block alone is a tree, but no expression that could stand anywhere.
        if (compiled.every(({ message }) => message === BLOCK_IS_NO_VALUE)) return
        throw new Error(`${text}\n${JSON.stringify(compiled)}\n${JSON.stringify(ast.nodes)}`)
      }
      if (JSON.stringify(compiled.ast) !== JSON.stringify(ast)) {
        throw new Error(`${text}\n${JSON.stringify(ast.nodes)}\n${JSON.stringify(compiled.ast.nodes)}`)
      }
      drafted++
      nodes += ast.nodes.length
    }),
    { numRuns: Number(process.env.RUNS ?? 3_000) },
  )
  t.ok(drafted > 1_000 && nodes / drafted > 4, `${drafted} trees of ${(nodes / drafted).toFixed(1)} nodes`)
})

for (const [at, text, printed] of [
  [[], 'Premium*0.10', 'Premium * 0.1'],
  [[], '_.Insured.Name', 'Insured.Name'],
  [['Insured'], 'Rate + _.Rate', 'Rate + _.Rate'],
  [[], 'Terms   ', undefined],
  [[], '`Terms and Conditions`', '`Terms and Conditions`'],
  [[], '`item` + `here` ', '`item` + `here`'],
  [[], '_.Lines[Rate > here.Rate].Signed', 'Lines[Rate > here.Rate].Signed'],
  [['Lines', 0], 'count(_.Lines[Insurer = here.Insurer])', undefined],
  [
    ['Lines', 0],
    'some line in _.Lines satisfies line.Insurer = Insurer',
    'some line in _.Lines satisfies line.Insurer = Insurer',
  ],
  [['Lines', 0, 'Layers', 0], 'Rate * outer.Rate + outer.outer.Rate', 'Rate * outer.Rate + _.Rate'],
  [['Lines', 0, 'Address'], 'here.outer.Written < outer.outer.outer', 'outer.Written < _.`outer`'],
  [['Lines', 0, 'Address'], 'here.outer.Written < outer.outer.`outer`', 'outer.Written < _.`outer`'],
  [['Lines', 0, 'Address'], 'City = outer.Address.Country', 'City = Country'],
  [['Lines', 0], 'outer.Lines.Written = outer.Insured.outer.Lines.Written', undefined],
  [['Insured'], 'outer.Rate = `outer`', undefined],
  [['Insured'], 'outer.Rate = outer.`outer`', '_.Rate = _.`outer`'],
  [['Limits', 0], 'item <= Rate and here > 0', 'item <= Rate and item > 0'],
  [['Limits', 0], 'count(Limits[item = here]) = 1', 'count(Limits[item = here]) = 1'],
  [['Limits', 0], 'sum(Lines[Rate = outer.Rate].Written) < outer.Rate', 'sum(Lines[Rate = outer.Rate].Written) < Rate'],
  [['Limits', 0], 'some item in Limits satisfies item = Rate', undefined],
  [[], 'outer.Rate', undefined],
  [[], '_.outer', '`outer`'],
  [[], '(1 + 2) * -(3) - -4', '(1 + 2) * -(3) - -4'],
  [[], '-3 ** 2', '-3 ** 2'],
  [[], '1 - (2 - 3)', '1 - (2 - 3)'],
  [[], 'Rate in (< 5, [7..9))', 'Rate in ((< 5), [7..9))'],
  [[], 'substring(start position: 2, string: "abc")', 'substring("abc", 2)'],
  [[], '// why\nRate', 'Rate'],
  [[], '(/* a comment that is longer than what is parsed alone */ Rate)', 'Rate'],
  [[], 'Agreed and Rate in [0..1] or Rate in < 5 and Agreed', 'Agreed and Rate in [0..1] or Rate in (< 5) and Agreed'],
  [
    [],
    'years and months duration(if Agreed then Inception else `date`, Inception) = @"P1Y"',
    'years and months duration(if Agreed then Inception else `date`, Inception) = @"P1Y"',
  ],
] as const) {
  t.test(`${text.trim()} at ${at.join('.') || 'the root'}`, async (t) => {
    const block = slip.id(...at) as ElementId
    const compiled = compile(text, slip, { block })
    if (printed === undefined) return t.notOk(isCompiled(compiled))
    if (!isCompiled(compiled)) return t.fail(JSON.stringify(compiled))
    t.equal(print(compiled.ast, slip, block), printed)
  })
}

t.test('a long condition on the items of a list stands in brackets like any expression', async (t) => {
  const long = Array(10).fill('_.Period').join(' + ')
  const inner = `some i in [][some i in _.Lines satisfies item + ${long} in ((= _.Rate), (= _.Rate))] satisfies _.Agreed`
  const text = `_.Rate in ((= (if ${inner} then _.Rate else _.Rate)), (= _.Rate))`
  const block = slip.id('Lines', 0)
  const compiled = compile(text, slip, { block })
  if (!isCompiled(compiled)) return t.fail(JSON.stringify(compiled))
  t.equal(print(compiled.ast, slip, block), text)
})

t.test('in a text that is written down nothing is hidden, and nothing turns the direction of writing', async (t) => {
  const compiled = compile('Insured.Name = "Acme\u202e \u200b\u2028\u00ad\u{e0041}\u0007é"', slip, { block: slip.id() })
  if (!isCompiled(compiled)) return t.fail(JSON.stringify(compiled))
  const printed = 'Insured.Name = "Acme\\u202e \\u200b\\u2028\\u00ad\\U0e0041\\u0007é"'
  t.equal(print(compiled.ast, slip, slip.id()), printed)
  t.same(compile(printed, slip, { block: slip.id() }), compiled)
})
