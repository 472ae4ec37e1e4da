import t from 'tap'
import { simulate } from './simulation.ts'

const SEEDS = 10

t.test(
  'what simulation.test.ts says holds where the members go on in another engine, whoever crashes, and starts without it',
  { timeout: 300_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { counts } = await simulate(seed, undefined, {
        upgrades: true,
        split: seed % 4 === 0,
        passive: seed % 4 === 1,
      })
      for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
    }
    for (const [name, count] of Object.entries({
      upgraded: SEEDS / 2,
      'started without the engine': 2,
      crashes: SEEDS,
    })) {
      t.ok((totals[name] ?? 0) >= count, `${totals[name]} ${name}`)
    }
  },
)
