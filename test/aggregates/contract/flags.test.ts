import t from 'tap'
import { isFlagged, withFlag, withoutFlag } from '../../../src/aggregates/contract/rules/flags.ts'
import type { Flag } from '../../../src/aggregates/contract/rules/rule-book.ts'
import type { ElementId } from '../../../src/events/ids.ts'

const at = (entry: number): Flag => ({ at: `0.1.${entry}` as ElementId, rule: 1 })
const isAt = (flags: readonly Flag[], entry: number) => isFlagged({ flags }, 1, at(entry).at)

/** The same, and how many of them have been looked at since. */
function watched(flags: readonly Flag[]): () => number {
  let looks = 0
  for (const [place, flag] of flags.entries())
    Object.defineProperty(flags, place, {
      get: () => {
        looks++
        return flag
      },
    })
  return () => looks
}

t.test('one flag more or less of a thousand has none of them looked through for the next question', async (t) => {
  const flags = Array.from({ length: 1_000 }, (_, entry) => at(entry))
  t.ok(isAt(flags, 7))
  const more = withFlag(flags, at(1_000))
  const looksOfMore = watched(more)
  t.same([isAt(more, 7), isAt(more, 1_000), isAt(more, 1_001), looksOfMore()], [true, true, false, 0])
  const less = withoutFlag(more, at(7))
  const looksOfLess = watched(less)
  t.same([isAt(less, 7), isAt(less, 8), isAt(less, 1_000), looksOfLess()], [false, true, true, 0])
})

t.test('what is asked of one document is not changed by what follows from it', async (t) => {
  const flags = withFlag([], at(1))
  t.ok(isAt(flags, 1))
  const [more, less] = [withFlag(flags, at(2)), withoutFlag(flags, at(1))]
  t.same([isAt(flags, 1), isAt(flags, 2)], [true, false])
  t.same(
    [isAt(more, 1), isAt(more, 2), isAt(less, 1), isFlagged({ flags: more }, 2, at(1).at)],
    [true, true, false, false],
  )
})
