import fc from 'fast-check'
import t from 'tap'
import { exceededBound } from '../../src/runtime/json-bounds.ts'
import { busyTime } from '../support/event-loop.ts'

/** Members and elements, and how deep they stand. */
function shapeOf(value: unknown): { members: number; depth: number; width: number } {
  if (typeof value !== 'object' || value === null) return { members: 0, depth: 0, width: 0 }
  const inner = Object.values(value).map(shapeOf)
  return {
    // An array or object that is empty counts for one: it takes memory, too.
    members: Math.max(1, inner.length) + inner.reduce((sum, { members }) => sum + members, 0),
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
    width: Math.max(1, inner.length, ...inner.map(({ width }) => width)),
  }
}

const tricky = fc.oneof(fc.string(), fc.constantFrom('\\', '"', '\\"', '[[[', ',,,', '{"a":1}', '\\\\"'))
const json = fc.letrec((again) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.constant(null),
    tricky,
    fc.integer(),
    fc.array(again('value')),
    fc.dictionary(tricky, again('value')),
  ),
})).value

t.test('members and depth are counted exactly, whatever stands in texts', async () => {
  fc.assert(
    fc.property(json, fc.constantFrom(undefined, 2), (value, space) => {
      const text = JSON.stringify(value, null, space)
      const { members, depth, width } = shapeOf(value)
      const bounds = { depthMax: depth, membersMax: members, widthMax: width }
      return (
        exceededBound(text, bounds) === undefined &&
        (members === 0 || exceededBound(text, { ...bounds, membersMax: members - 1 }) === 'membersMax') &&
        (width < 2 || exceededBound(text, { ...bounds, widthMax: width - 1 }) === 'widthMax') &&
        (depth === 0 || exceededBound(text, { ...bounds, depthMax: depth - 1 }) === 'depthMax')
      )
    }),
  )
})

t.test('the time is linear, also where quotes and backslashes never end', async (t) => {
  const bounds = { depthMax: 10, membersMax: 10 }
  for (const text of ['\\"', '\\', '"', '"\\', '\\\\"', ' ']) {
    const busyMs = busyTime()
    t.equal(exceededBound(`["${text.repeat(2_000_000)}`, bounds), undefined, JSON.stringify(text))
    t.ok(busyMs() < 1_000)
  }
})
