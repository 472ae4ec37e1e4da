import t from 'tap'
import { simulate } from './simulation.ts'

const SEEDS = 40

t.test(
  'whatever the network and the machines do, what has settled is one ledger that all have signed',
  { timeout: 300_000 },
  async (t) => {
    const totals = { crashes: 0, hostile: 0, settled: 0, timedOut: 0 }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { crashes, hostile, outcomes } = await simulate(seed)
      totals.crashes += crashes
      totals.hostile += hostile ? 1 : 0
      totals.settled += outcomes.settled ?? 0
      totals.timedOut += outcomes['timed out'] ?? 0
    }
    // A simulation in which nothing goes wrong would prove nothing.
    t.ok(totals.crashes > SEEDS, `${totals.crashes} crashes`)
    t.ok(totals.hostile > 2, `${totals.hostile} runs with a hostile member`)
    t.ok(totals.settled > 20 * SEEDS, `${totals.settled} requests settled`)
    t.ok(totals.timedOut > SEEDS, `${totals.timedOut} requests timed out`)
  },
)

t.test('a party that only listens does not spin (seed 21)', async (t) => {
  await t.resolves(simulate(21))
})
