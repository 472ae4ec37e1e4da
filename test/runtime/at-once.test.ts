import t from 'tap'
import { eachAtOnce } from '../../src/runtime/at-once.ts'

t.test('each is worked on once, in order, and never more of them at a time than may be', async (t) => {
  const begun: number[] = []
  const underWay = new Set<PromiseWithResolvers<void>>()
  let most = 0
  const all = eachAtOnce([0, 1, 2, 3, 4, 5, 6], 3, (item) => {
    begun.push(item)
    const work = Promise.withResolvers<void>()
    underWay.add(work)
    most = Math.max(most, underWay.size)
    return work.promise
  })
  while (underWay.size > 0) {
    for (const work of [...underWay]) {
      underWay.delete(work)
      work.resolve()
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  await all
  t.same(begun, [0, 1, 2, 3, 4, 5, 6])
  t.equal(most, 3)
})

t.test('one that fails is told', async (t) => {
  const failing = eachAtOnce([1, 2, 3], 2, async (item) => {
    if (item === 2) throw new Error('no')
  })
  await t.rejects(failing, { message: 'no' })
})
