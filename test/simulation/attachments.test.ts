import t from 'tap'
import { simulate } from './simulation.ts'

/** Files come in pieces while machines crash and are set back, in public and for an audience; some are never brought, some erased. */
const RUNS = [
  { attachments: 0.3, rounds: 12, resignations: 0 },
  { attachments: 0.3, rounds: 12, audiences: 0.3, resignations: 0 },
  { attachments: 0.3, rounds: 10, crashes: 0.15, setBacks: 1 },
]

t.test(
  'what simulation.test.ts says holds with attachments: whoever holds a value has its bytes in the end, and nobody else has any',
  { timeout: 300_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (const [place, options] of RUNS.entries()) {
      const { counts } = await simulate(40 + place, undefined, options)
      for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
    }
    for (const name of ['files put', 'files named and not brought', 'attachments held in the end'])
      t.ok((totals[name] ?? 0) > 0, `${totals[name]} ${name}`)
  },
)

t.test('a file that only the hostile member judges is brought: it takes any', async (t) => {
  const { counts, sins } = await simulate(16, undefined, { attachments: 0.1 })
  t.ok(sins.length > 0 && (counts['attachments held in the end'] ?? 0) > 0, `${sins}: ${JSON.stringify(counts)}`)
})

t.test('what is given up makes room for what waits to be fetched', async (t) => {
  const { counts } = await simulate(500_130, undefined, { attachments: 0.3 })
  t.ok((counts['files named and not brought'] ?? 0) > 3, `${counts['files named and not brought']} are given up`)
})
