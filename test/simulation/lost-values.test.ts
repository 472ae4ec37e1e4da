import t from 'tap'
import { VALUE_SINS } from './hostile.ts'
import { simulate } from './simulation.ts'

// A file of its own, as split.test.ts, so that both cores have something to do.
const SEEDS = 16

t.test(
  'what simulation.test.ts says holds where values get lost on the way, come late, or false, and nobody waits for good',
  { timeout: 300_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    const sins = new Set<string>()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const layout = { split: seed % 3 === 0, resting: seed % 3 === 1 }
      const report = await simulate(seed, undefined, { losingValues: true, ...layout })
      for (const [name, count] of Object.entries(report.counts)) totals[name] = (totals[name] ?? 0) + count
      for (const sin of report.sins) sins.add(sin)
    }
    for (const [name, count] of Object.entries({
      'refused for want of a value': 1,
      'asked for values': 5 * SEEDS,
      accepted: 5 * SEEDS,
      crashes: SEEDS,
      'set back': 1,
    })) {
      t.ok((totals[name] ?? 0) >= count, `${totals[name]} ${name}`)
    }
    for (const sin of VALUE_SINS) t.ok(sins.has(sin), sin)
  },
)
