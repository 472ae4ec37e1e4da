import t from 'tap'
import { simulate } from './simulation.ts'
import { LIES, SINS } from './sins.ts'

const SEEDS = 70

t.test(
  'whatever the network, the machines and one hostile member do, what has settled is one ledger that all have signed',
  { timeout: 600_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    const sins = new Set<string>()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const report = await simulate(seed)
      for (const [name, count] of Object.entries(report.counts)) totals[name] = (totals[name] ?? 0) + count
      for (const sin of report.sins) sins.add(sin)
    }
    for (const sin of [...SINS, ...LIES]) {
      if (sins.has(sin)) continue
      const report = await simulate(1, undefined, { parties: 3, hostile: 1, sins: sin })
      for (const one of report.sins) sins.add(one)
    }
    // A simulation in which nothing goes wrong would prove nothing.
    const atLeast = { crashes: SEEDS, accepted: 5 * SEEDS, void: SEEDS, 'timed out': SEEDS / 2, withdrawn: SEEDS / 10 }
    for (const [name, count] of Object.entries({
      ...atLeast,
      refused: 7,
      'set back': 1,
      rotations: 7,
      revocations: 3,
    })) {
      t.ok((totals[name] ?? 0) >= count, `${totals[name]} ${name}`)
    }
    t.same([...sins].sort(), [...SINS, ...LIES, 'twin'].sort(), 'every sin was committed')
  },
)

t.test('whoever has resigned, and lost its disk before its last head, takes its feed over to say that', async (t) => {
  const { counts } = await simulate(7007077, undefined, { rules: 0.3 })
  t.match(counts, { 'set back': 1, 'revoked to go on': 1 }, 'this seed comes to it')
})
