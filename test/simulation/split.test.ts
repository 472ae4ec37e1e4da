import t from 'tap'
import { simulate } from './simulation.ts'

// A file of its own, as passive.test.ts, so that both cores have something to do.
const SPLIT_SEEDS = 40

t.test(
  'what simulation.test.ts says holds where parties run a process for each role on one store, and any of them dies at any time',
  { timeout: 300_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (let seed = 1; seed <= SPLIT_SEEDS; seed++) {
      const { counts } = await simulate(seed, undefined, { split: true })
      for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
    }
    for (const [name, count] of Object.entries({
      'processes crashed': SPLIT_SEEDS,
      crashes: SPLIT_SEEDS / 2,
      accepted: 5 * SPLIT_SEEDS,
      'timed out': SPLIT_SEEDS / 4,
    })) {
      t.ok((totals[name] ?? 0) >= count, `${totals[name]} ${name}`)
    }
  },
)

t.test(
  'whoever takes up a contract of which a crash has left something out waits for the disk that stores it',
  async (t) => {
    const { counts } = await simulate(4001476, undefined, { split: true, passive: true, attachments: 0.2 })
    t.ok((counts['processes crashed'] ?? 0) > 0)
    t.ok((counts.passivated ?? 0) > 0)
  },
)

t.test('whoever has resigned says its last head behind a file that nobody has', async (t) => {
  const { counts } = await simulate(7002308, undefined, { split: true, passive: true, attachments: 0.2 })
  t.ok(counts['files named and not brought'], 'this seed comes to it')
})
