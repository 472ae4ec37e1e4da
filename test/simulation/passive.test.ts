import t from 'tap'
import { simulate } from './simulation.ts'

const PASSIVE_SEEDS = 25

t.test(
  'what simulation.test.ts says holds where a contract is in memory only while somebody asks for it',
  { timeout: 300_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (let seed = 1; seed <= PASSIVE_SEEDS; seed++) {
      const { counts } = await simulate(seed, undefined, { passive: true, split: seed % 3 === 0 })
      for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
    }
    for (const [name, count] of Object.entries({
      passivated: 50 * PASSIVE_SEEDS,
      crashes: PASSIVE_SEEDS,
      accepted: 5 * PASSIVE_SEEDS,
      'set back': 1,
    })) {
      t.ok((totals[name] ?? 0) >= count, `${totals[name]} ${name}`)
    }
  },
)
