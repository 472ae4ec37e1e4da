import fc from 'fast-check'
import t from 'tap'
import { completeSubtrees, siblings } from '../../src/merkle/compact-range.ts'

const anySize = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.maxSafeNat().filter((size) => size > 0),
)

t.test('seven leaves are a tree of four, one of two, and one leaf', async (t) => {
  t.same(completeSubtrees({ begin: 0, end: 7 }), [
    { level: 2, index: 0 },
    { level: 1, index: 2 },
    { level: 0, index: 6 },
  ])
  t.same(completeSubtrees({ begin: 0, end: 0 }), [])
})

t.test(
  'the complete subtrees of a tree follow each other without a gap, each smaller than the one before',
  async (t) => {
    const law = fc.property(anySize, (size) => {
      let at = 0n
      let before = 54
      for (const { level, index } of completeSubtrees({ begin: 0, end: size })) {
        if (level >= before || BigInt(index) * 2n ** BigInt(level) !== at) return false
        at += 2n ** BigInt(level)
        before = level
      }
      return at === BigInt(size)
    })
    t.doesNotThrow(() => fc.assert(law))
  },
)

t.test('a leaf and all that it meets on its way up are the whole tree, each leaf once', async (t) => {
  const anyLeaf = anySize.chain((size) => fc.tuple(fc.nat({ max: size - 1 }), fc.constant(size)))
  const law = fc.property(anyLeaf, ([index, size]) => {
    let begin = index
    let end = index + 1
    for (const range of siblings({ width: 1, position: index }, size)) {
      if (range.end === begin) begin = range.begin
      else if (range.begin === end) end = range.end
      else return false
    }
    return begin === 0 && end === size
  })
  t.doesNotThrow(() => fc.assert(law))
})
