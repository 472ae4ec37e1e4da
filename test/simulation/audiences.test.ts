import t from 'tap'
import { simulate } from './simulation.ts'

/** Whatever is drawn; and one in which a member is hostile: it asks for all that is not for it, and sends everybody what is for some. */
const RUNS = [
  { audiences: 0.6, rounds: 30, resignations: 0 },
  { audiences: 0.6, rounds: 30, resignations: 0, hostile: 1, parties: 4, sins: 'withhold' },
  { audiences: 0.6, rounds: 20, losingValues: true },
]

t.test(
  'what simulation.test.ts says holds where values are for some only: no store outside their audience ever has one',
  { timeout: 300_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (const [place, options] of RUNS.entries()) {
      const { counts } = await simulate(20 + place, undefined, options)
      for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
    }
    const reached = ['accepted SetAudience', 'audiences: ProposeValue for some', 'confidential values held by 2']
    for (const name of [...reached, 'confidential values shared in the end']) {
      t.ok((totals[name] ?? 0) > 0, `${totals[name]} ${name}`)
    }
  },
)

t.test('who came to be in an audience before something was erased may have what it was given then', async (t) => {
  const { counts } = await simulate(500_022, undefined, { audiences: 0.2, erasures: 0.2 })
  t.ok((counts['confidential values held by 2'] ?? 0) > 0, `${counts['confidential values held by 2']} of two`)
  // Of two machines of one member each may have stored another ledger.
  t.same((await simulate(710_012, undefined, { losingValues: true, audiences: 0.3, erasures: 0.3 })).sins, ['twin'])
})
