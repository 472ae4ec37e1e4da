import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { lackingIn } from '../../src/agreement/completing.ts'
import { extending, stateAt } from '../../src/agreement/history/replay.ts'
import { headOf } from '../../src/agreement/ledger.ts'
import { receive, receivePayloads } from '../../src/agreement/receive.ts'
import { nothingReceived } from '../../src/agreement/reception.ts'
import type { SignedStatement } from '../../src/events/statement-codec.ts'
import { completed as allAtOnce } from '../../src/runtime/turns.ts'
import { allOf, market, owes, talk } from '../support/market.ts'

const bare = (decoded: SignedStatement): SignedStatement => ({ ...decoded, payloads: {} })
/** What somebody sends after the statement. */
const later = ({ statement: { party, seq }, payloads }: SignedStatement) => ({ party, seq, payloads })

t.test('a view that is extended is the view that is made anew', async (t) => {
  const players = market('ana', 'ben', 'cleo')
  const [ana, ben, cleo] = players
  const before = ana.state
  for (const player of players) player.proposes('0.0', player.handle)
  talk([ana, ben, cleo], owes)
  const pasts = [...ana.state.feeds.values()].flatMap((feed) => [...feed].map(({ past }) => past))
  for (const past of pasts) {
    const [extended, made] = [allAtOnce(extending(before, ana.state, past)), stateAt(ana.state, past)]
    t.same(headOf(extended.ledger), headOf(made.ledger))
    t.same([...extended.settling.signed].sort(), [...made.settling.signed].sort())
  }
  const asked = ana.proposes('0.1', 'x')
  ben.hears(bare(asked))
  const lacking = ben.state
  const { state } = receivePayloads(nothingReceived(ben.state, []), [later(asked)])
  const everything = state.feeds.map((feed) => feed.size - 1)
  t.same(lackingIn(allAtOnce(extending(lacking, state, everything))), [], 'with the values that have come since')
})

t.test('nor does it matter from which view, whatever it lacked, and whatever has come since', async () => {
  const players = market('ana', 'ben', 'cleo')
  const [ana, ben, cleo] = players
  const opened = ana.state
  for (let round = 0; round < 3; round++) {
    for (const player of players) player.proposes('0.0', `${player.handle} ${round}`)
    talk([ana, ben, cleo], owes)
  }
  const news = allOf(ana).filter(({ statement: { party, seq } }) => seq >= (opened.feeds.get(party)?.size ?? 0))
  const values = news.filter(({ payloads }) => Object.keys(payloads).length > 0)
  const parts = fc.uniqueArray(fc.nat({ max: values.length - 1 }))
  fc.assert(
    fc.property(fc.nat({ max: news.length }), fc.nat({ max: news.length }), parts, parts, (one, other, soon, late) => {
      const holding = (count: number, given: readonly number[]) => {
        const reception = receive(opened, news.slice(0, count).map(bare))
        return receivePayloads(
          reception,
          given.map((place) => later(values[place] as SignedStatement)),
        ).state
      }
      const before = holding(Math.min(one, other), soon)
      const state = holding(Math.max(one, other), [...soon, ...late])
      const past = state.feeds.map((feed) => feed.size - 1)
      const extended = allAtOnce(extending(before, state, past))
      deepStrictEqual(headOf(extended.ledger), headOf(state.ledger))
      deepStrictEqual(extended.ledger.lacking?.request, state.ledger.lacking?.request)
      deepStrictEqual(
        lackingIn(extended).map(({ hash, lacks }) => [hash, lacks]),
        lackingIn(state).map(({ hash, lacks }) => [hash, lacks]),
      )
      deepStrictEqual([...extended.settling.signed].sort(), [...state.settling.signed].sort())
    }),
    { numRuns: 200 },
  )
})
