import t from 'tap'
import { builtIn } from '../../src/aggregates/contract/engines.ts'
import { find } from '../../src/aggregates/contract/state.ts'
import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import type { ElementId } from '../../src/events/ids.ts'
import type { LedgerEntry } from '../../src/events/ledger-entry.ts'
import { allOf, owes, type Player, talk } from '../support/market.ts'
import { type RuledMarket, ruledMarket } from '../support/ruled-market.ts'

const DEADLINE = '2026-06-30T12:00:00.000Z'
const EARLY = '2026-06-30T11:00:00.000Z'
const LATE = '2026-06-30T13:00:00.000Z'

/** What each says its time is; then the founder proposes, and the others answer. The entry that it comes to, by whoever has everything. */
function proposedAt({ players, founder }: RuledMarket, ...times: readonly string[]): LedgerEntry {
  for (const [place, player] of players.entries()) player.time = times[place] as string
  founder.proposes('0.0', 'a', { basis: basisOf(founder) })
  talk(players, owes)
  for (const { state } of players) {
    t.same(state.ledger.log.root(), founder.state.ledger.log.root(), 'all have the same ledger')
    t.equal(state.settling.settled, founder.state.ledger.log.size, 'and it has settled')
  }
  return entriesOf(founder).at(-1) as LedgerEntry
}

function basisOf({ state }: Player): string[] {
  const field = find(state.ledger.document, '0.0' as ElementId)
  return field?.kind === 'field' && field.agreed !== null ? [field.agreed.id] : []
}

function entriesOf(player: Player): LedgerEntry[] {
  const reception = receive(emptyAgreement(player.contract, builtIn), allOf(player), player.handle)
  return reception.acknowledged.map(({ entry }) => entry)
}

const until = `request time() < date and time("${DEADLINE}")`

t.test('the time of a request is the lower median of what its author and those who answer it claim', async (t) => {
  const three = ruledMarket(['ana', 'ben', 'cleo'], until)
  t.match(proposedAt(three, EARLY, EARLY, LATE), { time: EARLY, outcome: { kind: 'accepted' } })
  t.match(
    proposedAt(three, LATE, EARLY, EARLY),
    { time: EARLY, outcome: { kind: 'accepted' } },
    'the author is one of all',
  )
  const late = proposedAt(three, EARLY, LATE, LATE)
  t.match(late, { time: LATE, outcome: { kind: 'void', reason: { code: 'rule_broken', with: ['1', '0'] } } })
  const two = ruledMarket(['ana', 'ben'], until)
  t.match(proposedAt(two, EARLY, LATE), { time: EARLY }, 'one of two can put it back, visibly')
  t.match(proposedAt(two, LATE, EARLY), { time: EARLY })
  t.match(proposedAt(two, LATE, LATE), { time: LATE, outcome: { kind: 'void' } })
})

t.test('an entry has a time only where rules in force read one', async (t) => {
  t.equal(proposedAt(ruledMarket(['ana', 'ben'], 'A != "b"'), EARLY, EARLY).time, undefined)
  const timed = ruledMarket(['ana', 'ben'], until)
  const entries = entriesOf(timed.founder)
  t.type(entries.at(-1)?.time, 'string', 'that which publishes them')
  t.ok(entries.slice(0, -1).every(({ time }) => time === undefined))
})

t.test(
  'a condition on the time is judged when something at its place changes, and holds up nothing else',
  async (t) => {
    const timed = ruledMarket(['ana', 'ben'], { at: '0.1', says: until })
    t.match(
      proposedAt(timed, LATE, LATE),
      { outcome: { kind: 'accepted' }, time: LATE },
      'it stands at the other field',
    )
    timed.founder.proposes('0.1', 'b')
    talk(timed.players, owes)
    t.match(entriesOf(timed.founder).at(-1), { outcome: { kind: 'void', reason: { code: 'rule_broken' } } })
  },
)

t.test('what claims a time that is none is read as null', async (t) => {
  const alone = ruledMarket(['ana'], until, 'request time() != null')
  const entry = proposedAt(alone, '2026-99-30T12:00:00.000Z')
  t.match(entry, { time: '2026-99-30T12:00:00.000Z', outcome: { kind: 'void', reason: { with: ['2', '0'] } } })
})
