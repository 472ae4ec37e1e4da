import t from 'tap'
import { feedOf } from '../../../src/agreement/feeds.ts'
import type { VerifiedStatement } from '../../../src/agreement/verified-statement.ts'
import { dutiesOf } from '../../../src/contracts/duties.ts'
import { assertOutcome, type TurnOutcome } from '../../../src/contracts/replica/commit.ts'
import { CONTRACT, market, type Player } from '../../support/market.ts'

/** A turn in which ana makes the statement that she has made last. */
function turnOf({ handle, state }: Player): TurnOutcome {
  const made = feedOf(state.feeds, handle).last() as VerifiedStatement
  const change = { before: state, held: [made], settled: [] } as unknown as TurnOutcome['change']
  return { change, made, state }
}

t.test('what a turn may never come to is found before anything of it is written', async (t) => {
  const [ana, ben] = market('ana', 'ben') as [Player, Player]
  const own = { contract: CONTRACT, self: ana.handle, duties: dutiesOf.node, isCutShort: false }
  const turn = turnOf(ana)
  t.doesNotThrow(() => assertOutcome(own, turn))
  const cases: readonly (readonly [typeof own, TurnOutcome, RegExp])[] = [
    [{ ...own, duties: dutiesOf.serve }, turn, /without a key/],
    [{ ...own, isCutShort: true }, turn, /the store has more/],
    [own, { ...turn, made: feedOf(ana.state.feeds, ben.handle).last() }, /the newest of the own feed/],
    [own, { ...turn, change: { ...turn.change, settled: [{}, {}] as never } }, /stays settled/],
  ]
  for (const [view, outcome, message] of cases) {
    t.throws(() => assertOutcome(view, outcome), { name: 'AssertionFailed', message }, String(message))
  }
})
