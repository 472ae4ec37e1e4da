import t from 'tap'
import { simulate } from './simulation.ts'

/** Templates are brought in pieces, imported and upgraded by vote, while members come in, are set back, and erase what stands in them. */
const RUNS = [
  { seed: 61, options: { templates: 0.5, invitations: 0.3, rounds: 20, parties: 4, hostile: 0, twins: 0 } },
  { seed: 62, options: { templates: 0.5, erasures: 0.3, rounds: 16, crashes: 0.1, setBacks: 1 } },
]

t.test(
  'what simulation.test.ts says holds where templates are imported and upgraded: who comes in, or back, behind that ends with the same root',
  { timeout: 300_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (const { seed, options } of RUNS) {
      const { counts } = await simulate(seed, undefined, options)
      for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
    }
    for (const name of [
      'accepted BringTemplate',
      'accepted ImportTemplate',
      'accepted UpgradeTemplate',
      'members that came behind an import',
    ]) {
      t.ok((totals[name] ?? 0) > 0, `${totals[name]} ${name}`)
    }
  },
)
