import fc from 'fast-check'
import t from 'tap'
import { check, compile, isCompiled } from '../../../src/aggregates/rules/compile.ts'
import { print } from '../../../src/aggregates/rules/text/print.ts'
import { isMalformed, validateAst } from '../../../src/aggregates/rules/validate-ast.ts'
import { sampleSlip } from './sample-document.ts'
import { anyTree } from './trees.ts'

const slip = sampleSlip()
const tree = (...nodes: unknown[]) => ({ language: 1, nodes })

for (const [why, json] of [
  ['no tree', null],
  ['no tree', []],
  ['a tree has a language and nodes, and nothing else', { language: 1, nodes: [['null']], x: 1 }],
  ['the language is 1', { language: 2, nodes: [['null']] }],
  ['a tree has 1 to 2000 nodes', { language: 1, nodes: [] }],
  ['a tree has 1 to 2000 nodes', { language: 1, nodes: Array.from({ length: 2_001 }, () => ['null']) }],
  ['a node is an array', tree('null')],
  ['there is no such operator', tree(['nul'])],
  ['there is no such operator', tree(['__proto__'])],
  ['there is no such operator', tree(['toString'])],
  ['null has another number of parts', tree(['null', 0])],
  ['+ has another number of parts', tree(['null'], ['+', 0])],
  ['list has another number of parts', tree(['null'], ['list', 0, 1, 2])],
  ['the nodes are not in post-order', tree(['null'], ['true'], ['+', 1, 0])],
  ['the nodes are not in post-order', tree(['null'], ['true'], ['+', 0, 0])],
  ['the nodes are not in post-order', tree(['null'], ['true'], ['and', 0, '1'])],
  ['the nodes are several trees', tree(['null'], ['true'])],
  ['no number in its one form', tree(['number', '1.0'])],
  ['no number in its one form', tree(['number', '-0'])],
  ['no number in its one form', tree(['number', 1])],
  ['no number in its one form', tree(['number', '1e7000'])],
  ['no number in its one form', tree(['number', '1'.repeat(35)])],
  ['no text', tree(['text', '\ud800'])],
  ['no text', tree(['text', 'x'.repeat(2_001)])],
  ['no date in its one form', tree(['date', '2026-02-29'])],
  ['no date in its one form', tree(['date', 'P1Y'])],
  ['no date-time in its one form', tree(['date-time', '2026-02-28T24:00:00'])],
  ['no duration in its one form', tree(['duration', 'P12M'])],
  ['no element', tree(['ref', '1.2'])],
  ['no element', tree(['ref', `0${'.1'.repeat(400)}`])],
  ['an item of nothing', tree(['item', 0])],
  ['there is no such property', tree(['null'], ['property', 'constructor', 0])],
  ['there is no such comparison', tree(['null'], ['test', '<>', 0])],
  ['there are no such brackets', tree(['null'], ['null'], ['range', ']', '[', 0, 1])],
  ['tests are several', tree(['null'], ['null'], ['tests', 1], ['in', 0, 2])],
  ['tests stand behind in', tree(['null'], ['null'], ['tests', 0, 1], ['neg', 2])],
  ['tests is no expression', tree(['null'], ['null'], ['tests', 0, 1])],
  ['each is no expression', tree(['list'], ['each', 0])],
  ['each stands before a condition', tree(['list'], ['each', 0], ['neg', 1])],
  ['filter begins with each', tree(['list'], ['null'], ['filter', 0, 1])],
  ['some begins with each as', tree(['list'], ['each', 0], ['null'], ['some', 1, 2])],
  ['no name of an item', tree(['list'], ['each as', 'item', 0])],
  ['no name of an item', tree(['list'], ['each as', 'a b', 0])],
  ['two items of one name', tree(['list'], ['each as', 'i', 0], ['list'], ['each as', 'i', 2])],
  ['the item of a filter around another one', tree(['list'], ['each', 0], ['list'], ['each', 2], ['item', 1])],
  ['there is no such function', tree(['call', 'now'])],
  ['there is no such function', tree(['call', 'toString'])],
  ['the function takes another number of arguments', tree(['call', 'abs'])],
  [
    'brackets stand in each other more than 32 levels deep',
    tree(['null'], ...Array.from({ length: 33 }, (_, n) => ['list', n])),
  ],
  [
    'an expression has at most 2000 characters; this one has 3003',
    tree(...Array.from({ length: 3 }, () => ['text', 'x'.repeat(997)]), ['list', 0, 1, 2]),
  ],
] as const) {
  t.test(`${why}: ${JSON.stringify(json).slice(0, 60)}`, async (t) => {
    const result = validateAst(json)
    t.match(isMalformed(result) ? result : { message: 'taken' }, { message: why })
  })
}

t.test('the longest flat tree is taken', async (t) => {
  const sum = [
    ['number', '1'],
    ...Array.from({ length: 660 }, (_, n) => [
      ['number', '1'],
      ['+', 2 * n, 2 * n + 1],
    ]).flat(),
  ]
  t.notOk(isMalformed(validateAst(tree(...sum.slice(0, 999)))))
})

/** A tree with one thing in it changed. */
const spoilt = anyTree(slip, slip.id()).chain((ast) =>
  fc
    .tuple(
      fc.nat(ast.nodes.length - 1),
      fc.nat(4),
      fc.anything({ maxDepth: 1 }),
      fc.constantFrom(0, 1, 2, '+', 'filter', 'item', '0.9', 'a'),
    )
    .map(([place, part, anything, likely]) => {
      const nodes = ast.nodes.map((node) => [...node] as unknown[])
      const node = nodes[place] as unknown[]
      node[part] = part === 4 ? anything : likely
      return { language: 1, nodes }
    }),
)

t.test('whoever makes a tree: it is refused, or means what its own text means', async (t) => {
  let taken = 0
  fc.assert(
    fc.property(spoilt, (json) => {
      const ast = validateAst(json)
      if (isMalformed(ast)) return
      const checked = check(ast, slip, { block: slip.id() })
      if (!isCompiled(checked)) return
      const again = compile(print(ast, slip, slip.id()), slip, { block: slip.id() })
      if (!isCompiled(again)) return
      taken++
      if (JSON.stringify(again.ast) !== JSON.stringify(ast)) throw new Error(print(ast, slip, slip.id()))
    }),
    { numRuns: 3_000 },
  )
  t.ok(taken > 15, `${taken} are still trees`)
})
