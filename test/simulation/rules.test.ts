import t from 'tap'
import { simulate } from './simulation.ts'

const SEEDS = 5

t.test(
  'what simulation.test.ts says holds where rules are drafted, voted on, published, obeyed and put out of force',
  { timeout: 300_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (let seed = 100; seed < 100 + SEEDS; seed++) {
      const { counts } = await simulate(seed, undefined, {
        rules: 0.7,
        rounds: 60,
        split: seed % 4 === 0,
        passive: seed % 4 === 1,
      })
      for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
    }
    for (const name of ['DraftRule', 'CastVote', 'PublishRules']) {
      t.ok((totals[`accepted ${name}`] ?? 0) > 0, `${totals[`accepted ${name}`]} ${name}`)
    }
    const fates = Object.entries(totals).filter(([name]) => name.startsWith('change sets'))
    t.ok((totals['change sets agreed'] ?? 0) > 0, JSON.stringify(Object.fromEntries(fates)))
  },
)
