import t from 'tap'
import type { Draft } from '../../src/index.ts'
import { gatheredBy } from '../../src/library/draft.ts'

t.test('what comes too late into a draft is refused, not passed over', async (t) => {
  let late: Draft<unknown> | undefined
  const changes = await gatheredBy((draft) => {
    late = draft
    draft.at('Terms/Post code').propose('N1')
  })
  t.same(changes, [{ at: 'Terms/Post%20code', set: 'N1' }])
  t.throws(() => late?.at('Terms').set('Rate', '4'), { code: 'write_unfit' })
  t.equal(changes.length, 1)
})

t.test('whoever throws drafts nothing', async (t) => {
  const drafting = gatheredBy((draft) => {
    draft.at('Terms').remove()
    throw new Error('enough')
  })
  await t.rejects(drafting, /enough/)
})
