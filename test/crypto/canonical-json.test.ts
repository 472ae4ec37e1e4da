import canonicalize from 'canonicalize'
import fc from 'fast-check'
import t from 'tap'
import { canonicalizing, canonicalJson, isCanonicalJson, NotCanonicalizable } from '../../src/crypto/canonical-json.ts'
import { completed } from '../../src/runtime/turns.ts'

/** Members in the order of their UTF-16 code units, at every level: what the quick way is for. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  const keys = Object.keys(value).sort()
  return Object.fromEntries(keys.map((key) => [key, ordered((value as Record<string, unknown>)[key])]))
}

const ways = [canonicalJson, (value: unknown) => completed(canonicalizing(value))]

t.test('is what the library says, in whatever order the members stand', async () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const expected = canonicalize(value)
      const inSteps = completed(canonicalizing(value))
      return canonicalJson(value) === expected && canonicalJson(ordered(value)) === expected && inSteps === expected
    }),
    { numRuns: 1000 },
  )
})

t.test('numbers and keys of every kind are spelled as RFC 8785 wants them', async (t) => {
  const cases: [unknown, string][] = [
    [{ b: 1, a: 2 }, '{"a":2,"b":1}'],
    [{ 10: 1, 9: 2 }, '{"10":1,"9":2}'],
    [[1e21, 1e-7, -0, 333333333.3333333], '[1e+21,1e-7,0,333333333.3333333]'],
    [{ '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5 }, '{"\\r":2,"1":4,"€":1,"\u{1f600}":5,"\ufb33":3}'],
    [{ a: undefined, b: 1 }, '{"b":1}'],
    ['\u000f\n</script>', '"\\u000f\\n</script>"'],
  ]
  for (const [value, text] of cases) for (const way of ways) t.equal(way(value), text)
})

t.test('a long array is written in steps', async (t) => {
  const long = { b: Array.from({ length: 1_000 }, (_, n) => ({ n, a: `${n}` })), a: [], c: {} }
  const steps = canonicalizing(long)
  let count = 1
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) count++
  t.equal(step.value, canonicalize(long))
  t.ok(count >= 4, `${count} steps`)
})

t.test('what JSON cannot carry unchanged has no canonical form', async (t) => {
  const bad = ['\ud800', { '\udc00': 1 }, Number.NaN, Number.POSITIVE_INFINITY, undefined, [{ a: 'x\ud83d' }]]
  for (const value of bad) {
    for (const way of ways) t.throws(() => way(value), NotCanonicalizable)
  }
})

t.test('what a parser repairs in silence is noticed', async (t) => {
  const spellings = ['{"a":1,"a":2}', '{"a": 1}', '{"b":1,"a":2}', '9007199254740993', '"\\u0041"', '1.0', '"\\ud800"']
  for (const text of spellings) t.notOk(isCanonicalJson(text, JSON.parse(text)), text)
  t.ok(isCanonicalJson('{"a":[1,"x"]}', JSON.parse('{"a":[1,"x"]}')))
})
