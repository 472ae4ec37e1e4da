import t from 'tap'
import { simulate } from './simulation.ts'

/** Members come in and are set back while the others erase; rules compute from what is erased. */
const RUNS = [
  { erasures: 0.5, rounds: 25 },
  { erasures: 0.4, rounds: 20, rules: 0.5 },
]

t.test('what was erased before a backup was made is not in it', async (t) => {
  const { counts } = await simulate(710_014, undefined, { erasures: 0.2 })
  t.ok(
    (counts['set back without a guard'] ?? 0) > 0 && (counts['members that have erased values'] ?? 0) > 0,
    JSON.stringify(counts),
  )
})

t.test(
  'what simulation.test.ts says holds where values are erased, and nobody keeps one: who comes in, or comes back, ends with the same root',
  { timeout: 300_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (const [place, options] of RUNS.entries()) {
      const { counts } = await simulate(100 + place, undefined, options)
      for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
    }
    for (const name of [
      'accepted EraseValues',
      'members that have erased values',
      'members that have taken entries in place of erased values',
    ]) {
      t.ok((totals[name] ?? 0) > 0, `${totals[name]} ${name}`)
    }
  },
)

t.test('a member that lies about entries in place of erased values has nobody end otherwise', async (t) => {
  const lying = { erasures: 0.5, fewEntries: 1, hostile: 1, parties: 4, rounds: 25, sins: 'false entries', twins: 0 }
  const { counts } = await simulate(1_602_010, undefined, lying)
  for (const name of ['false entries given', 'members that have taken entries in place of erased values']) {
    t.ok((counts[name] ?? 0) > 0, `${counts[name]} ${name}`)
  }
})
