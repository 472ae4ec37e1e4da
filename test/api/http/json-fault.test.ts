import fc from 'fast-check'
import t from 'tap'
import { placeOfFault } from '../../../src/api/http/json-fault.ts'

t.test('the place of a fault is the first at which the text can be no JSON any more', async (t) => {
  for (const [text, place] of [
    ['[1, tru]', 'line 1, column 8'],
    ['nonsense', 'line 1, column 2'],
    ['Nonsense', 'line 1, column 1'],
    ['', 'line 1, column 1'],
    ['{"a": 1,\r\n "b": 2,\r\n}', 'line 3, column 1'],
    ['{"a": 1,\n\r "b" 2}', 'line 3, column 6'],
    ['{"a": [1, 2}', 'line 1, column 12'],
    ['{"a"', 'line 1, column 5'],
    ['["\\x"]', 'line 1, column 4'],
    ['["\\u12g4"]', 'line 1, column 7'],
    ['["a\nb"]', 'line 1, column 4'],
    ['[01]', 'line 1, column 3'],
    ['[-]', 'line 1, column 3'],
    ['[1.]', 'line 1, column 4'],
    ['[1e+]', 'line 1, column 5'],
    ["{'a': 1}", 'line 1, column 2'],
    ['[1] [2]', 'line 1, column 5'],
    ['[1,]', 'line 1, column 4'],
    [']', 'line 1, column 1'],
  ] as const)
    t.equal(placeOfFault(text), place, JSON.stringify(text))
})

t.test('there is one where V8 finds none and only there, and where V8 names it it is the same', async (t) => {
  const edited = fc
    .tuple(
      fc.json({ maxDepth: 3 }),
      fc.nat(),
      fc.constantFrom('', ...'{}[]:,"\\0-.eEtu \n\r\u0001x'),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([json, place, put, isRemoved, isWide]) => {
      const text = isWide ? JSON.stringify(JSON.parse(json), undefined, 2) : json
      const at = place % (text.length + 1)
      return text.slice(0, at) + put + text.slice(at + (isRemoved ? 1 : 0))
    })
  let named = 0
  fc.assert(
    fc.property(edited, (text) => {
      const place = placeOfFault(text)
      try {
        JSON.parse(text)
      } catch (error) {
        const [, line, column] = /\(line (\d+) column (\d+)\)$/.exec((error as Error).message) ?? []
        if (line !== undefined) named++
        return line === undefined ? place !== undefined : place === `line ${line}, column ${column}`
      }
      return place === undefined
    }),
    { numRuns: 5_000 },
  )
  t.ok(named > 500, `V8 has named ${named}`)
})
